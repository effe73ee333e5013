"""A classifier measured on held-out texts, beside its floor; and what of both a run offers. Room: evaluation/.

Called by evaluate for runs whose form is an encoder, and by training when it closes.
Shapes: N texts, C classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textmill.evaluation.class_tables import flagged, flagged_told, tables_of
from textmill.evaluation.label_floor import fit_label_floor
from textmill.messages import Message, message, paragraph, record_of
from textmill.metrics.calibration import (
    brier_score,
    calibration_intervals,
    expected_calibration_error,
    fit_temperature,
    noise_floor,
    tempered,
)
from textmill.metrics.classification import (
    class_intervals,
    class_scores,
    compare_classes,
    compare_sets,
    only_class,
    sample_size,
    set_intervals,
    set_scores,
)
from textmill.results import Evaluation
from textmill.runs import Prepared, Run
from textmill.tasks.classify import LabelledIds, Probabilities, costs, fitted_on, likeliest, refuse_unknown, texts_of
from textmill.tasks.classifying import Classifier, Offer, classifier_of, floor_knobs
from textmill.text.documents import LABELS
from textmill.text.within import standing_in
from textmill.tokens import TokenStore

WEIGHTS = tuple(number / 20 for number in range(21))
"""Of the network in a mixture, that are tried."""
LEAST_TO_CHOOSE = 10
"""Held-out texts below which nothing is chosen by them: there are few texts in all then, and the floor answers."""
WITHIN_BYTES = 100_000_000
"""Training text in which validation texts are looked for: reading it takes memory of several times its size."""
SMALLEST = 1e-12
"""A probability of 0 would cost more than any number."""
FLOOR: Literal["tfidf"] = "tfidf"
MAJORITY = "majority"
EMPTIED = "emptied"
SUBSET = "subset_accuracy"

Labels = Sequence[Sequence[str]]


# --- what is offered


def chosen_offer(run: Run, prepared: Prepared) -> Offer:
    """Of network, floor and their mixture what costs the labels of the validation part least, the network at its best
    temperature. With too few such texts the floor, without any the network as it is.

    Not counted are validation texts that stand within a training text, whose words the floor knows by heart; with too
    few others, all are counted.
    """
    if prepared.valid is None:
        return Offer()
    if prepared.valid.n_documents < LEAST_TO_CHOOSE:
        return Offer(weight=0.0)
    classifier = classifier_of(run)
    texts, labels = texts_of(prepared.valid, prepared.tokenizer)
    seen = seen_in_training(texts, prepared)
    counted = np.flatnonzero(~seen).tolist()
    texts, labels = [texts[number] for number in counted], [labels[number] for number in counted]
    log_probs = classifier.log_probs(texts)
    temperature = 1.0
    if not classifier.several:
        temperature = fit_temperature(log_probs, numbers_of(labels, classifier.classes)).value
    ours = np.exp(log_probs) if classifier.several else tempered(log_probs, temperature)
    theirs = classifier.probabilities(texts, FLOOR)
    sets = sets_of(labels, classifier.classes)
    losses = {w: float(nats(w * ours + (1 - w) * theirs, sets, classifier.several).mean()) for w in WEIGHTS}
    best = min(WEIGHTS, key=lambda weight: losses[weight])
    told = {"network": losses[1.0], FLOOR: losses[0.0], "offered": losses[best]}
    rounded = {name: round(value, 6) for name, value in told.items()}
    return Offer(best, temperature, len(texts), rounded, n_left_out=int(seen.sum()))


def seen_in_training(texts: Sequence[str], prepared: Prepared) -> NDArray[np.bool_]:
    """(N,) Which validation texts stand within a training text; none where fewer than LEAST_TO_CHOOSE would be left, or
    where there are more than WITHIN_BYTES of training text."""
    none = np.zeros(len(texts), dtype=bool)
    if prepared.train.n_bytes > WITHIN_BYTES:
        return none
    seen = standing_in(texts, texts_of(prepared.train, prepared.tokenizer)[0])
    return seen if len(texts) - seen.sum() >= LEAST_TO_CHOOSE else none


def fit_floor_of_labels(run: Run, prepared: Prepared) -> None:
    """floor/: tf-idf and logistic regression on the training texts, a RUN of its own, and what tells texts that are
    unlike them. Raises NoSpace."""
    texts, numbers, classes, several = fitted_on(prepared.train, prepared.tokenizer)
    fit_label_floor(
        texts,
        numbers,
        classes,
        run.path / "floor",
        several=several,
        seed=run.config.run.seed,
        config=run.config,
        tokenizer=prepared.tokenizer,
        prepared=prepared.path.name,
        held_out=() if prepared.valid is None else texts_of(prepared.valid, prepared.tokenizer)[0],
        knobs=floor_knobs(run.config),
    )


# --- what it is worth


def evaluated(
    run: Run,
    name: str,
    examples: Sequence[LabelledIds],
    notes: list[str],
    checkpoint: str | int | None = None,
    prepared: Prepared | None = None,
    abstain: float | None = None,
) -> Evaluation:
    """What a run offers, measured on labelled texts beside the network alone, the floor, and always saying the class
    that training has most of. name: of the texts. abstain: a probability below which no answer would be given. Raises
    InputError for a label that the run does not know."""
    classifier, tokenizer = classifier_of(run, checkpoint), run.tokenizer
    classes, several, settings = classifier.classes, classifier.several, run.config.eval
    refuse_unknown(classes, ((text.place, text.labels) for text in examples))
    texts = [text.text(tokenizer) for text in examples]
    labels = [text.labels for text in examples]
    offered, flags = classifier.answers(texts)
    found = {"offered": offered}
    if classifier.model is not None and classifier.offer.weight < 1:
        found["network"] = classifier.probabilities(texts, "network")
    if classifier.model is not None and classifier.floor is not None:
        found[FLOOR] = classifier.probabilities(texts, FLOOR)
    if prepared is not None:
        found[MAJORITY] = np.tile(shares_of(prepared.train, classes), (len(texts), 1))

    judgement = None
    if classifier.model is not None:
        for control, others in classifier.task.controls(texts).items():
            found[control] = classifier.probabilities(others, "network")
        judgement = classifier.task.judge(classifier.model, tokenizer, examples, run.config)
    measured = {voice: Measured.of(own, labels, classes, several) for voice, own in found.items()}
    ours = measured["offered"]
    how_sure = settings.resamples, settings.confidence, settings.seed
    intervals = ours.intervals(*how_sure)
    differences = {
        voice: own
        for voice, other in measured.items()
        if voice != "offered" and (own := ours.difference(other, *how_sure))
    }
    evaluation = Evaluation(
        run=str(run.path),
        data=name,
        checkpoint=str(checkpoint if checkpoint is not None else run.default_checkpoint)
        if run.kind == "network"
        else "",
        metrics=ours.metrics(settings.seed),
        intervals=intervals,
        baselines={voice: own.metrics(settings.seed) for voice, own in measured.items() if voice != "offered"},
        convention=convention_of(classifier, ours, name, settings)
        | {f"minus_{voice}": own for voice, own in differences.items()},
        documents=[
            {
                "source": text.place.encode(errors="backslashreplace").decode(),
                "nats": float(cost),
                "label": ", ".join(text.labels),
                "output": ", ".join(classes[number] for number in likeliest(row, several)),
                "probability": float(row.max()),
            }
            for text, cost, row in zip(examples, ours.costs, found["offered"], strict=True)
        ],
    )
    if judgement is not None:
        evaluation.metrics |= judgement.metrics
        evaluation.convention |= judgement.convention
        evaluation.documents = [row | judged for row, judged in zip(evaluation.documents, judgement.rows, strict=True)]
    warned = alarms(measured, classes, intervals, differences)
    told = [*notes, *warned]
    evaluation.classes = tables_of(ours, classifier.offer, settings, abstain)
    evaluation.classes.alarms = list(warned)
    if classifier.domain is not None:
        evaluation.classes.flagged = flagged(flags, classifier.domain.rate)
        told.append(flagged_told(evaluation.classes.flagged))
    if classifier.offer.n_texts and name == "validation":
        told.append(message("What is offered was chosen on these very texts: on new ones it may do a little worse."))
    evaluation.convention["notes"] = told
    evaluation.convention["signature"] = (
        f"{name} | {len(texts):,} texts | {len(classes)} classes | {classifier.offer.name} | bootstrap over texts"
    )
    evaluation.verdict = verdict(measured, intervals, classifier.offer)
    evaluation.messages = record_of([*evaluation.convention.values(), *told, evaluation.verdict])
    return evaluation


class Measured:
    """Probabilities (N, C) beside the right labels. predicted, truth: booleans (N, C)."""

    def __init__(
        self,
        probabilities: Probabilities,
        truth: NDArray[np.bool_],
        classes: Sequence[str],
        several: bool,
    ):
        self.probabilities, self.truth, self.classes, self.several = probabilities, truth, classes, several
        self.predicted = np.zeros_like(truth)
        for row, own in enumerate(probabilities):
            self.predicted[row, likeliest(own, several)] = True
        self.costs = nats(probabilities, truth, several)

    @classmethod
    def of(cls, probabilities: Probabilities, labels: Labels, classes: Sequence[str], several: bool) -> Measured:
        return cls(probabilities, sets_of(labels, classes), classes, several)

    @property
    def accuracy(self) -> float:
        """Share of the texts that are told right."""
        return float((self.truth == self.predicted).all(axis=1).mean())

    @property
    def numbers(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Right and given class of each text, where each has one."""
        return self.truth.argmax(axis=1), self.predicted.argmax(axis=1)

    def metrics(self, seed: int = 0) -> dict[str, float]:
        """loss (nats a text), accuracy, F1 macro, micro and of each class; where each text has one label also ECE, the
        ECE of a calibrated model on so many texts, and the Brier score. Of several labels a text accuracy counts those
        whose whole set is right."""
        scores = (
            set_scores(self.truth, self.predicted) if self.several else class_scores(*self.numbers, len(self.classes))
        )
        found = {"accuracy" if name == SUBSET else name: share for name, share in scores.shares.items()}
        found = {"loss": float(self.costs.mean()), **found}
        found |= {f"f1_class.{name}": own.f1 for name, own in zip(self.classes, scores.classes, strict=True)}
        if not self.several:
            truth, _ = self.numbers
            found["ece"] = expected_calibration_error(truth, self.probabilities)
            found["ece_noise"] = noise_floor(self.probabilities, seed=seed).mean
            found["brier"] = brier_score(truth, self.probabilities)
        return {**found, "n_texts": len(self.truth)}

    def intervals(self, resamples: int, confidence: float, seed: int) -> dict[str, tuple[float, float]]:
        """Of the metrics that have one."""
        how_sure = resamples, confidence, seed
        if self.several:
            own = set_intervals(self.truth, self.predicted, *how_sure)
        else:
            truth, given = self.numbers
            own = class_intervals(truth, given, len(self.classes), *how_sure)
        found = {"accuracy" if name == SUBSET else name: interval for name, interval in own.shares.items()}
        found |= {
            f"f1_class.{name}": interval
            for name, interval in zip(self.classes, own.f1_class, strict=True)
            if interval is not None
        }
        if not self.several:
            truth, _ = self.numbers
            found |= calibration_intervals(
                truth, self.probabilities, resamples=resamples, confidence=confidence, seed=seed
            )
        return found

    def difference(self, other: Measured, resamples: int, confidence: float, seed: int) -> list[float] | None:
        """The interval of accuracy(self) − accuracy(other), paired; None below two texts."""
        how_sure = resamples, confidence, seed
        if self.several:
            found = compare_sets(self.truth, self.predicted, other.predicted, *how_sure).differences[SUBSET]
        else:
            truth, ours = self.numbers
            _, theirs = other.numbers
            found = compare_classes(truth, ours, theirs, len(self.classes), *how_sure).differences["accuracy"]
        return None if found.interval is None else list(found.interval)


