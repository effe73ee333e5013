"""Documents -> train, validation, test, and every byte in a ledger. Room: text/ (bytes -> documents).

Two passes over the files: the first keeps two digests and a size per document, the second hands out documents. Which
part a document belongs to depends on (data.split_seed, its normalised text) and on the sizes, never on where it lies.
Documents that are equal after normalisation, and documents of one meta["group"], stand on one side.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from textmill.config import DataConfig
from textmill.errors import ConfigError, TooLittleText
from textmill.messages import Message, message, plural_message
from textmill.results import Duplicates, FileLook, Lengths, Removed, Sampled
from textmill.text.document_language import LanguageCount
from textmill.text.documents import (
    ANSWERED,
    ANSWERS,
    ARTICLE,
    DUPLICATE,
    LABELS,
    PARTS,
    QUESTION,
    TEXT,
    Document,
    Found,
    Part,
    ReadReport,
    TakenOut,
)
from textmill.text.files import BINARY_FORMATS, TextFile, changed, with_named_parts
from textmill.text.holdout import (
    FEW,
    FEW_LINES_BYTES,
    SHORT_LINE_BYTES,
    choose_groups,
    cut_at_lines,
    cut_in_lines,
    line_starts,
)
from textmill.text.label_findings import classes_missing, copies_told, missing_told
from textmill.text.languages import ScriptCount
from textmill.text.ledger import Ledger, in_order
from textmill.text.lengths import lengths_of
from textmill.text.long_text import Text, in_pieces, part_of
from textmill.text.naive import Sides, TwoSplits, naive_order
from textmill.text.near import NearDuplicates
from textmill.text.normalise import digest, normalised_digest
from textmill.text.reading import examined, records_of
from textmill.text.sample import Sample, draw_sample
from textmill.text.sides import files_of
from textmill.text.transcoding import size_in
from textmill.text.within import Within
from textmill.text.wording import PART_WORDS, joined, left_out_as, percent, some_of

TRAIN, VALIDATION, TEST, REPEAT = range(4)
CODES: dict[Part, int] = {"train": TRAIN, "validation": VALIDATION, "test": TEST}

NEAR_BELOW_BYTES = 100_000_000
NEAR_BYTES_A_SECOND = 10_000_000  # what near.py was measured to do at least, on one processor

Codes = NDArray[np.uint8]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Cut:
    """One document in contiguous blocks: its number among all documents; characters (start, end) and bytes by part."""

    index: int
    spans: dict[Part, tuple[int, int]]
    n_bytes: dict[Part, int]

    def block(self, document: Document, part: Part) -> Document:
        """The part's piece of the document, with the line where it starts as its source."""
        start, end = self.spans[part]
        file, _, line = document.source.rpartition(":")
        source = document.source
        if line.isdecimal():
            n_before = sum(piece.count("\n") for piece in in_pieces(part_of(document.content, 0, start)))
            source = f"{file}:{int(line) + n_before}"
        return replace(document, content=part_of(document.content, start, end), source=source)


