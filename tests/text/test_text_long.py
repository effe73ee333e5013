"""A text too long to be held gives what it would give if it were held: the bounds are made tiny here."""

import sys
import tracemalloc
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.errors import NoSpace, TooLittleText
from textmill.text import SplitPlan, document_language, long_text, near, normalise, plan_split
from textmill.text.cleaning import Removed, give_back
from textmill.text.documents import Document, Part
from textmill.text.holdout import bounds_of, line_starts
from textmill.text.long_cleaning import Cleaning
from textmill.text.long_text import LongText, LongTextWriter, gathered, in_pieces, is_blank, part_of, whole
from textmill.text.normalise import digest, normalised, normalised_digest

PARTS: tuple[Part, ...] = ("train", "validation", "test")
CHARACTERS = st.sampled_from(
    [*"ab A\n\n\r\t .é今天，。\u0301\u1100\u1161\u11a8ﬁ\u00a0\u3000😀Ǆ\u0344\uff9e가", "the cat\n", "\r\n"]
)
TEXTS = st.lists(CHARACTERS, max_size=60).map("".join)
RULES = ("mojibake", "control", "near-empty")


@contextmanager
def tiny(bound: int = 7) -> Iterator[None]:
    """A text of more than `bound` characters is long; pieces, and what is kept of places, are as small."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("long_text", "plain", "reading", "long_cleaning"):
            patch.setattr(f"textmill.text.{module}.LONG", bound)
        for module in ("long_text", "normalise", "holdout"):
            patch.setattr(f"textmill.text.{module}.PIECE", 6)
        patch.setattr(long_text, "STEP", 3)
        patch.setattr(near, "PIECE", 20)
        patch.setattr(near, "LONGEST_WORD", 4)
        patch.setattr(document_language, "WINDOW", 5)
        yield


def long(text: str) -> LongText:
    writer = LongTextWriter()
    for start in range(0, len(text), 5):
        writer.add(text[start : start + 5])
    return writer.end()


# -- the text itself ---------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(text=TEXTS, start=st.integers(-70, 70), end=st.integers(-70, 70))
def test_slices_parts_and_pieces_are_those_of_the_str(text: str, start: int, end: int) -> None:
    with tiny():
        laid = long(text)
        assert len(laid) == len(text) and whole(laid) == text == "".join(in_pieces(laid))
        assert laid[start:end] == text[start:end]
        first, last, _ = slice(start, end).indices(len(text))
        if first <= last:
            part = laid.part(first, last)
            assert whole(part) == text[first:last] == whole(part_of(text, first, last))
            assert part[1:3] == text[first:last][1:3]
        assert is_blank(laid) == is_blank(text) == (not text.strip())


@settings(deadline=None)
@given(text=TEXTS)
def test_what_is_gathered_is_a_str_up_to_the_bound_and_a_long_text_beyond(text: str) -> None:
    with tiny():
        found = gathered(text[start : start + 2] for start in range(0, len(text), 2))
        assert isinstance(found, str) == (len(text) <= 7)
        assert whole(found) == text


def test_a_full_disk_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(NoSpace, match="the disk is full") as told:
        long("text")
    assert "TMPDIR" in str(told.value.hint)


# -- what is asked of it -----------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, seed=st.integers(0, 3))
def test_digests_lines_bounds_and_language_are_those_of_the_str(text: str, seed: int) -> None:
    expected = (
        digest(text),
        normalised_digest(text, seed),
        list(line_starts(text)),
        bounds_of(text),
    )
    with tiny():
        laid = long(text)
        found = (digest(laid), normalised_digest(laid, seed), list(line_starts(laid)), bounds_of(laid))
        in_parts = normalised_digest(text, seed)
        assert document_language.language_of(laid) == document_language.language_of(text)
    assert found == expected
    assert in_parts == expected[1] == normalised_digest(normalised(text), seed)


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40), place=st.integers(0, 40))
def test_a_text_is_cut_for_comparison_only_where_no_character_joins_the_one_before(text: str, place: int) -> None:
    for at in range(1, len(text)):
        if normalise._begins_anew(text[at]):
            parts = (unicodedata.normalize("NFKC", part) for part in (text[:at], text[at:]))
            assert "".join(parts) == unicodedata.normalize("NFKC", text)


def test_every_character_that_can_join_the_one_before_is_known() -> None:
    """All canonical pairs of Unicode, and the finals and vowels of Hangul."""
    for code in range(0x110000):
        pair = unicodedata.normalize("NFD", chr(code))
        if len(pair) > 1 and unicodedata.normalize("NFC", pair) == chr(code):
            assert not normalise._begins_anew(pair[-1]), hex(code)


@settings(deadline=None)
@given(texts=st.lists(TEXTS, max_size=6))
def test_near_duplicates_are_those_of_the_strs(texts: list[str]) -> None:
    with tiny():
        by_str, by_long = near.NearDuplicates(3), near.NearDuplicates(3)
        for text in texts:
            by_str.add(text)
            by_long.add(long(text) if len(text) > 20 else text)
        assert by_str.groups().tolist() == by_long.groups().tolist()


@settings(deadline=None)
@given(text=TEXTS.filter(bool).map(lambda text: text.replace("😀", "\x00x").replace("é", "Ã©")))
def test_rules_about_a_line_or_all_of_a_text_find_the_same_in_stretches(text: str) -> None:
    with_ends = text.replace("今", "\n")
    by_str = Cleaning(Document(with_ends, "a:1"), RULES)
    expected = list(by_str.removed())
    longest = max(map(len, with_ends.split("\n"))) + 1  # a stretch holds whole lines
    with tiny(longest):
        by_long = Cleaning(Document(long(with_ends), "a:1"), RULES)
        found = list(by_long.removed())
        kept = by_long.document and by_long.document.text
    assert kept == (by_str.document and by_str.document.text)
    if by_str.document:
        assert found == expected
    assert by_character(found) == by_character(expected)
    given = give_back(Document(kept or "", "a:1"), [piece for _, piece in found])
    assert given.text == with_ends
    for line, piece in found:
        assert with_ends[piece.start : piece.end] == piece.text
        assert line == 1 + with_ends.count("\n", 0, piece.start)


def by_character(removed: list[tuple[int, Removed]]) -> list[tuple[int, str, str]]:
    """Place, rule and text of each character that goes: an empty document goes in stretches."""
    return [(piece.start + n, piece.rule, text) for _, piece in removed for n, text in enumerate(piece.text)]


# -- the plan ----------------------------------------------------------------------------------------------------------


def facts_of(plan: SplitPlan) -> dict[str, Any]:
    facts = {field.name: getattr(plan, field.name) for field in fields(plan) if not field.name.startswith("_")}
    documents = {part: [(d.text, d.source, d.meta) for d in plan.documents(part)] for part in PARTS}
    return facts | {"documents": documents}


def planned(path: Path, **knobs: Any) -> dict[str, Any] | str:
    try:
        return facts_of(plan_split(DataConfig(paths=(str(path),), **knobs), tell_languages=True))
    except TooLittleText as refused:
        return str(refused)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("unit", ["file", "line", "paragraph"])
@given(text=st.lists(CHARACTERS, min_size=20, max_size=300).map("".join), data=st.data())
def test_documents_ledger_split_and_fingerprint_are_those_of_held_text(
    tmp_path: Path, unit: str, text: str, data: st.DataObject
) -> None:
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]))
    raw = text.encode(encoding)
    if data.draw(st.booleans()) and encoding == "utf-8":
        raw = raw + "字".encode()[:2] + b"\n" + raw  # what cannot be decoded is named
    path = tmp_path / "text.txt"
    path.write_bytes(raw)
    knobs = {"unit": unit, "clean": (), "encoding": encoding.removesuffix("-sig"), "near_duplicates": "off"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document_language, "WINDOW", 5)
        expected = planned(path, **knobs)
    with tiny():
        found = planned(path, **knobs)
    assert found == expected


def test_a_long_value_of_a_record_is_laid_down_too(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"id": 1, "text": "one\\ntwo three four five"}\n{"text": "six"}\n' * 8, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document_language, "WINDOW", 5)
        expected = planned(path, near_duplicates="off")
    with tiny():
        assert planned(path, near_duplicates="off") == expected


@pytest.mark.parametrize("unit", ["file", "line"])
def test_the_memory_for_a_document_does_not_grow_with_it(
    tmp_path: Path, unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text file was held three times over: as bytes, as str, and once more in every copy a rule made of it."""
    for module in ("long_text", "plain", "reading", "long_cleaning"):
        monkeypatch.setattr(f"textmill.text.{module}.LONG", 1 << 15)
    for module in ("long_text", "normalise", "holdout", "languages"):
        monkeypatch.setattr(sys.modules[f"textmill.text.{module}"], "PIECE", 1 << 14)
    line = "Once there was a cat on a mat, and it sat. " * 20
    path = tmp_path / "text.txt"

    def most_for(n_lines: int) -> int:
        path.write_text((line if unit == "line" else line + "\n") * n_lines, encoding="utf-8")
        tracemalloc.start()
        try:
            plan = plan_split(DataConfig(paths=(str(path),), unit=unit, near_duplicates="off"))
            assert sum(len(document.content) for document in plan.documents("train")) > 800 * n_lines * 0.85
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    most_for(100)  # tables are filled
    assert most_for(2500) - most_for(500) < 400_000  # of 1.7 MB
