"""What a classifier offers, and what it is worth beside its floor."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score

from textmill.evaluation import labels
from textmill.evaluation.labels import Measured, alarms, chosen_offer, nats
from textmill.tasks.classifying import Offer

CLASSES = ["no", "yes"]


class Store:
    """Texts of a part, and their labels."""

    def __init__(self, texts: list[str], own: list[str]):
        self.texts, self.own, self.n_documents, self.n_bytes = texts, own, len(own), sum(map(len, texts))


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Any:
    """(P(yes) by the network, by the floor, labels, validation and training texts) -> what is offered."""

    def choose(
        network: list[float],
        floor: list[float],
        own: list[str],
        texts: list[str] | None = None,
        trained_on: tuple[str, ...] = (),
    ) -> Offer:
        texts = texts or [f"t{number}" for number in range(len(own))]
        number_of = {text: number for number, text in enumerate(texts)}

        def two(yes: list[float], texts: list[str]) -> Any:
            return np.array([[1 - yes[number_of[text]], yes[number_of[text]]] for text in texts])

        classifier = SimpleNamespace(
            classes=CLASSES,
            several=False,
            log_probs=lambda texts: np.log(two(network, texts)),
            probabilities=lambda texts, voice: two(floor, texts),
        )
        monkeypatch.setattr(labels, "classifier_of", lambda run: classifier)
        monkeypatch.setattr(labels, "texts_of", lambda store, tokenizer: (store.texts, [(one,) for one in store.own]))
        train = Store(list(trained_on), ["yes"] * len(trained_on))
        stores = SimpleNamespace(train=train, valid=Store(texts, own), tokenizer=None)
        return chosen_offer(None, stores)  # type: ignore[arg-type]

    return choose


def test_the_one_that_is_right_answers(offered: Any) -> None:
    own = ["yes", "no"] * 40
    right = [0.8 if one == "yes" else 0.2 for one in own]
    wrong = [0.3 if one == "yes" else 0.6 for one in own]
    right[0], wrong[0] = 0.4, 0.7  # a mistake, so that a temperature can be fitted
    assert offered(wrong, right, own).name == "tfidf"
    assert offered(right, wrong, own).name == "network"


def test_two_that_err_apart_answer_together(offered: Any) -> None:
    generator = np.random.default_rng(1)
    own = generator.choice(["yes", "no"], 400).tolist()

    def voice() -> list[float]:
        lean = np.array([1.0 if one == "yes" else -1.0 for one in own]) + 1.5 * generator.standard_normal(400)
        return (1 / (1 + np.exp(-lean))).tolist()

    offer = offered(voice(), voice(), own)
    assert offer.name == "mixture" and 0.2 < offer.weight < 0.8
    assert offer.losses["offered"] < min(offer.losses["network"], offer.losses["tfidf"])


def test_an_overconfident_network_is_tempered(offered: Any) -> None:
    own = ["yes", "no"] * 50
    sure = [0.999 if one == "yes" else 0.001 for one in own]
    sure[:20] = [1 - p for p in sure[:20]]  # a fifth is wrong
    offer = offered(sure, [0.5] * 100, own)
    assert offer.name == "network"
    # The best temperature makes it as sure as it is right: ln(0.999 / 0.001) / T = ln(0.8 / 0.2).
    assert offer.temperature == pytest.approx(np.log(999) / np.log(4), rel=1e-3)


def test_too_few_texts_leave_it_to_the_floor_and_none_to_the_network(offered: Any) -> None:
    offer = offered([0.9] * 9, [0.1] * 9, ["yes"] * 9)
    assert (offer.name, offer.n_texts) == ("tfidf", 0)
    nothing: Any = SimpleNamespace(valid=None)
    assert chosen_offer(nothing, nothing).name == "network"


def test_texts_that_stand_within_a_training_text_choose_nothing(offered: Any) -> None:
    """The floor knows phrases of training sentences by heart, and is no better for that on new texts."""
    own = ["yes", "no"] * 40
    texts = [f"phrase {number}" for number in range(60)] + [f"new {number}" for number in range(20)]
    right = [0.9 if one == "yes" else 0.1 for one in own]
    guess = [0.6 if one == "yes" else 0.4 for one in own]
    floor, network = right[:60] + guess[60:], guess[:60] + right[60:]
    floor[0], network[60] = 0.2, 0.2
    sentences = tuple(f"a sentence with phrase {number} in it" for number in range(60))
    assert offered(network, floor, own, texts).name == "mixture"
    offer = offered(network, floor, own, texts, sentences)
    assert (offer.n_texts, offer.n_left_out) == (20, 60)
    assert offer.losses["network"] < offer.losses["tfidf"] and offer.weight > 0.9


def test_where_nearly_all_stand_within_training_texts_all_choose(offered: Any) -> None:
    own = ["yes", "no"] * 20
    texts = [f"phrase {number}" for number in range(40)]
    right = [0.9 if one == "yes" else 0.2 for one in own]
    offer = offered(right, [0.5] * 40, own, texts, tuple(texts[:31]))
    assert (offer.n_texts, offer.n_left_out) == (40, 0)


def test_metrics_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    truth, yes = generator.integers(2, size=200), generator.random(200)
    own = [(CLASSES[number],) for number in truth]
    found = Measured.of(np.column_stack([1 - yes, yes]), own, CLASSES, several=False).metrics()
    predicted = (yes > 0.5).astype(int)
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, predicted))
    assert found["f1_macro"] == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert found["f1_class.yes"] == pytest.approx(f1_score(truth, predicted))
    assert found["brier"] == pytest.approx(2 * brier_score_loss(truth, yes))  # over both classes
    assert found["loss"] == pytest.approx(-np.log(np.where(truth == 1, yes, 1 - yes)).mean())


def test_of_several_labels_a_whole_set_is_right_or_not() -> None:
    probabilities = np.array([[0.9, 0.8], [0.1, 0.2], [0.9, 0.4]])
    found = Measured.of(probabilities, [("no", "yes"), (), ("no", "yes")], CLASSES, several=True)
    scores = found.metrics()
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert "ece" not in scores
    assert nats(probabilities, found.truth, True)[1] == pytest.approx(-np.log(0.9 * 0.8))


def test_what_must_not_be_overlooked_is_said() -> None:
    own = [("yes",), ("no",)] * 50
    always = Measured.of(np.tile([0.4, 0.6], (100, 1)), own, CLASSES, False)
    right = Measured.of(np.array([[0.1, 0.9], [0.9, 0.1]] * 50), own, CLASSES, False)
    told = alarms({"offered": always, "tfidf": right}, CLASSES, {"accuracy": (0.4, 0.6)}, {"tfidf": [-0.6, -0.4]})
    assert "It says yes of every text." in told
    assert "It is worse than its floor." in told
    assert alarms({"offered": right, "tfidf": always}, CLASSES, {"accuracy": (1.0, 1.0)}, {"tfidf": [0.4, 0.6]}) == []


def test_answers_that_come_without_the_story_are_told() -> None:
    own = [("yes",), ("no",)] * 50
    right = Measured.of(np.array([[0.1, 0.9], [0.9, 0.1]] * 50), own, CLASSES, False)
    always = Measured.of(np.tile([0.4, 0.6], (100, 1)), own, CLASSES, False)
    for emptied, is_told in ((right, True), (always, False)):
        told = alarms({"offered": right, "emptied": emptied, "majority": always}, CLASSES, {"accuracy": (0.9, 1.0)}, {})
        assert any("Without their stories" in one for one in told) == is_told


@pytest.mark.parametrize(("n_better", "n_worse", "is_worse"), [(4, 5, False), (0, 9, True)])
def test_it_is_worse_than_its_floor_only_beyond_the_paired_interval(
    n_better: int, n_worse: int, is_worse: bool
) -> None:
    truth = np.zeros(200, dtype=int)
    ours, theirs = truth.copy(), truth.copy()
    ours[:n_worse] = 1
    theirs[n_worse : n_worse + n_better] = 1
    measured = {
        voice: Measured.of(np.eye(2)[own], [("no",)] * 200, CLASSES, False)
        for voice, own in (("offered", ours), ("tfidf", theirs))
    }
    own = measured["offered"].difference(measured["tfidf"], 2000, 0.95, 0)
    assert own is not None
    told = alarms(measured, CLASSES, {}, {"tfidf": own})
    assert ("It is worse than its floor." in told) == is_worse
    assert ("It is no better than its floor: the difference may be chance." in told) != is_worse