@dataclass(frozen=True)
class SplitPlan:
    """What stands where, known before anything is written. Made by plan_split; holds no text but the preview."""

    ledger: Ledger
    """Every byte of every file; its categories sum to the file's size exactly."""
    n_documents: dict[str, int]
    """Documents (or blocks) in train, validation, test."""
    duplicates: Duplicates
    """Repeats as they stand in the files, whether they are kept or not."""
    notes: list[str]
    """What was decided or left out, as sentences."""
    bad_records: list[str]
    """The first hundred, as "file:line: reason"."""
    n_bad_records: int
    n_empty: int
    n_unlabelled: int
    """Records without a label, where texts have labels."""
    languages: dict[str, float]
    """Share of the letters: zh, en, other."""
    document_languages: dict[str, float]
    """Share of the documents by language; {} unless it was asked for."""
    lengths: Lengths | None
    """Characters of the documents; None without any."""
    cleaning: list[Removed]
    """What each cleaning rule took out."""
    preview: list[str]
    """The first three documents, cut to a line each."""
    fingerprint: str
    """sha256 over the files' sha256, formats and parts, in order: where files lie does not change it."""
    by_blocks: bool
    """One document was cut into contiguous blocks."""
    twice: TwoSplits | None
    """This split beside the naive one; None unless it was asked for, and where one document is all there is."""
    sample: Sampled | None
    """Where only a part of the text was read: nothing is held out then, and all documents of it stand in train."""
    _data: DataConfig
    _files: list[TextFile]
    _ends: list[int]
    _parts: Codes
    _cut: Cut | None

    def documents(self, part: Part) -> Iterator[Document]:
        """The documents of a part, read anew, in the order of the files; any number of times. With data.make_questions
        the questions that are made from them, more of the train part.

        Raises InputError if a file changed since the plan was made.
        """
        documents = self._documents(part)
        if self._data.make_questions:
            from textmill.text.question_making import FORMS, with_questions_made  # loads a third of this room

            return with_questions_made(documents, self._data.split_seed, FORMS if part == "train" else 1)
        return documents

    def _documents(self, part: Part) -> Iterator[Document]:
        start = 0
        for file, end in zip(self._files, self._ends, strict=True):
            if self._stands_in(part, start, end):
                for index, document in _numbered(file, self._data, start, end):
                    if self._cut and index == self._cut.index:
                        if part in self._cut.spans:
                            yield self._cut.block(document, part)
                    elif self._parts[index] == CODES[part]:
                        yield document
            start = end

    def numbered(self, wanted: NDArray[np.bool_]) -> Iterator[tuple[int, Document]]:
        """The documents that `wanted` (one value a document) names, of whatever part, with their numbers; read anew.

        Raises InputError if a file changed since the plan was made.
        """
        start = 0
        for file, end in zip(self._files, self._ends, strict=True):
            if wanted[start:end].any():
                yield from (pair for pair in _numbered(file, self._data, start, end) if wanted[pair[0]])
            start = end

    def blocks(self) -> dict[Part, Document]:
        """The blocks of the one document that was cut, by part, read anew; {} where none was."""
        if not self._cut:
            return {}
        [(_, document)] = self.numbered(np.arange(len(self._parts)) == self._cut.index)
        return {part: self._cut.block(document, part) for part in self._cut.spans}

    def taken_out(self) -> Iterator[TakenOut]:
        """All that cleaning rules took out of any part, read anew, in the order of the files.

        Raises InputError if a file changed since the plan was made.
        """
        for file in self._files:
            if not file.dropped_as:
                for item in records_of(file, self._data, ReadReport()):
                    if isinstance(item, TakenOut):
                        yield item

    def _stands_in(self, part: Part, start: int, end: int) -> bool:
        """Whether documents start..end hold any of the part: other files need not be read."""
        if self._cut and part in self._cut.spans and start <= self._cut.index < end:
            return True
        return bool((self._parts[start:end] == CODES[part]).any())


def _numbered(file: TextFile, data: DataConfig, start: int, end: int) -> Iterator[tuple[int, Document]]:
    """The file's documents, numbered from `start`. Raises InputError if there are not as many as there were."""
    index = start
    for item in records_of(file, data, ReadReport()):
        if isinstance(item, Found):
            if index == end:
                raise changed(file)
            yield index, item.document
            index += 1
    if index != end:
        raise changed(file)


def plan_split(
    data: DataConfig, tell_languages: bool = False, split_twice: bool = False, sample: str | None = None
) -> SplitPlan:
    """Read everything once and decide which document goes where. See `SplitPlan`.

    tell_languages: also find the language of the documents, of at most N_JUDGED evenly spread ones (that takes time).
    split_twice: also split the documents naively, to measure what grouping is good for.
    sample: read only so much, such as "200MB" or "5%"; what would be held out is then not decided.

    Several documents are held out whole, in the order of a hash; one is cut into contiguous blocks: train first, then
    validation, then test. Raises InputError (what cannot be read) and TooLittleText (nothing to train on), before
    anything is written.
    """
    notes: list[str] = []
    files = _gather(data, notes)
    drawn = draw_sample(files, sample, data.unit, data.split_seed, notes) if sample else None
    scan = _Scan(drawn.files if drawn else files, data, notes, tell_languages)
    parts, cut, shares = _all_of_a_sample(scan, drawn) if drawn else _assigned(scan, data, notes)
    report = scan.report
    if report.n_bad_records:
        notes.append(
            message(
                "Left out, %(records)s; the first is %(first)s (--strict stops there).",
                records=plural_message("%(n)s bad record", "%(n)s bad records", report.n_bad_records),
                first=report.bad_records[0],
            )
        )
    if report.n_empty:
        places = some_of(report.empty_records, report.n_empty)
        notes.append(
            plural_message(
                "Left out, %(n)s place without text: %(places)s.",
                "Left out, %(n)s places without text: %(places)s.",
                report.n_empty,
                places=places,
            )
        )
    if report.n_unlabelled:
        notes.append(
            plural_message(
                "Left out, %(n)s text without a label: %(places)s (--strict stops there).",
                "Left out, %(n)s texts without a label: %(places)s (--strict stops there).",
                report.n_unlabelled,
                places=some_of(report.unlabelled, report.n_unlabelled),
            )
        )
    if scan.labels and not drawn:
        _tell_missing_classes(scan, parts, notes)
    counts = np.bincount(parts, minlength=4)
    n_documents: dict[str, int] = {part: int(counts[CODES[part]]) for part in PARTS}
    if drawn:
        n_documents = {TEXT: n_documents["train"]}
    if cut:
        n_documents.update({part: n_documents[part] + 1 for part in cut.spans if part != "train"})
    ledger = _ledger(scan, parts, cut, kept="text" if drawn else "train")
    return SplitPlan(
        ledger=ledger,
        n_documents=n_documents,
        duplicates=scan.duplicates,
        notes=[*notes, *(note for note in report.notes if note not in notes)],
        bad_records=report.bad_records,
        n_bad_records=report.n_bad_records,
        n_empty=report.n_empty,
        n_unlabelled=report.n_unlabelled,
        languages=scan.scripts.shares(),
        document_languages=scan.languages.shares() if scan.languages else {},
        lengths=lengths_of(scan.characters),
        cleaning=_cleaning(report),
        preview=scan.preview,
        fingerprint=_fingerprint(scan.files),
        by_blocks=cut is not None,
        twice=_twice(scan, parts, shares) if split_twice and not cut and not drawn else None,
        sample=drawn.facts(ledger.files) if drawn else None,
        _data=data,
        _files=scan.files,
        _ends=scan.ends,
        _parts=parts,
        _cut=cut,
    )


