"""Files -> the two sides of a translation, side by side. Room: text/ (bytes -> documents). Used by splits and reading.

Two text files of one name and two endings (train.en, train.de; train.en.txt, train.de.txt) are one text in two
languages; so are two text files that are named alone. Tables and JSON lines hold both sides themselves.
Texts with labels have no sides: class_folders.py reads their folders.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.messages import message
from textmill.text.class_folders import with_classes
from textmill.text.documents import NO_QUESTION
from textmill.text.files import FORMATS, TextFile, find_files
from textmill.text.opening import stem_of, suffixes
from textmill.text.wording import left_out_as, some_of

LANGUAGE = re.compile(r"\.[a-z]{2,3}([-_][a-z]{2,4})?", re.IGNORECASE)
"""An ending that names a language: .de, .zh-Hant, .pt_BR."""
ALONE = "other:no-translation"
QUESTION_FORMATS = ("json", "jsonl", "csv", "tsv")
"""The formats whose records may be passages with questions."""


def is_side(data: DataConfig) -> Callable[[str], bool]:
    """Whether files of an ending may be one side of a translation, though their ending is no format."""
    if not data.pairs:
        return lambda ending: False
    said = {f".{side}".lower() for side in (data.source, data.target) if side}
    if len(said) == 2:
        return said.__contains__
    return lambda ending: ending in said or LANGUAGE.fullmatch(ending) is not None


def files_of(paths: Iterable[str], data: DataConfig, notes: list[str]) -> list[TextFile]:
    """The files of paths; of pairs, each source with its translation beside it; of labelled texts, each with the label
    that its folder gives it; of questions, those that may hold some. Raises InputError."""
    files = find_files(paths, notes, is_side(data))
    if data.conditions:
        return [
            file if file.dropped_as else replace(file, kept=tuple((name, name) for name in data.conditions))
            for file in files
        ]
    if data.labelled and not data.stories:
        return with_classes(files, notes)
    if data.reads_questions:
        return of_questions(files, notes)
    return with_sides([*files, *missing_sides(files, data, notes)], data, notes) if data.pairs else files


def of_questions(files: Sequence[TextFile], notes: list[str]) -> list[TextFile]:
    """The files in order; those of a folder whose format holds no questions are left out. Raises InputError where no
    file is left."""
    found: list[TextFile] = []
    left_out: list[str] = []
    for file in files:
        if file.named or file.dropped_as or file.format in QUESTION_FORMATS:
            found.append(file)
        else:
            left_out.append(file.name)
            found.append(replace(file, format="", dropped_as=NO_QUESTION))
    if left_out and all(file.dropped_as for file in found):
        raise InputError(
            message("none of these files holds questions"),
            where=some_of(left_out),
            hint=message("read are SQuAD files (.json), .jsonl, .csv and .tsv"),
        )
    if left_out:
        notes.append(
            message(
                "Of a format without questions, counted as %(category)s: %(names)s.",
                category=left_out_as(NO_QUESTION),
                names=some_of(left_out),
            )
        )
    return found


def missing_sides(files: Sequence[TextFile], data: DataConfig, notes: list[str]) -> list[TextFile]:
    """For text files named alone the other side, where it is said which two there are and it lies in the same folder:
    for val.en, of --source en --target de, val.de or val.de.gz. Raises InputError where there are two of them."""
    source, target = (side.lower() for side in languages_said(data))
    if not (source and target) or are_two_sides(texts_of(files)):
        return []
    found: list[TextFile] = []
    there = {stem_and_language(file) for file in files}
    for file in files:
        stem, language = stem_and_language(file)
        other = {source: target, target: source}.get(language)
        if not file.named or file.format != "text" or file.dropped_as or other is None or (stem, other) in there:
            continue
        name = Path(stem).name
        likely = [path for path in sorted(file.path.parent.iterdir()) if name_and_language(path.name) == (name, other)]
        if len(likely) > 1:
            raise InputError(
                f"it is not said which of {some_of([str(path) for path in likely])} is its translation",
                where=file.name,
                hint="Name both files, or leave one of the two in the folder.",
            )
        for side in find_files([str(path) for path in likely], notes, is_side(data)):
            found.append(side)
            notes.append(
                message("%(one)s is read with %(other)s, which lies beside it.", one=file.name, other=side.name)
            )
    return found


def with_sides(files: Sequence[TextFile], data: DataConfig, notes: list[str]) -> list[TextFile]:
    """The files in order, where two text files belong together the source alone, its translation beside it.

    A text file without its like is an InputError where it was named, and left out where it lay in a folder.
    """
    texts = texts_of(files)
    if are_two_sides(texts):
        groups = {"": texts}
    else:
        groups = {}
        for file in texts:
            groups.setdefault(stem_and_language(file)[0], []).append(file)
    beside = {source.identity: target for group in groups.values() for source, target in sides_of(group, data)}
    targets = {target.identity for target in beside.values()}
    found: list[TextFile] = []
    alone: list[str] = []
    for file in files:
        if file.identity in targets:
            continue
        if file.identity in beside:
            found.append(replace(file, beside=beside[file.identity]))
        elif file in texts:
            alone.append(file.name)
            found.append(left_alone(file))
        else:
            found.append(file)
    if alone:
        notes.append(
            message(
                "Without a translation beside them, counted as %(category)s: %(names)s.",
                category=left_out_as(ALONE),
                names=some_of(alone),
            )
        )
    return found


def texts_of(files: Sequence[TextFile]) -> list[TextFile]:
    """Those that are plain text."""
    return [file for file in files if file.format == "text" and not file.dropped_as]


def are_two_sides(texts: Sequence[TextFile]) -> bool:
    """Two files that are named, whatever they are called, but for two of one language."""
    if len(texts) != 2 or not all(file.named for file in texts):
        return False
    one, other = (stem_and_language(file)[1] for file in texts)
    return not one or one != other


def left_alone(file: TextFile) -> TextFile:
    if not file.named:
        return replace(file, format="", dropped_as=ALONE)
    raise InputError(
        "there is no file with its translation",
        where=file.name,
        hint="Name two files, a line of the one for each line of the other: textmill train news.en news.de --task "
        "translate; or one file with both sides (.tsv, .jsonl, .tmx).",
    )


def sides_of(group: Sequence[TextFile], data: DataConfig) -> list[tuple[TextFile, TextFile]]:
    """(source, target) of the files of one name; none where there are not two. Raises InputError for a guess."""
    by_language = {stem_and_language(file)[1]: file for file in group}
    said_source, said_target = languages_said(data)
    source, target = (by_language.get(said.lower()) if said else None for said in (said_source, said_target))
    if len(group) == 2:
        one, two = group
        if source is two or target is one:
            return [(two, one)]
        if source is one or target is two or all(file.named for file in group):
            return [(one, two)]
    elif source and target:
        return [(source, target)]
    if len(group) < 2:
        return []
    raise InputError(
        f"it is not said which of {some_of([file.name for file in group])} is the source and which its translation",
        hint=f"Say their endings: --source {next(iter(by_language)) or 'en'} --target {list(by_language)[-1] or 'de'}",
    )


def stem_and_language(file: TextFile) -> tuple[str, str]:
    """(the folder and name that both sides share, the language that tells this one) of a file.

    Of train.en.gz: train and en; of train.de.txt: train and de; of notes.txt: notes and nothing.
    """
    *folders, name = file.below or (file.path.name,)
    parent = str(file.path.parent) if file.named else "/".join(folders)
    stem, language = name_and_language(name)
    return f"{parent}/{stem}", language


def name_and_language(name: str) -> tuple[str, str]:
    """The same of a file's name alone."""
    ending = suffixes(name)[0]
    stem = stem_of(name)
    if ending in FORMATS:
        ending = Path(stem).suffix
        stem = stem.removesuffix(ending)
    return stem, ending.removeprefix(".").lower()


def languages_said(data: DataConfig) -> tuple[str, str]:
    """(source, target) as they are called: by --source and --target, or by the endings of two named files; "" where
    nothing says it."""
    endings = [suffixes(Path(path).name)[0] for path in data.paths]
    endings = [ending for ending in endings if LANGUAGE.fullmatch(ending) and ending not in FORMATS]
    first, second = ([ending[1:] for ending in endings] + ["", ""])[:2]
    return data.source or first, data.target or second
