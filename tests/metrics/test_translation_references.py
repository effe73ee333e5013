"""Several references of a line are sacreBLEU's own."""

import random

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from textmill.metrics.translation import each_of, references_of, score_differences, self_test, translation_scores

DRAW = random.Random(5)
WORDS = ["the", "a", "cat", "dog", "sees", "runs", "big", "small", "red", "house", "tree", "and"]


def sentence() -> str:
    return " ".join(DRAW.choices(WORDS, k=DRAW.randint(5, 12)))


OUTPUTS = [sentence() for _ in range(40)]
SEVERAL = [tuple(sentence() for _ in range(DRAW.randint(1, 4))) for _ in OUTPUTS]


def test_scores_of_several_references_are_those_of_sacrebleu():
    streams = [[own[n] if n < len(own) else None for own in SEVERAL] for n in range(4)]
    found = translation_scores(OUTPUTS, SEVERAL, "en", resamples=5)
    for name, measure in (("bleu", BLEU()), ("chrf", CHRF())):
        assert found[name].value == pytest.approx(measure.corpus_score(OUTPUTS, streams).score)
        assert "nrefs:var" in found[name].signature


def test_one_reference_as_a_text_is_one_reference_as_a_tuple():
    single = [own[0] for own in SEVERAL]
    assert translation_scores(OUTPUTS, single, "en") == translation_scores(OUTPUTS, [(text,) for text in single], "en")
    assert each_of(["a", ("b", "c")]) == [("a",), ("b", "c")]


def test_any_of_the_references_is_right():
    last = [own[-1] for own in SEVERAL]
    assert translation_scores(last, SEVERAL, "en", resamples=2)["bleu"].value == pytest.approx(100)
    assert self_test(SEVERAL, "en")["bleu"].identical == pytest.approx(100)
    assert score_differences(last, last, SEVERAL, "en")["bleu"].value == 0


def test_references_are_gathered_by_sentence_each_once():
    pairs = [(0, "a"), (1, "b"), (0, "c"), (0, "a")]
    assert references_of(pairs) == [("a", "c"), ("b",)]