# -- first pass --------------------------------------------------------------------------------------------------------


def _gather(data: DataConfig, notes: list[str]) -> list[TextFile]:
    """All files with their parts; a file that --valid or --test names is not read as train text as well."""
    if not data.paths:
        raise ConfigError("there is no text: no path is named", where="data.paths", hint="name a file or a folder")
    given: dict[Part, list[TextFile]] = {
        "validation": files_of(data.valid, data, notes),
        "test": files_of(data.test, data, notes),
    }
    taken: dict[tuple[str, int, int], Part] = {}
    for part, files in given.items():
        for file in files:
            if taken.setdefault(file.identity, part) != part:
                raise ConfigError(f"{file.name} stands in both --valid and --test", where="data.valid")
    found = files_of(data.paths, data, notes)
    pool = [file for file in found if file.identity not in taken]
    _tell_taken([(file.name, taken[file.identity]) for file in found if file.identity in taken], not pool, notes)
    n_named = len(notes)
    pool = with_named_parts(pool, notes)
    files = []
    for file in pool:
        if file.part and given[file.part]:
            category = f"other:named-{file.part}"
            flag = "--valid" if file.part == "validation" else "--test"
            unused = message(
                "%(file)s is not used (%(category)s): %(flag)s names other files.",
                file=file.name,
                category=left_out_as(category),
                flag=flag,
            )
            notes.insert(n_named, unused)
            file = replace(file, dropped_as=category, part=None)
        files.append(file)
    for part, named in given.items():
        files += [replace(file, part=part) for file in named]
    return files


def _tell_taken(taken: Sequence[tuple[str, Part]], is_all: bool, notes: list[str]) -> None:
    """Say which files are named for training and for another part: they are used for that part alone."""
    for part in ("validation", "test"):
        names = [name for name, said in taken if said == part]
        if not names:
            continue
        flag = "--valid" if part == "validation" else "--test"
        if is_all:
            raise TooLittleText(
                f"nothing is left to train on: {flag} names the same text",
                where=some_of(names),
                hint=f"Give {flag} another file, or leave it out: some text is held out anyway.",
            )
        notes.append(
            message(
                "Used for %(part)s alone, because %(flag)s names it: %(names)s.",
                part=PART_WORDS[part],
                flag=flag,
                names=some_of(names),
            )
        )


