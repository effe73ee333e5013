"""Words as points: cosines and analogies against sums by hand."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.errors import InputError
from textmill.evaluation.word_space import Composed, WordSpace, cosine, read_analogies

# Royalty, gender, and a little of something else: man (0, 1), woman (0, -1), king (1, 1), queen (1, -1).
WORDS = ["man", "woman", "king", "queen", "mill", "男"]
TABLE = np.array([[0, 2, 0], [0, -1, 0], [3, 3, 0], [1, -1, 0], [0, 0, 1], [0, 1, 0]], dtype=np.float32)


def test_the_nearest_words_are_those_of_the_largest_cosines_and_the_word_itself_is_left_out() -> None:
    space = WordSpace(WORDS, TABLE)
    near = space.near(space.composed("king").vector, 2, ["king"])
    assert [one.word for one in near] == ["man", "男"]  # both at 45°, in the order of the words
    assert [one.score for one in near] == pytest.approx([np.sqrt(0.5)] * 2)


def test_a_word_of_another_length_and_the_same_direction_has_cosine_one() -> None:
    space = WordSpace(WORDS, TABLE)
    [best] = space.near(space.composed("man").vector, 1, ["man"])
    assert (best.word, round(best.score, 6)) == ("男", 1.0)


def test_king_less_man_and_woman_is_queen_by_both_formulas() -> None:
    space = WordSpace(WORDS, TABLE)
    for by in ("add", "mul"):
        assert space.analogy("man", "king", "woman", 3, by)[0].word == "queen"  # type: ignore[arg-type]


def test_3cosadd_and_3cosmul_are_the_papers_sums() -> None:
    space = WordSpace(WORDS, TABLE)
    r = np.sqrt(0.5)
    # b̂ − â + ĉ = (r, r) − (0, 1) + (0, −1) = (r, r − 2); queen lies at (r, −r).
    wanted = (r * r - r * (r - 2)) / np.hypot(r, r - 2)
    assert space.analogy("man", "king", "woman", 1, "add")[0].score == pytest.approx(wanted, abs=1e-6)
    # cosines of queen: to king 0, to woman r, to man −r, each moved to [0, 1].
    wanted = ((1 + 0) / 2) * ((1 + r) / 2) / ((1 - r) / 2 + 0.001)
    assert space.analogy("man", "king", "woman", 1, "mul")[0].score == pytest.approx(wanted, abs=1e-5)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(2, 40), st.integers(1, 9))
def test_near_is_a_sort_by_cosine(seed: int, n: int, width: int) -> None:
    draw = np.random.default_rng(seed)
    table = draw.normal(size=(n, width)).astype(np.float32)
    space = WordSpace([f"w{k}" for k in range(n)], table)
    found = space.near(table[0], n, ["w0"])
    by_hand = [cosine(table[0], table[int(one.word[1:])]) for one in found]
    assert len(found) == n - 1
    assert [one.score for one in found] == pytest.approx(by_hand, abs=1e-5)
    assert all(a >= b - 1e-5 for a, b in pairwise(by_hand))


def test_the_words_of_an_analogy_are_never_its_answer() -> None:
    space = WordSpace(WORDS, TABLE)
    for by in ("add", "mul"):
        found = [one.word for one in space.analogy("man", "king", "king", 9, by)]  # type: ignore[arg-type]
        assert sorted(found) == sorted(set(WORDS) - {"man", "king"})


def test_a_word_that_is_not_there_is_refused_with_the_nearest_spelled() -> None:
    space = WordSpace(WORDS, TABLE, where="words.vec")
    with pytest.raises(InputError, match=r"(?s)words.vec: there is no word 'quen' among its 6.*did you mean 'queen'"):
        space.composed("quen")
    with pytest.raises(InputError, match="did you mean 'king'"):
        space.composed("King")


def test_a_word_that_is_none_may_be_made_of_others_and_says_of_which() -> None:
    space = WordSpace(WORDS, TABLE, composes=lambda word: Composed(TABLE[0], ["ma", "n"]) if word == "mann" else None)
    assert space.composed("mann").pieces == ["ma", "n"]
    assert space.composed("man").pieces == []


def test_a_vector_of_zeros_is_near_nothing_and_gives_no_nan() -> None:
    space = WordSpace(["a", "b"], [[0, 0], [1, 0]])
    assert [one.score for one in space.near([0, 0], 2)] == [0.0, 0.0]
    assert cosine([0, 0], [1, 0]) == 0.0


def test_of_a_file_of_analogies_right_answers_are_counted_by_part_and_unknown_words_do_not_count(
    tmp_path: Path,
) -> None:
    path = tmp_path / "questions.txt"
    path.write_text(": royal\nman king woman queen\nMan King Woman Queen\nman king woman mill\n\n: other\na b c d\n")
    space = WordSpace(WORDS, TABLE)
    royal, other, whole = space.answered(read_analogies(path))
    assert (royal.part, royal.n, royal.n_asked) == ("royal", 3, 3)
    assert royal.accuracy == pytest.approx({"add": 2 / 3, "mul": 2 / 3})
    assert 0 <= royal.intervals["add"][0] <= 2 / 3 <= royal.intervals["add"][1] <= 1
    assert (other.n, other.n_asked, other.accuracy, other.intervals) == (1, 0, {}, {})
    assert (whole.part, whole.n, whole.n_asked) == ("all", 4, 3)


@pytest.mark.parametrize(
    ("content", "where"),
    [("man king woman\n", ":1: an analogy is four words"), ("", "there is no analogy"), (": part\n", "no analogy")],
)
def test_what_is_no_file_of_analogies_is_refused(content: str, where: str, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text(content)
    with pytest.raises(InputError, match=where):
        read_analogies(tmp_path / "q.txt")