def convention_of(classifier: Classifier, ours: Measured, name: str, settings: Any) -> dict[str, Any]:
    """How the numbers were taken."""
    offer = classifier.offer
    said: dict[str, Any] = {
        "offered": offered_told(offer),
        "loss": message("nats per text"),
        "accuracy": message("whole sets of labels that are right")
        if ours.several
        else message("texts whose likeliest class is right"),
        "f1_macro": message("mean over the classes that occur; nothing over nothing is 0"),
        "documents": message("read whole, in windows where they are long"),
        "resampled": message("%(n)s documents", n=f"{len(ours.truth):,}"),
        "resamples": settings.resamples,
        "confidence": settings.confidence,
        "seed": settings.seed,
    }
    if not ours.several:
        said["ece"] = message("15 bins of equal width over the probability of the likeliest class")
        said["brier"] = message("squares summed over the classes: 0 to 2")
    if offer.n_texts:
        said["temperature"] = round(offer.temperature, 4)
        said["chosen_on"] = message("%(n)s validation texts", n=f"{offer.n_texts:,}")
    if offer.n_left_out:
        said["chosen_without"] = message(
            "%(n)s validation texts that stand within a training text", n=f"{offer.n_left_out:,}"
        )
    return said


def offered_told(offer: Offer) -> Message:
    if offer.name == "mixture":
        return message("the network by %(percent)s %%, its floor by the rest", percent=f"{100 * offer.weight:.0f}")
    return message("the network alone") if offer.name == "network" else message("the floor alone")