class _Scan:
    """The first pass: files examined, digests and sizes of their documents, and what there is to say."""

    def __init__(self, files: Sequence[TextFile], data: DataConfig, notes: list[str], tell_languages: bool):
        self.files = [examined(file, data, notes) for file in files]
        self.ends: list[int] = []
        self.report = ReadReport()
        self.scripts = ScriptCount()
        self.preview: list[str] = []
        self.groups: dict[int, tuple[str, ...]] = {}
        """Number of a document -> its meta["group"], or several."""
        self.articles: dict[int, str] = {}
        """Number of a document -> the article that its passage is from, where that is said."""
        self.labels: dict[tuple[str, ...], int] = {}
        """The labels of documents -> their number, in the order in which they were found first."""
        self.languages = LanguageCount() if tell_languages else None
        self.characters = array("q")
        near = _near_wanted(data, sum(file.n_bytes for file in self.files if not file.dropped_as), notes)
        within = Within() if near and data.labelled else None
        sizes, beside, roles, labels = array("q"), array("q"), bytearray(), array("q")
        passages, of_passage = dict[bytes, int](), array("q")
        exact, normal = bytearray(), bytearray()
        for file in self.files:
            role = CODES[file.part or "train"]
            for item in records_of(file, data, self.report):
                if not isinstance(item, Found):
                    continue
                document = item.document
                if "group" in document.meta:
                    group = document.meta["group"]
                    self.groups[len(sizes)] = tuple(map(repr, group if isinstance(group, tuple) else (group,)))
                if ARTICLE in document.meta:
                    self.articles[len(sizes)] = document.meta[ARTICLE]
                is_new = True
                if QUESTION in document.meta:
                    passage = normalised_digest(document.content)
                    is_new = passage not in passages
                    of_passage.append(passages.setdefault(passage, len(passages)))
                if LABELS in document.meta:
                    labels.append(self.labels.setdefault(document.meta[LABELS], len(self.labels)))
                sizes.append(item.n_bytes)
                beside.append(item.beside)
                roles.append(role)
                key = document.content if len(document.texts) == 1 else "\n".join(map(str, document.texts))
                exact += digest(key)
                normal += normalised_digest(key, data.split_seed)
                for text in document.texts:
                    self.scripts.add(text)
                self.characters.append(len(document.content))
                if near and is_new:
                    near.add(document.content)
                if within:
                    within.add(document.content)
                if self.languages:
                    self.languages.add(document.content)
                if len(self.preview) < 3:
                    answers = [text for _, text in document.meta.get(ANSWERS, ())][:1]
                    told = ", ".join([*document.meta.get(LABELS, ()), *map(_one_line, answers)])
                    self.preview.append(" → ".join([*map(_one_line, document.texts), *([told] if told else [])]))
            self.ends.append(len(sizes))
        self.sizes: Numbers = np.frombuffer(sizes, dtype=np.int64) if sizes else np.zeros(0, np.int64)
        self.beside: Numbers = np.frombuffer(beside, dtype=np.int64) if beside else np.zeros(0, np.int64)
        """Bytes of each document's translation that stand in another file."""
        self.labelled: Numbers = np.frombuffer(labels, dtype=np.int64) if labels else np.zeros(0, np.int64)
        """Number of each document's labels, where documents have any."""
        self.passages: Numbers | None = np.frombuffer(of_passage, dtype=np.int64) if of_passage else None
        """Number of each document's passage, where documents are passages with questions."""
        self.roles: Codes = np.frombuffer(bytes(roles), dtype=np.uint8)
        self.exact = _numbers(exact)
        del exact
        self.normal = _numbers(normal)
        del normal
        self.data = data
        self.near = near.groups() if near and len(sizes) else None
        if self.near is not None and self.passages is not None:
            self.near = self.near[self.passages]
        """Number of the group of nearly equal documents, for each document."""
        self.within = within.groups() if within else None
        """Number of the one document that each labelled one stands within, or its own."""
        self.duplicates = Duplicates(
            n_documents=len(self.sizes),
            exact=len(self.sizes) - _n_different(self.exact),
            normalised=len(self.sizes) - _n_different(self.normal),
            near=None if self.near is None else self._n_near(),
            examples=self._examples(self.normal, " = ") + self._near_examples(),
        )

    @property
    def same(self) -> Numbers:
        """Equal numbers for documents of equal normalised text; where they have questions, of equal passages."""
        return self.normal if self.passages is None else self.passages

    def _n_near(self) -> int:
        """Documents (or passages) whose group began with another one that is not equal after normalisation."""
        assert self.near is not None
        return len(np.unique(self.same)) - len(np.unique(_merged_numbers(self.same, self.near)))

    def _near_examples(self) -> list[str]:
        if self.near is None:
            return []
        _, first = np.unique(self.same, return_index=True)  # one of each text: equal ones are no news
        alone = np.arange(len(self.normal), dtype=np.int64) + len(self.normal)
        alone[first] = self.near[first]
        return self._examples(np.unique(alone, return_inverse=True)[1].astype(np.int64), " ≈ ")

    def file_of(self, index: int) -> TextFile:
        """The file that holds a document."""
        return self.files[bisect_right(self.ends, index)]

    def document(self, index: int) -> Document:
        """One document, read anew."""
        return next(iter(self._some([index]).values()))

    def _some(self, wanted: Sequence[int]) -> dict[int, Document]:
        found: dict[int, Document] = {}
        start = 0
        for file, end in zip(self.files, self.ends, strict=True):
            here = {index for index in wanted if start <= index < end}
            if here:
                for index, document in _numbered(file, self.data, start, end):
                    if index in here:
                        found[index] = document
                    if index == max(here):
                        break
            start = end
        return found

    def _examples(self, numbers: Numbers, sign: str) -> list[str]:
        """The first three groups of equal numbers, as "source = source"."""
        counts = np.bincount(numbers)
        repeated = np.flatnonzero(counts[numbers] > 1) if len(counts) else np.zeros(0, np.int64)
        if not len(repeated):
            return []
        _, first = np.unique(numbers[repeated], return_index=True)
        groups = [numbers[repeated[place]] for place in sorted(first)[:3]]
        members = [np.flatnonzero(numbers == group)[:3].tolist() for group in groups]
        documents = self._some([index for group in members for index in group])
        return [sign.join(documents[index].source for index in group) for group in members]


def _one_line(text: Text, limit: int = 100) -> str:
    words = " ".join(text[: 8 * limit].split()) or "…"
    return words if len(words) <= limit and len(text) <= 8 * limit else f"{words[:limit]}…"


