"""A folder for each class -> the label of the texts in it. Room: text/ (bytes -> documents). Used by sides.

Where a file is text without records, the folder that holds it is its class: reviews/pos/1.txt is "pos". Folders whose
names are those of parts (train/pos/1.txt, pos/train/1.txt) and archives are passed over. A folder that holds folders of
classes is none itself, so what lies beside them (README.md) has no label; neither has what lies in a folder whose name
says that (unsup). What has no label is left out with a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from textmill.errors import InputError
from textmill.messages import message
from textmill.text.documents import NO_LABEL
from textmill.text.files import SPLIT_WORDS, TextFile
from textmill.text.labels import canonical, in_class_order
from textmill.text.opening import suffixes
from textmill.text.wording import left_out_as, some_of

WITHOUT_RECORDS = frozenset(("text", "html", "pdf", "docx", "epub"))
UNLABELLED = frozenset(("unsup", "unsupervised", "unlabeled", "unlabelled"))
SHOWN_CLASSES = 10

Folders = tuple[str, ...]


def with_classes(files: Sequence[TextFile], notes: list[str]) -> list[TextFile]:
    """The files in order; those without records with their labels, or left out where they have none.

    Raises InputError where such a file is named by itself, and where labels are taken from folders and there are not
    two of them.
    """
    texts = [file for file in files if is_text(file)]
    if named := [file for file in texts if file.named]:
        raise without_labels(named)
    classes = classes_by_folder(folders_of(file.below) for file in texts)
    if len(set(classes.values())) < 2:
        if texts and all(file.dropped_as or is_text(file) for file in files):
            raise without_labels(texts)
        classes = {}
    found: list[TextFile] = []
    left_out: list[str] = []
    counts: Counter[str] = Counter()
    for file in files:
        if not is_text(file):
            found.append(file)
        elif (label := classes.get(folders_of(file.below))) is not None:
            counts[label] += 1
            found.append(replace(file, labels=(label,)))
        else:
            left_out.append(file.name)
            found.append(replace(file, format="", dropped_as=NO_LABEL))
    if counts:
        shown = [f"{name} {counts[name]:,}" for name in in_class_order(counts)]
        notes.append(
            message(
                "The label of a text is the name of its folder; files by label: %(classes)s.",
                classes=some_of(shown, limit=SHOWN_CLASSES),
            )
        )
    if left_out:
        notes.append(
            message(
                "In no folder of a class, so without a label, counted as %(category)s: %(names)s.",
                category=left_out_as(NO_LABEL),
                names=some_of(left_out),
            )
        )
    return found


def is_text(file: TextFile) -> bool:
    return file.format in WITHOUT_RECORDS and not file.dropped_as


def classes_by_folder(folders: Iterable[Folders]) -> dict[Folders, str]:
    """The folders that are classes, with the name of each."""
    folders = set(folders)
    holding = {path[:depth] for path in folders for depth in range(len(path))}
    found: dict[Folders, str] = {}
    for path in folders - holding:
        if path and path[-1].lower() not in UNLABELLED and (label := canonical(path[-1])) is not None:
            found[path] = label
    return found


def folders_of(below: tuple[str, ...]) -> Folders:
    """The folders that a file lies in, without those of parts and archives.

    >>> folders_of(("aclImdb.tar.gz", "aclImdb", "train", "pos", "1.txt")), folders_of(("1.txt",))
    (('aclImdb', 'pos'), ())
    """
    return tuple(name for name in below[:-1] if name.lower() not in SPLIT_WORDS and not suffixes(name)[2])


def without_labels(files: Sequence[TextFile]) -> InputError:
    """The error for texts of which nothing says a label."""
    return InputError(
        message("nothing says the labels of these texts"),
        where=some_of([file.name for file in files]),
        hint=message(
            "Name a table or JSON lines with a column for the text and one for the label (--data.text NAME "
            "--data.label NAME), or a folder that holds a folder of texts for each class: reviews/pos/1.txt "
            "reviews/neg/1.txt."
        ),
    )
