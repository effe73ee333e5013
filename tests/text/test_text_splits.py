"""Who is held out: whole documents by a hash, or blocks of one document. Sides never share a text."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.text import Document, SplitPlan, plan_split, splits
from textmill.text.documents import Found
from textmill.text.holdout import choose_groups, cut_at_lines, cut_in_lines, line_starts
from textmill.text.normalise import PIECE, normalised, normalised_digest

PARTS = ("train", "validation", "test")


def lines_file(path: Path, texts: list[str]) -> Path:
    path.write_bytes("".join(f"{text}\n" for text in texts).encode())
    return path


def planned(path: Path, **knobs: Any) -> SplitPlan:
    return plan_split(DataConfig(paths=(str(path),), **{"clean": (), **knobs}))


def texts_of(plan: SplitPlan) -> dict[str, list[str]]:
    return {part: [d.text for d in plan.documents(part)] for part in PARTS}  # type: ignore[arg-type]


# -- several documents -------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 10_000), min_size=3, max_size=60),
    test=st.sampled_from([0.0, 0.05, 0.2, 0.4]),
    valid=st.sampled_from([0.0, 0.05, 0.3, 0.5]),
)
def test_each_part_asked_for_gets_a_group_and_training_keeps_at_least_half_of_its_share_where_it_can(
    sizes: list[int], test: float, valid: float
) -> None:
    for_test, for_valid = choose_groups(sizes, test, valid)
    assert not set(for_test) & set(for_valid)
    assert bool(for_test) == (test > 0) and bool(for_valid) == (valid > 0)
    held = set(for_test) | set(for_valid)
    assert len(held) < len(sizes)
    if max(sizes) <= min(share for share in (test, valid, 1.0) if share) * sum(sizes) / 4:
        # Groups that are small beside the parts: each part gets its share, or beyond it by one group at most.
        for groups, share in ((for_test, test), (for_valid, valid)):
            got = sum(sizes[group] for group in groups)
            assert got <= 2 * share * sum(sizes)
        assert sum(sizes) - sum(sizes[g] for g in held) >= (1 - test - valid) * sum(sizes) / 2


def test_a_part_takes_its_share_of_the_bytes() -> None:
    test, valid = choose_groups([10] * 100, 0.05, 0.1)
    assert test == [0, 1, 2, 3, 4]
    assert valid == [99, 98, 97, 96, 95, 94, 93, 92, 91, 90]


def test_the_test_part_does_not_move_when_the_share_of_validation_does() -> None:
    sizes = list(range(1, 80))
    assert choose_groups(sizes, 0.1, 0.0)[0] == choose_groups(sizes, 0.1, 0.4)[0]
    assert choose_groups(sizes, 0.0, 0.1)[1] == choose_groups(sizes, 0.4, 0.1)[1]


def test_a_giant_beside_dwarfs_stays_in_training() -> None:
    for giant in range(4):
        sizes = [5] * 4
        sizes[giant] = 100_000
        assert choose_groups(sizes, 0.0, 0.05)[1] != [giant]
    assert choose_groups([100_000, 5], 0.0, 0.05)[1] == [1]
    assert choose_groups([5, 100_000], 0.0, 0.05)[1] == [0]


def test_groups_that_cannot_fill_the_parts_are_our_own_bug() -> None:
    with pytest.raises(ValueError, match="cannot fill"):
        choose_groups([1, 1], 0.1, 0.1)


def test_the_split_follows_its_seed_and_the_text_but_not_the_order_or_place_of_files(tmp_path: Path) -> None:
    texts = [f"document number {n}" for n in range(60)]
    one = texts_of(planned(lines_file(tmp_path / "one.txt", texts), unit="line"))
    again = texts_of(planned(lines_file(tmp_path / "two.txt", texts[::-1]), unit="line"))
    other_seed = texts_of(planned(tmp_path / "one.txt", unit="line", split_seed=1))
    assert {part: set(held) for part, held in one.items()} == {part: set(held) for part, held in again.items()}
    assert set(one["validation"]) != set(other_seed["validation"])


def test_documents_come_again_as_often_as_asked_in_the_order_of_the_files(tmp_path: Path) -> None:
    texts = [f"document number {n:02}" for n in range(30)]
    plan = planned(lines_file(tmp_path / "a.txt", texts), unit="line", test_share=0.2)
    first, second = texts_of(plan), texts_of(plan)
    assert first == second
    assert all(held == sorted(held) and held for held in first.values())
    assert sorted(itertools.chain(*first.values())) == texts
    half_read = plan.documents("train")
    next(half_read)
    assert texts_of(plan) == first


def test_a_share_of_zero_leaves_the_part_empty_and_says_so(tmp_path: Path) -> None:
    path = lines_file(tmp_path / "a.txt", [f"line {n}" for n in range(40)])
    for unit in ("line", "file"):
        plan = planned(path, unit=unit, valid_share=0.0, test_share=0.0)
        assert plan.n_documents["validation"] == plan.n_documents["test"] == 0
        assert not list(plan.documents("validation")) and "validation" not in plan.ledger.total
        assert "There is no validation part: data.valid_share is 0." in plan.notes
        assert not plan.by_blocks


def test_three_documents_and_ten_percent_are_two_and_one(tmp_path: Path) -> None:
    for seed in range(10):
        path = lines_file(tmp_path / "a.txt", ["one", "two", "six"])
        plan = planned(path, unit="line", valid_share=0.1, split_seed=seed)
        assert plan.n_documents == {"train": 2, "validation": 1, "test": 0}
        assert any("no test part" in note and "fewer than 10" in note for note in plan.notes)


def test_a_test_part_that_was_asked_for_is_given_to_the_smallest_corpus(tmp_path: Path) -> None:
    plan = planned(lines_file(tmp_path / "a.txt", ["one", "two", "six"]), unit="line", test_share=0.06)
    assert plan.n_documents == {"train": 1, "validation": 1, "test": 1}


def test_ten_documents_have_a_test_part_by_default(tmp_path: Path) -> None:
    plan = planned(lines_file(tmp_path / "a.txt", [f"line {n}" for n in range(10)]), unit="line")
    assert plan.n_documents == {"train": 8, "validation": 1, "test": 1}


def test_one_text_many_times_cannot_be_held_out_and_that_is_said(tmp_path: Path) -> None:
    plan = planned(lines_file(tmp_path / "a.txt", ["Same", "same", " same"]), unit="line", valid_share=0.5)
    assert plan.n_documents == {"train": 3, "validation": 0, "test": 0}
    assert any("no validation part" in note and "1 different text" in note for note in plan.notes)


def test_documents_of_one_group_stand_on_one_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lines_file(tmp_path / "a.txt", [f"line {n}" for n in range(40)])
    plain = splits.records_of

    def grouped(*args: Any) -> Any:
        for number, item in enumerate(plain(*args)):
            if isinstance(item, Found):
                document = Document(item.document.text, item.document.source, {"group": number % 8})
                item = Found(document, item.n_bytes, item.markup)
            yield item

    monkeypatch.setattr(splits, "records_of", grouped)
    for seed in range(10):
        plan = planned(path, unit="line", valid_share=0.3, test_share=0.2, split_seed=seed)
        sides = [{d.meta["group"] for d in plan.documents(part)} for part in PARTS]  # type: ignore[arg-type]
        assert all(sides)
        assert not any(a & b for a, b in itertools.combinations(sides, 2))


# -- duplicates --------------------------------------------------------------------------------------------------------


def test_normalisation_is_nfkc_case_and_blanks_and_nothing_else() -> None:
    same = ["Straße  12", "STRASSE 12", "\tstrasse\u3000１２\n", "ＳＴＲＡＳＳＥ 12"]
    assert {normalised(text) for text in same} == {"strasse 12"}
    assert normalised("strasse 12.") != "strasse 12"


@pytest.mark.parametrize("character", ["a", "\u0301", "ﬁ", "中", " ", "\u3000", "\n", "Σ"])
def test_a_long_text_is_normalised_in_pieces_like_the_whole(character: str) -> None:
    text = ("x" * (PIECE - 3) + "e\n" + character * 5 + " end\n") * 2 + character + "A  b"
    assert normalised_digest(text, 7) == normalised_digest(normalised(text), 7)
    assert normalised_digest(text, 7) != normalised_digest(text, 8)
    assert normalised_digest(text, 7) != normalised_digest(text + "x", 7)


def test_repeats_are_counted_with_their_places_whether_kept_or_dropped(tmp_path: Path) -> None:
    texts = ["one", "two", "one", "ONE", "three", "Two", "four"]
    path = lines_file(tmp_path / "a.txt", texts)
    kept = planned(path, unit="line", valid_share=0.2)
    assert (kept.duplicates.n_documents, kept.duplicates.exact, kept.duplicates.normalised) == (7, 1, 3)
    assert kept.duplicates.examples == [f"{path}:1 = {path}:3 = {path}:4", f"{path}:2 = {path}:6"]
    assert sum(kept.n_documents.values()) == 7 and "duplicate" not in kept.ledger.total

    exact = planned(path, unit="line", valid_share=0.2, duplicates="exact")
    assert sorted(itertools.chain(*texts_of(exact).values())) == ["ONE", "Two", "four", "one", "three", "two"]
    assert exact.ledger.total["duplicate"] == len("one")

    normal = planned(path, unit="line", valid_share=0.2, duplicates="normalised")
    assert sorted(itertools.chain(*texts_of(normal).values())) == ["four", "one", "three", "two"]
    assert normal.ledger.total["duplicate"] == len("one") + len("ONE") + len("Two")
    assert any("3 repeats" in note for note in normal.notes)


@settings(max_examples=100, deadline=None)
@given(
    texts=st.lists(st.sampled_from(["a", "A", "ａ", " a ", "b", "B b", "b  b", "c", "d", "e", "é", "e\u0301", "f"])),
    seed=st.integers(0, 50),
    test=st.sampled_from([0.0, 0.06, 0.3]),
)
def test_no_normalised_text_stands_on_two_sides(
    texts: list[str], seed: int, test: float, tmp_path_factory: Any
) -> None:
    path = lines_file(tmp_path_factory.mktemp("d") / "a.txt", ["g", "h", *texts])
    plan = planned(path, unit="line", valid_share=0.25, test_share=test, split_seed=seed)
    held = texts_of(plan)
    assert sorted(itertools.chain(*held.values())) == sorted(["g", "h", *texts])
    for one, other in itertools.combinations(held.values(), 2):
        assert not {normalised(t) for t in one} & {normalised(t) for t in other}


# -- one document ------------------------------------------------------------------------------------------------------

UNITS = ("one line", "another", "", "   ", "第三行。", "x" * 50)


@settings(max_examples=300, deadline=None)
@given(
    lines=st.lists(st.sampled_from(UNITS), min_size=1, max_size=40),
    line_end=st.sampled_from(["\n", "\r\n"]),
    valid=st.sampled_from([0.05, 0.1, 0.3]),
    test=st.sampled_from([0.0, 0.05, 0.06, 0.3]),
)
def test_blocks_are_the_whole_text_in_order_cut_at_line_ends(
    lines: list[str], line_end: str, valid: float, test: float, tmp_path_factory: Any
) -> None:
    text = line_end.join(["first line", *lines])
    path = tmp_path_factory.mktemp("d") / "a.txt"
    path.write_bytes(text.encode())
    plan = planned(path, valid_share=valid, test_share=test)
    held = texts_of(plan)
    blocks = [block for part in PARTS for block in held[part]]
    assert "".join(blocks) == text
    assert all(block.strip() for block in blocks)
    if plan.by_blocks:
        assert held["validation"]
        if any("at line ends" in note for note in plan.notes):
            assert all(block.endswith("\n") for block in blocks[:-1])
        line = 1
        for part in PARTS:
            for document in plan.documents(part):  # type: ignore[arg-type]
                assert document.source == f"{path}:{line}"
                line += document.text.count("\n")


def test_a_novel_with_one_chapter_a_line_is_cut_between_chapters(tmp_path: Path) -> None:
    chapters = [f"Chapter {n}. " + "And then. " * 500 for n in range(1, 21)]
    held = texts_of(planned(lines_file(tmp_path / "novel.txt", chapters)))
    assert held == {
        "train": ["".join(f"{chapter}\n" for chapter in chapters[:18])],
        "validation": [f"{chapters[18]}\n"],
        "test": [f"{chapters[19]}\n"],
    }


@pytest.mark.parametrize(
    ("sentence", "ends"), [("A short sentence, said again. ", " "), ("天亮了，鸟也醒了。孩子还在睡。", "。，")]
)
def test_a_text_of_one_line_is_cut_between_words_or_sentences(sentence: str, ends: str, tmp_path: Path) -> None:
    text = sentence * 1000
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode())
    plan = planned(path)
    held = texts_of(plan)
    assert held["train"][0] + held["validation"][0] + held["test"][0] == text
    assert held["train"][0][-1] in ends and held["validation"][0][-1] in ends
    assert 0.045 < len(held["validation"][0]) / len(text) < 0.055
    assert any("inside lines" in note for note in plan.notes)


def test_a_cut_inside_a_line_never_parts_a_character_from_its_marks() -> None:
    for whole in (
        "e\u0301",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f1e8\U0001f1f3",
        "\U0001f44d\U0001f3fd",
    ):
        text = whole * 100
        for share in (0.11, 0.2, 0.33, 0.5):
            cuts = cut_in_lines(text, [share])
            if whole != "\U0001f1e8\U0001f1f3":
                assert cuts is not None and cuts[0] % len(whole) == 0
            else:  # a row of flags has no place that is surely between two: it is not cut
                assert cuts is None


def test_a_very_small_text_of_one_line_is_all_trained_on_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 199)
    plan = planned(path)
    assert plan.n_documents == {"train": 1, "validation": 0, "test": 0}
    assert any("validation is off" in note for note in plan.notes)
    path.write_bytes(b"word " * 40)
    assert planned(path).n_documents["validation"] == 1


def test_a_short_text_has_a_test_block_only_where_it_was_asked_for(tmp_path: Path) -> None:
    path = lines_file(tmp_path / "a.txt", [f"line {n}" for n in range(9)])
    assert planned(path).n_documents == {"train": 1, "validation": 1, "test": 0}
    assert planned(path, test_share=0.1).n_documents == {"train": 1, "validation": 1, "test": 1}
    long = lines_file(tmp_path / "b.txt", [f"line {n} " + "x" * 2000 for n in range(9)])
    assert planned(long).n_documents == {"train": 1, "validation": 1, "test": 1}


def test_line_starts_are_those_of_lines_that_are_not_blank() -> None:
    assert list(line_starts("\n \na\n\n\tb\r\n\r\nc\n\n")) == [6, 12]
    assert not line_starts("one\x0ctwo\u2028three\x85four\rfive")


def test_cuts_are_refused_where_lines_are_too_long_for_the_shares() -> None:
    text = "x" * 90 + "\n" + "y" * 9
    assert cut_at_lines(text, line_starts(text), [0.1]) == [91]
    text = "x" * 30 + "\n" + "y" * 69
    assert cut_at_lines(text, line_starts(text), [0.1]) is None


def test_a_single_record_of_a_table_is_cut_too_and_every_byte_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    text = "".join(f"line {n} é\n" for n in range(100))
    path.write_text(json.dumps({"id": "x", "text": text}), encoding="utf-8")
    plan = planned(path)
    held = texts_of(plan)
    assert "".join(held["train"] + held["validation"] + held["test"]) == text
    for part in PARTS:
        assert plan.ledger.total[part] == len(held[part][0].encode())
    assert sum(plan.ledger.total.values()) == path.stat().st_size


# -- fingerprint -------------------------------------------------------------------------------------------------------


def test_the_fingerprint_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        lines_file(tmp_path / place / "a.txt", ["one", "two"])
        lines_file(tmp_path / place / "b.txt", ["three"])
    here, there = planned(tmp_path / "here"), planned(tmp_path / "there")
    assert here.fingerprint == there.fingerprint
    assert len(here.fingerprint) == 64

    seen = {here.fingerprint}
    lines_file(tmp_path / "there" / "b.txt", ["threE"])
    seen.add(planned(tmp_path / "there").fingerprint)
    (tmp_path / "there" / "c.exe").write_bytes(b"x")
    seen.add(planned(tmp_path / "there").fingerprint)
    lines_file(tmp_path / "there" / "b.txt", ["one", "two"])
    lines_file(tmp_path / "there" / "a.txt", ["three"])
    (tmp_path / "there" / "c.exe").unlink()
    seen.add(planned(tmp_path / "there").fingerprint)  # the order counts
    assert len(seen) == 4


@pytest.mark.parametrize("halves", [["ab", "aa", "ba", "ab"], ["aa", "ab", "aa", "bb", "ba"], ["aa"] * 3, []])
def test_digests_are_numbered_in_their_order_also_where_their_first_halves_are_equal(halves: list[str]) -> None:
    digests = bytearray(b"".join(half.encode() for pair in halves for half in (pair[0] * 8, pair[1] * 8)))
    assert splits._numbers(digests).tolist() == [sorted(set(halves)).index(pair) for pair in halves]
