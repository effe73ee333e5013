"""Exact match and F1 by each convention: values by hand from the published rules, and laws of thresholds and intervals.

The values of squad and cmrc are what the official scripts give for the same texts.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.errors import ConfigError, NothingScored
from textmill.metrics.answers import (
    CONVENTIONS,
    AnswerScore,
    answer_score,
    best_threshold,
    cmrc_tokens,
    intervals,
    longest_stretch,
    metrics_of,
    tokens,
    with_threshold,
)
from textmill.metrics.treebank import words

TEXTS = st.text(st.sampled_from("ab the 中文，3.'é"), max_size=12)


@pytest.mark.parametrize(
    ("convention", "answer", "right", "em", "f1"),
    [
        # squad: articles and ASCII marks go, Chinese without blanks is one token
        ("squad", "the Eiffel Tower!", ["Eiffel tower"], 1, 1),
        ("squad", "in May 1983", ["May 1983"], 0, 2 * 2 / (3 + 2)),
        ("squad", "江苏上海", ["上海，江苏"], 0, 0),
        ("squad", "“May”", ["May"], 0, 0),  # only ASCII marks are removed
        ("squad", "", [], 1, 1),
        ("squad", "May", [], 0, 0),
        ("squad", "", ["May"], 0, 0),
        ("squad", "A", ["the"], 1, 1),  # a right answer of articles alone is none, as in the script of 2.0
        ("squad", "May", ["June", "in May", "May"], 1, 1),
        # cmrc: the longest stretch in a row counts, not the shared tokens
        ("cmrc", "苏州市", ["苏州"], 0, 2 * 2 / (3 + 2)),
        ("cmrc", "江苏上海", ["上海，江苏"], 0, 2 * 2 / (4 + 4)),
        ("cmrc", "《红楼梦》", ["红楼梦"], 1, 1),
        ("cmrc", "(红楼梦)", ["红楼梦"], 0, 2 * 3 / (5 + 3)),  # ASCII brackets stay, as tokens
        ("cmrc", "Nexon公司", ["nexon"], 0, 2 * 1 / (3 + 1)),
        ("cmrc", "8公斤", ["约8公斤重"], 0, 2 * 3 / (3 + 5)),
        ("cmrc", "。", ["！"], 1, 0),  # nothing is left of both: equal, and no stretch is shared
        ("cmrc", "", [], 1, 1),
        ("cmrc", "有", [], 0, 0),
        # textmill: one rule for both languages
        ("textmill", "ＭＡＹ  1983", ["may 1983"], 1, 1),
        ("textmill", "new-york", ["New York"], 0, 0),  # a hyphen is removed, and makes no blank
        ("textmill", "1983年", ["1983"], 0, 2 * 1 / (2 + 1)),  # one with Chinese letters: both are cut by character
        ("textmill", "塔高40米", ["40米"], 0, 2 * 2 / (4 + 2)),
        ("textmill", "𠮷野家", ["𠮷野"], 0, 2 * 2 / (3 + 2)),  # beyond the first plane a character is one too
        ("textmill", "the an", ["a"], 0, 0),
    ],
)
def test_a_score_is_what_the_rule_gives_by_hand(
    convention: str, answer: str, right: list[str], em: float, f1: float
) -> None:
    found = answer_score(answer, right, convention)
    assert found.em == em
    assert found.f1 == pytest.approx(f1, abs=1e-12)
    assert found.has_answer == bool(right)


@given(answer=TEXTS, right=st.lists(TEXTS, max_size=3), convention=st.sampled_from(sorted(CONVENTIONS)))
@settings(deadline=None, max_examples=150)
def test_more_right_answers_never_lower_a_score_and_all_lie_between_0_and_1(
    answer: str, right: list[str], convention: str
) -> None:
    found = answer_score(answer, right, convention)
    assert 0 <= found.em <= 1 and 0 <= found.f1 <= 1
    if right and convention != "squad":  # which drops right answers of articles alone
        more = answer_score(answer, [*right, "another"], convention)
        assert more.em >= found.em and more.f1 >= found.f1
    if answer.strip("，.' ") and convention == "textmill":
        assert answer_score(answer, [answer]) == AnswerScore(1, 1, True)


def test_a_convention_that_there_is_not_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="no convention 'squat'") as caught:
        answer_score("a", ["a"], "squat")
    assert "squad" in str(caught.value.hint)


def test_an_article_alone_is_an_answer() -> None:
    assert tokens("The A", False) == ["the", "a"]
    assert tokens("The cat", False) == ["cat"]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("He can't pay $3.50, he said.", ["He", "ca", "n't", "pay", "$", "3.50", ",", "he", "said", "."]),
        ('"Yes," (maybe)', ["``", "Yes", ",", "''", "(", "maybe", ")"]),
        ("the boys' ball", ["the", "boys", "'", "ball"]),
        ("It rains. We stay.", ["It", "rains", ".", "We", "stay", "."]),
        ("Dr. Li of the U.S. came", ["Dr.", "Li", "of", "the", "U.S.", "came"]),
        ("gonna wait... or not?!", ["gon", "na", "wait", "...", "or", "not", "?", "!"]),
        ("", []),
    ],
)
def test_english_is_cut_as_the_penn_treebank_is(text: str, cut: list[str]) -> None:
    assert words(text) == cut


def test_tokens_of_cmrc_are_characters_and_english_words_between_them() -> None:
    assert cmrc_tokens("由Nexon与 EA, Inc.开发（2009）") == [
        "由", "nexon", "与", "ea", ",", "inc", ".", "开", "发", "2009",
    ]  # fmt: skip
    assert longest_stretch("abcd", "zabxcdab") == 2
    assert longest_stretch([], "a") == 0


# -- many questions ----------------------------------------------------------------------------------------------------


def score(f1: float, has_answer: bool = True, group: str = "") -> AnswerScore:
    return AnswerScore(float(f1 == 1), f1, has_answer, group)


def test_shares_are_also_told_apart_by_whether_there_is_an_answer() -> None:
    metrics = metrics_of([score(1), score(0.5), score(0.0), score(1, False)])
    assert metrics == {
        "em": 0.5,
        "f1": 0.625,
        "em_answerable": pytest.approx(1 / 3),
        "f1_answerable": 0.5,
        "em_unanswerable": 1.0,
        "f1_unanswerable": 1.0,
        "n_questions": 4,
        "n_unanswerable": 1,
    }
    assert "em_answerable" not in metrics_of([score(1), score(0)])
    with pytest.raises(NothingScored):
        metrics_of([])


def test_questions_about_one_passage_are_drawn_together() -> None:
    apart = [score(float(n % 2)) for n in range(40)]
    together = [score(float(n % 2), group="ab"[n % 2]) for n in range(40)]
    low, high = intervals(apart)["f1"]
    assert 0.3 < low < 0.5 < high < 0.7
    assert intervals(together)["f1"] == (0.0, 1.0)  # two groups, one all right and one all wrong
    assert intervals([score(1.0, group="a")] * 9) == {}


def test_the_best_threshold_by_hand() -> None:
    """Answering b alone gets 1 of b, and the two that have no answer: 3 of 4. That is SQuAD 2.0's own procedure."""
    scores, answered = [0.0, 1.0, 0.0, 0.0], [True, True, True, False]
    has_answer, sure = [True, True, False, False], [0.9, 0.2, 0.5, 0.1]
    best = best_threshold(scores, answered, has_answer, sure)
    assert (best.score, best.value) == (0.75, 0.2)
    assert best_threshold([0.0], [True], [False], [0.3]).value == 0.0  # answer nothing
    assert best_threshold([1.0], [True], [True], [-4.0], least=-9.0).value == -4.0


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.5, 1.0]), st.booleans(), st.booleans(), st.sampled_from([0.1, 0.2, 0.3, 0.7])
        ),
        min_size=1,
        max_size=12,
    )
)
@settings(deadline=None, max_examples=150)
def test_the_best_threshold_reaches_what_it_says_and_no_other_reaches_more(
    rows: list[tuple[float, bool, bool, float]],
) -> None:
    """Held beside all thresholds that there are; an answer that is empty scores what that is worth."""
    answered = [is_answered for _, is_answered, _, _ in rows]
    has_answer = [has for _, _, has, _ in rows]
    sure = [no_answer for *_, no_answer in rows]
    f1 = [(value if has else 0.0) if is_answered else float(not has) for (value, is_answered, has, _) in rows]
    scores = [AnswerScore(0.0, value, has) for value, has in zip(f1, has_answer, strict=True)]
    best = best_threshold(f1, answered, has_answer, sure)

    def reached(threshold: float) -> float:
        return sum(one.f1 for one in with_threshold(scores, sure, threshold)) / len(rows)

    assert reached(best.value) == pytest.approx(best.score)
    assert best.score == pytest.approx(max(map(reached, [0.0, *sure])))
