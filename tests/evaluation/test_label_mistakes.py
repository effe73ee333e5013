"""Planted label mistakes are found first; ranks and shares are those of paper."""

from __future__ import annotations

import numpy as np
import pytest

from textmill.errors import InputError
from textmill.evaluation.label_mistakes import check_labels, estimated_share, likely_mistakes, margins_of
from textmill.text.worlds import Sentiment


def planted(language, n, seed=0, **knobs):
    """Reviews of the grammar, a tenth of their labels turned round: texts, labels, classes, which are turned."""
    world = Sentiment(language=language, seed=seed, **knobs)
    items = list(world.items(n))
    given = np.array([world.labels.index(item.label) for item in items])
    turned = np.random.default_rng(seed).permutation(n)[: n // 10]
    given[turned] = 1 - given[turned]
    return [item.text for item in items], given, world.labels, set(turned.tolist())


@pytest.mark.ci
@pytest.mark.parametrize(("language", "at_once", "in_twice_as_many"), [("en", 0.7, 0.9), ("zh", 0.45, 0.65)])
def test_planted_mistakes_in_the_grammar_are_found_far_above_chance(language, at_once, in_twice_as_many):
    """It has negation, degrees and "A, but B", which n-grams tell in part. By chance: 0.1 and 0.2."""
    texts, given, classes, turned = planted(language, 2000)
    suspects = likely_mistakes(texts, [[number] for number in given.tolist()], classes)
    assert sorted(suspect.number for suspect in suspects) == list(range(2000))
    first = {suspect.number for suspect in suspects[: len(turned)]}
    assert len(first & turned) >= at_once * len(turned)
    twice = {suspect.number for suspect in suspects[: 2 * len(turned)]}
    assert len(twice & turned) >= in_twice_as_many * len(turned)
    for suspect in suspects[:10]:
        assert suspect.given == classes[given[suspect.number]] != suspect.expected and suspect.probability < 0.5


def test_the_same_seed_gives_the_same_ranking():
    texts, given, classes, _ = planted("en", 200)
    labels = [[number] for number in given.tolist()]
    one, same, other = (likely_mistakes(texts, labels, classes, seed=seed) for seed in (1, 1, 2))
    assert one == same != other


def test_a_label_that_its_equal_texts_deny_is_first():
    """They are held out together: no text is its own witness."""
    things = ["room", "food", "view", "bed", "lobby"]
    texts = [f"{how} {thing}" for thing in things for how in ("good", "bad")] * 3 + ["GOOD  room"]
    labels = [[1], [0]] * 15 + [[0]]
    first = likely_mistakes(texts, labels, ["no", "yes"])[0]
    assert (first.number, first.given, first.expected) == (30, "no", "yes")


def test_a_text_is_classified_by_models_that_were_not_shown_it():
    """Made-up words that one text alone has: its label cannot be known, whatever it is."""
    texts = [f"word{number}" for number in range(40)]
    labels = [[number % 2] for number in range(40)]
    check = check_labels(texts, labels, ["x", "y"], n_rounds=1)
    assert np.allclose(check.probabilities, 0.5, atol=0.1)


def test_margins_and_their_order():
    probabilities = np.array([[0.5, 0.25, 0.25], [0.125, 0.625, 0.25], [0.25, 0.25, 0.5]])
    assert margins_of(probabilities, np.array([0, 0, 1])).tolist() == [0.25, -0.5, -0.25]


def test_the_estimated_share_is_that_of_paper():
    """Means by class: of class 0 among its texts (0.9 + 0.8 + 0.1) / 3 = 0.6, of class 1 (0.8 + 0.6) / 2 = 0.7.

    Sure are: text 0 and 1 of class 0 (given 0), text 2 of class 1 (given 0), text 3 of class 1 (given 1); text 4 (0.6)
    of neither. Of label 0: 1 of 3 is off; of label 1: 0 of 1. Scaled to 3 and 2 texts: 1 of 5.
    """
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.4, 0.6]])
    assert estimated_share(probabilities, np.array([0, 0, 0, 1, 1])) == pytest.approx(0.2)


def test_planted_mistakes_in_plain_reviews_are_first():
    """No negation, no contrast: words tell."""
    texts, given, classes, turned = planted("zh", 600, n_sentences=(1, 2), negation=0.0, contrast=0.0)
    suspects = likely_mistakes(texts, [[number] for number in given.tolist()], classes)
    assert len({suspect.number for suspect in suspects[:60]} & turned) >= 0.8 * 60


def test_without_mistakes_few_are_estimated_and_with_a_tenth_about_a_tenth():
    texts, given, classes, turned = planted("en", 600, n_sentences=(1, 2), negation=0.0, contrast=0.0)
    labels = [[number] for number in given.tolist()]
    assert 0.05 < check_labels(texts, labels, classes).estimated_share < 0.2
    mended = [[1 - number] if i in turned else [number] for i, number in enumerate(given.tolist())]
    assert check_labels(texts, mended, classes).estimated_share < 0.05


@pytest.mark.parametrize(
    ("texts", "labels", "what"),
    [
        (["a", "b"] * 3, [[0], [1]] * 3, "at least 5 different texts"),
        ([f"a{n}" for n in range(20)], [[0]] * 20, "at least 5 different texts"),
        (["a"], [[0, 1]], "2 labels"),
        ([], [], "no text"),
    ],
)
def test_what_cannot_be_checked_is_refused_in_a_sentence(texts, labels, what):
    with pytest.raises(InputError, match=what):
        likely_mistakes(texts, labels, ["x", "y"])
