"""Labelled phrases and the sentences that they stand in."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.text.splits import plan_split
from textmill.text.within import groups_of_kin, standing_in

texts_of_few_words = st.lists(st.lists(st.sampled_from("abc好"), max_size=5).map(" ".join), max_size=12)


def by_the_definition(texts: list[str]) -> list[int]:
    """Every text against every other."""
    words = [text.split() for text in texts]

    def stands_in(one: int, other: int) -> bool:
        a, b = words[one], words[other]
        return any(b[start : start + len(a)] == a for start in range(len(b) - len(a) + 1))

    numbers = range(len(texts))
    first = [next(other for other in numbers if words[other] == words[one]) for one in numbers]
    alone = [
        one
        for one in numbers
        if words[one] and first[one] == one and not any(words[o] != words[one] and stands_in(one, o) for o in numbers)
    ]
    groups = []
    for one in numbers:
        holders = [other for other in alone if words[one] and stands_in(one, other)]
        groups.append(holders[0] if len(holders) == 1 else first[one])
    return groups


@settings(deadline=None)
@given(texts_of_few_words)
def test_a_text_belongs_to_the_only_one_of_the_longest_that_holds_it(texts):
    assert groups_of_kin(texts).tolist() == by_the_definition(texts)


@settings(deadline=None)
@given(texts_of_few_words, texts_of_few_words)
def test_a_text_stands_in_others_if_its_words_stand_in_one_in_a_row(texts, others):
    spaced = [f" {' '.join(other.split())} " for other in others]
    expected = [not text.split() or any(f" {' '.join(text.split())} " in other for other in spaced) for text in texts]
    assert standing_in(texts, others).tolist() == expected


def test_words_are_found_whole_and_not_as_pieces_of_words():
    assert groups_of_kin(["art", "a start of it", "an art film", "ART, film!"]).tolist() == [2, 1, 2, 2]


def test_a_phrase_of_a_chinese_sentence_is_found():
    assert groups_of_kin(["这部电影不好看。", "不好看", "好看，这", "电影 不好看"]).tolist() == [0, 0, 2, 0]


def test_phrases_are_held_out_together_with_their_sentence(tmp_path: Path):
    words = random.Random(0).sample([a + b + c for a in "bcdfg" for b in "aeiou" for c in "klmnp"], 120)
    rows = []
    for start in range(0, 120, 6):
        own = words[start : start + 6]
        rows += [" ".join(own), " ".join(own[:3]), " ".join(own[3:]), own[4]]
    lines = [f"{row},{number % 2}" for number, row in enumerate(rows)]
    random.Random(1).shuffle(lines)
    path = tmp_path / "phrases.csv"
    path.write_text("text,label\n" + "\n".join(lines) + "\n")
    plan = plan_split(DataConfig(paths=path, labelled=True, valid_share=0.2, test_share=0.2))
    seen: dict[str, str] = {}
    for part in ("train", "validation", "test"):
        held = list(plan.documents(part))
        assert held
        for document in held:
            for word in document.text.split():
                assert seen.setdefault(word, part) == part
    assert any("Standing whole within one other text: 60 texts" in note for note in plan.notes)


def test_where_near_copies_are_not_looked_for_neither_are_phrases(tmp_path: Path):
    path = tmp_path / "phrases.csv"
    path.write_text("text,label\n" + "".join(f"a{n} b{n} c{n},{n % 2}\nb{n},{n % 2}\n" for n in range(20)))
    notes = plan_split(DataConfig(paths=path, labelled=True, near_duplicates="off")).notes
    assert not any("within one other" in note for note in notes)