def verdict(measured: dict[str, Measured], intervals: dict[str, tuple[float, float]], offer: Offer) -> Message:
    """How good it is beside what needs no network, and what is offered."""
    accuracy = {voice: 100 * own.accuracy for voice, own in measured.items()}
    ours = accuracy["offered"]
    said: list[Message] = []
    if "accuracy" in intervals:
        low, high = intervals["accuracy"]
        said.append(
            message(
                "Of these texts %(percent)s %% are told right (%(low)s to %(high)s %%).",
                percent=f"{ours:.1f}",
                low=f"{100 * low:.1f}",
                high=f"{100 * high:.1f}",
            )
        )
    else:
        said.append(message("Of these texts %(percent)s %% are told right.", percent=f"{ours:.1f}"))
    if FLOOR in accuracy:
        said.append(
            message(
                "tf-idf with logistic regression, the floor, tells %(percent)s %%.", percent=f"{accuracy[FLOOR]:.1f}"
            )
        )
    if "network" in accuracy:
        said.append(message("The network alone tells %(percent)s %%.", percent=f"{accuracy['network']:.1f}"))
    if MAJORITY in accuracy:
        said.append(message("Always the same class would be %(percent)s %%.", percent=f"{accuracy[MAJORITY]:.1f}"))
    if offer.n_texts:
        said.append(
            message(
                "What answers is %(what)s, which of network, floor and mixtures of them had the least loss on %(n)s "
                "validation texts.",
                what=offered_told(offer),
                n=f"{offer.n_texts:,}",
            )
        )
    elif offer.weight == 0 and "network" in measured:
        said.append(message("There are too few validation texts to choose by: the floor answers."))
    return paragraph(said)


