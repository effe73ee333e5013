"""Planted label mistakes are found first; ranks and shares are those of paper."""

from __future__ import annotations

import numpy as np
import pytest

from textmill.errors import InputError
from textmill.evaluation.label_mistakes import chance_of_mistake, check_labels, fitted_noise, likely_mistakes, mixed
from textmill.text.worlds import Sentiment
from textmill.training.reader_voice import NAME, reader


def planted(language, n, seed=0, **knobs):
    """Reviews of the grammar, a tenth of their labels turned round: texts, labels, classes, which are turned."""
    world = Sentiment(language=language, seed=seed, **knobs)
    items = list(world.items(n))
    given = np.array([world.labels.index(item.label) for item in items])
    turned = np.random.default_rng(seed).permutation(n)[: n // 10]
    given[turned] = 1 - given[turned]
    return [item.text for item in items], given, world.labels, set(turned.tolist())


@pytest.mark.ci
@pytest.mark.parametrize(("language", "at_once", "in_twice_as_many"), [("en", 0.7, 0.9), ("zh", 0.4, 0.6)])
def test_phrases_alone_find_planted_mistakes_in_the_grammar_far_above_chance(language, at_once, in_twice_as_many):
    """It has negation, degrees and "A, but B", which n-grams tell in part. By chance: 0.1 and 0.2."""
    texts, given, classes, turned = planted(language, 2000)
    suspects = likely_mistakes(texts, [[number] for number in given.tolist()], classes)
    assert sorted(suspect.number for suspect in suspects) == list(range(2000))
    first = {suspect.number for suspect in suspects[: len(turned)]}
    assert len(first & turned) >= at_once * len(turned)
    twice = {suspect.number for suspect in suspects[: 2 * len(turned)]}
    assert len(twice & turned) >= in_twice_as_many * len(turned)
    for suspect in suspects[:10]:
        assert suspect.given == classes[given[suspect.number]] != suspect.expected and suspect.probability > 0.5


@pytest.mark.ci
def test_a_voice_that_reads_in_order_finds_nearly_all_of_them():
    texts, given, classes, turned = planted("en", 2000)
    check = check_labels(texts, [[number] for number in given.tolist()], classes, costly={NAME: reader})
    found = [suspect.number for suspect in check.suspects]
    assert len(set(found[:200]) & turned) >= 0.9 * len(turned)
    assert len(set(found[:400]) & turned) >= 0.97 * len(turned)
    assert check.weights[NAME] > 0 and check.estimated_share == pytest.approx(0.1, abs=0.03)


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


def drawn_labels(n, share, n_classes=3, seed=0):
    """Voices and labels that come about as the model says: ln P (2, N, C) of which the first is the truth's own, the
    second knows nothing; labels, of which a share is another class than the true one; which these are."""
    generator = np.random.default_rng(seed)
    true = generator.dirichlet(np.full(n_classes, 0.2), n) * 0.995 + 0.005 / n_classes
    noise = generator.dirichlet(np.ones(n_classes), n)
    classes = (generator.random(n)[:, None] > true.cumsum(axis=1)).sum(axis=1)
    wrong = generator.random(n) < share
    given = np.where(wrong, (classes + generator.integers(1, n_classes, n)) % n_classes, classes)
    return np.log(np.stack([true, noise])), given, wrong


@pytest.mark.parametrize(("share", "n_classes"), [(0.02, 2), (0.1, 2), (0.1, 5), (0.3, 3)])
def test_the_share_of_wrong_labels_and_what_a_voice_is_worth_are_found_in_labels_drawn_with_them(share, n_classes):
    log_probs, given, _ = drawn_labels(20_000, share, n_classes)
    weights, found = fitted_noise(log_probs, given)
    assert found == pytest.approx(share, abs=0.015)
    assert weights == pytest.approx([1.0, 0.0], abs=0.1)


def test_the_chance_of_a_mistake_is_how_often_it_is_one():
    log_probs, given, wrong = drawn_labels(20_000, 0.1)
    weights, share = fitted_noise(log_probs, given)
    chance = chance_of_mistake(mixed(log_probs, weights), given, share)
    for low, high in ((0.0, 0.1), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.0)):
        these = (chance >= low) & (chance < high)
        sigma = 0.5 / np.sqrt(these.sum())
        assert wrong[these].mean() == pytest.approx(chance[these].mean(), abs=3 * sigma)


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