def _numbers(digests: bytearray) -> Numbers:
    """Equal digests -> equal numbers, counted from 0 in the order of the digests. 24 bytes a digest beside them."""
    high, low = np.frombuffer(digests, dtype=">u8").reshape(-1, 2).T
    first = high.astype(np.uint64)
    order = np.argsort(first, kind="stable")
    first = first[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = first[1:] != first[:-1]
    same = np.flatnonzero(~is_new)  # the first half; the second seldom tells them apart
    if (low[order[same]] != low[order[same - 1]]).any():
        order = np.lexsort((low, high))
        is_new[1:] = (np.diff(high[order]) != 0) | (np.diff(low[order]) != 0)
    del first
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(is_new) - 1
    return numbers


def _n_different(numbers: Numbers) -> int:
    """How many different numbers there are, of those that _numbers gives."""
    return int(numbers.max(initial=-1)) + 1


def _fingerprint(files: Sequence[TextFile]) -> str:
    hasher = hashlib.sha256()
    for file in files:
        content = f"{file.dropped_as} {file.n_bytes}" if file.dropped_as else f"{file.format} {file.sha256}"
        if file.beside:
            content += f" {file.beside.sha256}"
        if file.labels:
            content += f" {', '.join(file.labels)}"
        hasher.update(f"{file.part or 'train'} {content}\n".encode())
    return hasher.hexdigest()


def _ledger(scan: _Scan, parts: Codes, cut: Cut | None, kept: str = "train") -> Ledger:
    names = {TRAIN: kept, VALIDATION: "validation", TEST: "test", REPEAT: DUPLICATE}
    files = []
    start = 0
    for file, end, count in zip(scan.files, scan.ends, scan.report.files, strict=True):
        n_bytes = {category: n for category, n in count.n_bytes.items() if category != TEXT}
        here = parts[start:end]
        for code, name in names.items():
            n_bytes[name] = n_bytes.get(name, 0) + int(scan.sizes[start:end][here == code].sum())
        if cut and start <= cut.index < end:
            n_bytes["train"] -= int(scan.sizes[cut.index])
            for part, size in cut.n_bytes.items():
                n_bytes[part] += size
        shown = {category: n_bytes[category] for category in in_order(n_bytes) if n_bytes[category]}
        n_all = sum(shown.values()) if file.format in BINARY_FORMATS else file.n_bytes
        look = FileLook(path=file.name, bytes=n_all, encoding=file.encoding, ledger=shown, lines=list(file.lines))
        files.append(look.model_copy(update={"of_bytes": file.of_bytes}) if file.of_bytes else look)
        if file.beside:
            files.append(_ledger_beside(file.beside, scan.beside[start:end], here, names))
        start = end
    return Ledger(files)


def _ledger_beside(file: TextFile, sizes: Numbers, parts: Codes, names: dict[int, str]) -> FileLook:
    """Of the file that holds the translations: each stands where its source does, and the rest is line ends."""
    n_bytes = {name: int(sizes[parts == code].sum()) for code, name in names.items()}
    n_bytes["markup"] = file.n_bytes - sum(n_bytes.values())
    shown = {category: n_bytes[category] for category in in_order(n_bytes) if n_bytes[category]}
    return FileLook(path=file.name, bytes=file.n_bytes, encoding=file.encoding, ledger=shown, lines=list(file.lines))


# -- who stands where --------------------------------------------------------------------------------------------------


def _assigned(scan: _Scan, data: DataConfig, notes: list[str]) -> tuple[Codes, Cut | None, dict[Part, float]]:
    """The part of every document, the cut where one document is all there is to split, and the shares held out."""
    parts = scan.roles.copy()
    _drop_repeats(scan, data, parts, notes)
    _refuse_nothing(scan, parts)
    shares: dict[Part, float] = {"validation": data.valid_share, "test": data.test_share}
    for part in ("validation", "test"):
        if (parts == CODES[part]).any():
            shares[part] = 0.0
        elif not shares[part]:
            share = "valid_share" if part == "validation" else "test_share"
            notes.append(message("There is no %(part)s part: data.%(share)s is 0.", part=PART_WORDS[part], share=share))
    pool = np.flatnonzero(parts == TRAIN)
    if len(pool) == 1 and not data.labelled and not data.reads_questions:
        return parts, _cut(scan, int(pool[0]), shares, notes), shares
    _hold_out(scan, pool, shares, parts, notes)
    return parts, None, shares


def _twice(scan: _Scan, parts: Codes, shares: dict[Part, float]) -> TwoSplits:
    naive = scan.roles.copy()
    pool = np.flatnonzero(naive == TRAIN)
    order = pool[naive_order(scan.normal[pool], scan.data.split_seed)]
    if len(pool) > sum(share > 0 for share in shares.values()):
        test, valid = choose_groups(scan.sizes[order], shares["test"], shares["validation"])
        naive[order[test]], naive[order[valid]] = TEST, VALIDATION
    return TwoSplits(grouped=_sides(parts), naive=_sides(naive), groups=_merged(scan), sizes=scan.sizes)


def _sides(parts: Codes) -> Sides:
    return Sides(train=parts == TRAIN, held=(parts == VALIDATION) | (parts == TEST))


def _all_of_a_sample(scan: _Scan, drawn: Sample) -> tuple[Codes, None, dict[Part, float]]:
    """Every document of a sample, none held out. Raises TooLittleText where there is none."""
    if not len(scan.roles):
        raise TooLittleText(
            f"there is no document in a sample of {drawn.asked}",
            where=some_of([file.name for file in scan.files]),
            hint="Say a larger --sample, or look at all of it.",
        )
    return np.zeros(len(scan.roles), dtype=np.uint8), None, {}


def _drop_repeats(scan: _Scan, data: DataConfig, parts: Codes, notes: list[str]) -> None:
    """Mark repeats in `parts`: of the same part where data.duplicates asks for it; of text that was given as
    validation or test always."""
    key = {"keep": None, "exact": scan.exact, "normalised": scan.normal}[data.duplicates]
    if key is not None:
        for code in (TEST, VALIDATION, TRAIN):
            members = np.flatnonzero(scan.roles == code)
            _, first = np.unique(key[members], return_index=True)
            parts[np.delete(members, first)] = REPEAT
        dropped = int((parts == REPEAT).sum())
        notes.append(
            plural_message(
                "Dropped, %(n)s repeat (data.duplicates %(rule)s); the first is kept.",
                "Dropped, %(n)s repeats (data.duplicates %(rule)s); the first is kept.",
                dropped,
                rule=data.duplicates,
            )
        )
    elif scan.duplicates.normalised:
        notes.append(
            message(
                "Repeats of an earlier document: %(exact)s exact, %(normalised)s after normalisation. Repeats stand "
                "together on one side (--data.duplicates exact or normalised drops them).",
                exact=f"{scan.duplicates.exact:,}",
                normalised=f"{scan.duplicates.normalised:,}",
            )
        )
    if scan.duplicates.near and scan.passages is not None:
        notes.append(
            plural_message(
                "Nearly equal to another passage: %(n)s passage; such passages stand together on one side.",
                "Nearly equal to another passage: %(n)s passages; such passages stand together on one side.",
                scan.duplicates.near,
            )
        )
    elif scan.duplicates.near:
        notes.append(
            plural_message(
                "Nearly equal to another document: %(n)s document; such documents stand together on one side.",
                "Nearly equal to another document: %(n)s documents; such documents stand together on one side.",
                scan.duplicates.near,
            )
        )
    numbers = scan.same if scan.near is None else _merged_numbers(scan.same, scan.near)
    for here, others in ((VALIDATION, (TEST,)), (TRAIN, (VALIDATION, TEST))):
        held = np.unique(numbers[np.isin(parts, others)])
        leaks = np.flatnonzero((parts == here) & np.isin(numbers, held))
        if len(leaks):
            parts[leaks] = REPEAT
            notes.append(
                plural_message(
                    "Dropped from %(part)s, %(n)s document that also stand in the %(others)s text.",
                    "Dropped from %(part)s, %(n)s documents that also stand in the %(others)s text.",
                    len(leaks),
                    part=PART_WORDS["validation" if here == VALIDATION else "train"],
                    others=PART_WORDS["test"] if here == VALIDATION else message("validation or test"),
                )
            )
            if scan.labels and here == TRAIN:
                kept = np.flatnonzero(np.isin(parts, others))
                notes.append(
                    copies_told(
                        len(kept),
                        int(np.isin(numbers[kept], numbers[leaks]).sum()),
                        int(np.isin(scan.exact[kept], scan.exact[leaks]).sum()),
                    )
                )


def _tell_missing_classes(scan: _Scan, parts: Codes, notes: list[str]) -> None:
    n_kept = np.bincount(scan.labelled[parts != REPEAT], minlength=len(scan.labels))
    for part in ("validation", "test"):
        n_here = np.bincount(scan.labelled[parts == CODES[part]], minlength=len(scan.labels))
        if n_here.any() and (missing := classes_missing(scan.labels, n_kept, n_here)):
            notes.append(missing_told(PART_WORDS[part], missing))


def _refuse_nothing(scan: _Scan, parts: Codes) -> None:
    """Raise TooLittleText where the train text, or a part that was given, holds no document."""
    for part in PARTS:
        files = [f for f in scan.files if (f.part or "train") == part and not f.dropped_as]
        if not files and part != "train":
            continue
        if (parts == CODES[part]).any():
            continue
        if (scan.roles == CODES[part]).any():
            raise TooLittleText(
                f"nothing is left to {_use(part)}: all its documents also stand in another part",
                where=some_of([file.name for file in files]),
                hint="give different text for the parts, or let textmill hold some out",
            )
        raise TooLittleText(_nothing(scan, files, part), where=some_of([file.name for file in files]) or None)


def _use(part: Part) -> str:
    return {"train": "train on", "validation": "validate on", "test": "test on"}[part]


def _nothing(scan: _Scan, files: Sequence[TextFile], part: Part) -> str:
    if not files:
        return f"there is no text to {_use(part)}: every file was left out"
    names = tuple(f"{file.name}{sign}" for file in files for sign in ":#")
    bad = [line for line in scan.report.bad_records if line.startswith(names)]
    n_bytes = sum(file.n_bytes for file in files)
    if not n_bytes:
        return f"there is no text to {_use(part)}: empty (0 bytes)"
    if bad:
        return f"there is no text to {_use(part)}: no record could be read, the first is {bad[0]}"
    return f"there is no text to {_use(part)}: {n_bytes} bytes, and no document with a character that is not blank"


def _hold_out(scan: _Scan, pool: Numbers, shares: dict[Part, float], parts: Codes, notes: list[str]) -> None:
    """Hold out whole documents, by groups, as choose_groups says."""
    if scan.within is not None and (n_within := int((scan.within != np.arange(len(scan.within))).sum())):
        notes.append(
            plural_message(
                "Standing whole within one other text: %(n)s text; it is held out together with that one.",
                "Standing whole within one other text: %(n)s texts; each is held out together with that one.",
                n_within,
            )
        )
    numbers, of_document = np.unique(_merged(scan)[pool], return_inverse=True)
    if n_articles := len(set(scan.articles.values())):
        notes.append(_articles_told(n_articles))
    if shares["test"] == _default_test_share() and len(pool) < FEW:
        shares["test"] = 0.0
        notes.append(
            message(
                "There is no test part: there are fewer than %(few)s documents (%(n)s). Another --data.test_share than "
                "the default holds one out all the same.",
                few=FEW,
                n=len(pool),
            )
        )
    for part in ("test", "validation"):
        if shares[part] and len(numbers) <= sum(share > 0 for share in shares.values()):
            shares[part] = 0.0
            notes.append(
                message(
                    "There is no %(part)s part: %(documents)s documents make only %(texts)s, and equal ones stay on "
                    "one side.",
                    part=PART_WORDS[part],
                    documents=f"{len(pool):,}",
                    texts=plural_message("%(n)s different text", "%(n)s different texts", len(numbers)),
                )
            )
    sizes = np.bincount(of_document, weights=scan.sizes[pool]).astype(np.int64)  # exact below 2**53 bytes
    test, valid = choose_groups(sizes, shares["test"], shares["validation"])
    for part, groups in (("test", test), ("validation", valid)):
        parts[pool[np.isin(of_document, groups)]] = CODES[part]  # type: ignore[index]
        held = sizes[groups].sum() / sizes.sum() if groups else 0.0
        asked = shares[part]  # type: ignore[index]
        if held > 2 * asked and scan.passages is not None:
            notes.append(
                message(
                    "The %(part)s part holds %(held)s of the text instead of %(asked)s, because a passage is held out "
                    "with all questions about it.",
                    part=PART_WORDS[part],
                    held=percent(held),
                    asked=percent(asked),
                )
            )
        elif held > 2 * asked:
            notes.append(
                message(
                    "The %(part)s part holds %(held)s of the text instead of %(asked)s, because a document is held out "
                    "whole (--data.unit line or paragraph makes smaller documents of plain text).",
                    part=PART_WORDS[part],
                    held=percent(held),
                    asked=percent(asked),
                )
            )


def _articles_told(n_articles: int) -> Message:
    if n_articles >= FEW:
        return message("Passages of one article stand together on one side: %(n)s articles.", n=f"{n_articles:,}")
    return plural_message(
        "There is only %(n)s article, so its passages may stand on two sides; all questions about one passage stand on "
        "one.",
        "There are only %(n)s articles, so passages of one may stand on two sides; all questions about one passage "
        "stand on one.",
        n_articles,
    )


def _default_test_share() -> float:
    return float(DataConfig.model_fields["test_share"].default)


def _merged(scan: _Scan) -> Numbers:
    """Numbers of the groups: equal normalised text, near duplicates, labelled texts within one other, and equal
    meta["group"], and passages of one article where there are enough of them, taken together."""
    numbers = scan.normal
    for others in (scan.near, scan.within):
        numbers = numbers if others is None else _merged_numbers(numbers, others)
    if not scan.groups:
        return numbers
    for place in range(max(map(len, scan.groups.values()))):
        names: dict[str, int] = {}
        given = np.arange(len(numbers), dtype=np.int64) + len(scan.groups)
        for index, groups in scan.groups.items():
            if place < len(groups):
                given[index] = names.setdefault(groups[place], len(names))
        numbers = _merged_numbers(numbers, given)
    if len(set(scan.articles.values())) >= FEW:
        given = np.arange(len(numbers), dtype=np.int64) + len(scan.articles)
        titles: dict[str, int] = {}
        for index, title in scan.articles.items():
            given[index] = titles.setdefault(title, len(titles))
        numbers = _merged_numbers(numbers, given)
    return numbers


def _merged_numbers(one: Numbers, other: Numbers) -> Numbers:
    """Numbers of documents such that those that are equal in either are equal, counted from 0 in the order of `one`."""
    root = np.arange(len(one), dtype=np.int64)

    def find(number: int) -> int:
        while root[number] != number:
            root[number] = root[root[number]]
            number = int(root[number])
        return number

    for numbers in (one, other):
        _, first, group = np.unique(numbers, return_index=True, return_inverse=True)
        for index in np.flatnonzero(first[group] != root):  # all others are the first of their group
            here, there = find(int(index)), find(int(first[group[index]]))
            root[max(here, there)] = min(here, there)
    roots = np.array([find(number) for number in range(len(root))], dtype=np.int64)
    least = np.full(len(one), np.iinfo(np.int64).max)
    np.minimum.at(least, roots, one)
    return np.unique(least[roots], return_inverse=True)[1].astype(np.int64)


def _near_wanted(data: DataConfig, n_bytes: int, notes: list[str]) -> NearDuplicates | None:
    """What looks for near duplicates, unless that is off, or left to us and the text is large."""
    # sentences of one form are near, and no copies; so are stories of one small world
    if (data.pairs or data.stories) and data.near_duplicates == "auto":
        return None
    if data.near_duplicates == "on" or (data.near_duplicates == "auto" and n_bytes <= NEAR_BELOW_BYTES):
        return NearDuplicates(data.split_seed)
    if data.near_duplicates == "auto":
        minutes = n_bytes / NEAR_BYTES_A_SECOND / 60
        notes.append(
            message(
                "Near duplicates were not looked for in %(megabytes)s MB (--data.near_duplicates on does, in about "
                "%(minutes)s minutes): nearly equal documents may stand on both sides of the split.",
                megabytes=f"{n_bytes / 1e6:,.0f}",
                minutes=f"{minutes:,.0f}",
            )
        )
    return None


def _cleaning(report: ReadReport) -> list[Removed]:
    return [
        Removed(
            rule=rule,
            n=count.n,
            bytes=count.n_bytes,
            examples=[f"{source}: {_one_line(text)}" for source, text in count.examples],
        )
        for rule, count in sorted(report.rules.items())
    ]


def _cut(scan: _Scan, index: int, shares: dict[Part, float], notes: list[str]) -> Cut | None:
    """Contiguous blocks of the one document: train, then validation, then test."""
    document = scan.document(index)
    if ANSWERED in document.meta:
        notes.append(
            message("%(source)s is all there is, one conversation: nothing is held out.", source=document.source)
        )
        return None
    text, n_bytes = document.content, int(scan.sizes[index])
    starts = line_starts(text)
    n_lines = len(starts) + 1
    if not any(shares.values()):
        return None
    if n_lines == 1 and n_bytes < SHORT_LINE_BYTES:
        notes.append(
            plural_message(
                "%(source)s is all there is, one line of %(n)s byte: nothing is held out, validation is off.",
                "%(source)s is all there is, one line of %(n)s bytes: nothing is held out, validation is off.",
                n_bytes,
                source=document.source,
            )
        )
        return None
    if shares["test"] == _default_test_share() and n_lines < FEW and n_bytes < FEW_LINES_BYTES:
        shares["test"] = 0.0
        notes.append(
            message(
                "There is no test part: there are fewer than %(few)s lines (%(lines)s) and than %(few_bytes)s bytes "
                "(%(bytes)s). Another --data.test_share than the default holds one out all the same.",
                few=FEW,
                lines=n_lines,
                few_bytes=f"{FEW_LINES_BYTES:,}",
                bytes=f"{n_bytes:,}",
            )
        )
    wanted: list[Part] = [part for part in ("validation", "test") if shares[part]]
    while wanted:
        asked = [shares[part] for part in wanted]
        cuts, how = cut_at_lines(text, starts, asked), message("at line ends")
        if cuts is None:
            cuts, how = cut_in_lines(text, asked), message("inside lines, because its lines are too long")
        if cuts is not None:
            break
        notes.append(
            message(
                "There is no %(part)s part: %(source)s is too short to be cut.",
                part=PART_WORDS[wanted.pop()],
                source=document.source,
            )
        )
    else:
        return None
    bounds = [0, *cuts, len(text)]
    kept: list[Part] = ["train", *wanted]
    spans = {part: (bounds[n], bounds[n + 1]) for n, part in enumerate(kept)}
    codec = scan.file_of(index).codec
    sizes = {part: size_in(part_of(text, *spans[part]), codec) for part in wanted}
    sizes["train"] = n_bytes - sum(sizes.values())
    cut = Cut(index, spans, sizes)
    places = joined(
        message("%(part)s from %(source)s", part=PART_WORDS[part], source=cut.block(document, part).source)
        for part in kept
    )
    notes.append(
        message(
            "There is one document, so it is cut into contiguous blocks %(how)s: %(places)s.", how=how, places=places
        )
    )
    return cut