def alarms(
    measured: dict[str, Measured],
    classes: Sequence[str],
    intervals: dict[str, tuple[float, float]],
    differences: dict[str, list[float]],
) -> list[Message]:
    """What must not be overlooked. differences: the interval of accuracy(offered) − accuracy(voice), by voice; it is
    worse than one where all of that lies below 0."""
    ours, told = measured["offered"], []
    n_texts = len(ours.truth)
    if not ours.several and (one := only_class(*ours.numbers, len(classes))) is not None:
        told.append(message("It says %(name)s of every text.", name=classes[one]))
    accuracy = {voice: own.accuracy for voice, own in measured.items()}
    for voice, what in ((FLOOR, message("its floor")), (MAJORITY, message("always the same class"))):
        if voice not in accuracy or accuracy["offered"] >= accuracy[voice]:
            continue
        if voice in differences and differences[voice][1] >= 0:
            told.append(message("It is no better than %(what)s: the difference may be chance.", what=what))
        else:
            told.append(message("It is worse than %(what)s.", what=what))
    if EMPTIED in measured and MAJORITY in measured:
        beyond = measured[EMPTIED].difference(measured[MAJORITY], 1000, 0.95, 0)
        if beyond is not None and beyond[0] > 0:
            told.append(
                message(
                    "Without their stories %(percent)s %% of the questions are told right, more than always the same "
                    "answer is: part of what it tells is guessed from the question.",
                    percent=f"{100 * accuracy[EMPTIED]:.1f}",
                )
            )
    if MAJORITY in accuracy:
        size = sample_size(accuracy["offered"], intervals.get("accuracy"), accuracy[MAJORITY], n_texts)
        if not size.tells_from_floor:
            told.append(
                message(
                    "%(n)s texts are too few to tell it from always the same class.",
                    n=f"{n_texts:,}",
                )
            )
        elif not size.tells_difference:
            told.append(
                message(
                    "To tell two models apart whose accuracies differ by 2 points takes about %(needed)s texts each; "
                    "here are %(n)s.",
                    needed=f"{size.n_needed:,}",
                    n=f"{n_texts:,}",
                )
            )
    return told


# --- labels


def sets_of(labels: Labels, classes: Sequence[str]) -> NDArray[np.bool_]:
    """(N, C): whether each text has each class."""
    number_of = {name: number for number, name in enumerate(classes)}
    found = np.zeros((len(labels), len(classes)), dtype=bool)
    for row, own in enumerate(labels):
        found[row, [number_of[name] for name in own]] = True
    return found


def numbers_of(labels: Labels, classes: Sequence[str]) -> NDArray[np.int64]:
    """(N,) the number of the one class of each text."""
    numbers: NDArray[np.int64] = sets_of(labels, classes).argmax(axis=1)
    return numbers


def shares_of(store: TokenStore, classes: Sequence[str]) -> Probabilities:
    """(C,) share of the texts that have each class."""
    counts = Counter(name for own in store.field(LABELS) for name in own)
    return np.array([counts[name] / max(1, store.n_documents) for name in classes])


def nats(probabilities: Probabilities, truth: NDArray[np.bool_], several: bool) -> NDArray[np.float64]:
    """(N,) −ln P of the labels of each text; of several a text, of the decisions of all classes."""
    log_probs = np.log(np.maximum(probabilities, SMALLEST))
    if not several:
        found: NDArray[np.float64] = -log_probs[np.arange(len(truth)), truth.argmax(axis=1)]
        return found
    return np.array([costs(own, np.flatnonzero(row).tolist()) for own, row in zip(log_probs, truth, strict=True)])
