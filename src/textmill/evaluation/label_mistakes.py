"""Likely label mistakes: texts whose label is denied by models that were not shown it. Room: evaluation/.

Called by `look` on labelled texts. A committee of models, its voices, classifies each text, fitted on other texts
(cross-validation; texts that are equal once normalised, or nearly equal, are in one fold). Brodley & Friedl 1999,
"Identifying mislabeled data", JAIR 11. A wrong label also misleads the models: so all is done again, in other folds,
without what has been denied most, as much as is estimated to be wrong, and that is believed.

What the voices say is put together by a model of how labels come about: the true class has P(c) ∝ Π P_v(c)^w_v, and of
the labels a share e is another class than the true one, each as likely as the other (Natarajan et al. 2013, "Learning
with noisy labels"; class-conditional noise with one rate). The weights w and e are those under which the labels are
likeliest, and what is known of labels before (fitted_noise). So a voice that knows nothing weighs nothing, and
P(mistake) is about as calibrated as that model of labels is true: on ChnSentiCorp with planted mistakes 81 % were
expected, and 72 % were planted. The labels of equal texts are witnesses too, each wrong with e.
Shapes: N texts, C classes, F features, V voices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import minimize

from textmill.errors import InputError
from textmill.models.grams import Vocabulary
from textmill.models.tfidf import (
    MOST_FEATURES,
    ROUGH_TOLERANCE,
    TextFeatures,
    folds_of,
    label_table,
    least_texts_of,
    regression,
    softmax,
    with_absent,
)
from textmill.text.near import NearDuplicates
from textmill.text.within import groups_of_equal

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Fitted = Callable[[Ints, Bools, Bools], Floats]
"""(labels (N,), which texts to fit on, which to classify) -> P(class) of these."""
Voice = Callable[[Sequence[str], int, int], Fitted]
"""(texts, number of classes, seed) -> what can be fitted on some of them."""

N_FOLDS = 5
N_ROUNDS = 2  # the first with all texts, each other without what those before deny
MOST_DENIED = 0.2  # of the texts, that are left out of a round
LEAST_SHARE, MOST_SHARE = 1e-4, 0.45  # of wrong labels; beyond, nobody knows which are the right ones
SMALLEST = 1e-6  # what a voice may give a class
WRONG_BEFORE, OF_BEFORE = 2, 60  # Northcutt et al. 2021, arXiv:2103.14749: 3.3 % in ten test sets that are much used
SPREAD = 0.5  # of a weight around an equal share, before a text is seen: few texts do not move it far


class Suspect(NamedTuple):
    """A text by its number, its label, the likeliest other class, and how likely its label is to be a mistake."""

    number: int
    given: str
    expected: str
    probability: float


@dataclass(frozen=True)
class LabelCheck:
    """suspects: all texts, the likeliest mistake first. estimated_share: of the labels, that are wrong.

    probabilities (N, C): of each true class, by models that were not shown the text or its label. weights: of the
    voices; 0 has no say.
    """

    suspects: list[Suspect]
    estimated_share: float
    probabilities: Floats
    weights: dict[str, float]

    @property
    def likely(self) -> list[Suspect]:
        """Those that are rather wrong than right."""
        return [suspect for suspect in self.suspects if suspect.probability > 0.5]

    def precision(self, n: int) -> float | None:
        """The share of the first n suspects that is expected to be wrong; None of none."""
        return float(np.mean([suspect.probability for suspect in self.suspects[:n]])) if n else None


def words_and_characters(texts: Sequence[str], n_classes: int, seed: int) -> Fitted:
    """Logistic regression on tf-idf of words and characters, as models/tfidf.py weighs them."""
    rows = TextFeatures.fit(texts, words=(1, 2), characters=(2, 4))[1]

    def fitted(given: Ints, inside: Bools, outside: Bools) -> Floats:
        one = regression(rows[inside], given[inside], strength=4.0, tolerance=ROUGH_TOLERANCE)
        return with_absent(one.probabilities(rows[outside]), one.classes, n_classes, int(inside.sum()))

    return fitted


def phrases(texts: Sequence[str], n_classes: int, seed: int) -> Fitted:
    """Logistic regression on phrases of 1 to 3 words, each weighed by how much more often a class has it: NB-SVM of
    Wang & Manning 2012, "Baselines and bigrams". Of several classes one against the rest, for each."""
    counts = Vocabulary.fit(texts, "words", (1, 3), least_texts_of(len(texts)), MOST_FEATURES)[1]
    has_it = (counts > 0).astype(np.float64).tocsr()

    def fitted(given: Ints, inside: Bools, outside: Bools) -> Floats:
        present = np.unique(given[inside])
        log_odds = np.zeros((int(outside.sum()), len(present)))
        for place, number in enumerate(present.tolist()):
            if len(present) == 2 and place == 0:
                continue
            is_it = (given == number).astype(np.int64)
            rows = _weighed(has_it, inside & (is_it == 1), inside & (is_it == 0))
            one = regression(rows[inside], is_it[inside], strength=4.0, tolerance=ROUGH_TOLERANCE)
            log_odds[:, place] = np.asarray(rows[outside] @ one.weights.T)[:, 0] + one.bias[0]
        if len(present) == 2:
            probabilities = softmax(log_odds)
        else:
            alone = 1 / (1 + np.exp(-log_odds))
            probabilities = alone / alone.sum(axis=1, keepdims=True)
        return with_absent(probabilities, present, n_classes, int(inside.sum()))

    return fitted


def _weighed(has_it: Any, ours: Bools, others: Bools) -> Any:
    """Each feature times the logarithm of how much more often our texts have it, each row of length 1."""
    n_ours, n_others = (np.asarray(has_it[which].sum(axis=0))[0] + 1.0 for which in (ours, others))
    ratios = np.log(n_ours / n_ours.sum()) - np.log(n_others / n_others.sum())
    rows = has_it @ sparse.diags(ratios)
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)))[:, 0]
    return (sparse.diags(1 / np.where(lengths > 0, lengths, 1.0)) @ rows).tocsr()


VOICES: Mapping[str, Voice] = {"words and characters": words_and_characters, "phrases": phrases}


def likely_mistakes(
    texts: Sequence[str],
    labels: Sequence[Sequence[int]],
    classes: Sequence[str],
    seed: int = 0,
    n_folds: int = N_FOLDS,
) -> list[Suspect]:
    """All texts, the likeliest label mistake first; see check_labels."""
    return check_labels(texts, labels, classes, seed, n_folds).suspects


def check_labels(
    texts: Sequence[str],
    labels: Sequence[Sequence[int]],
    classes: Sequence[str],
    seed: int = 0,
    n_folds: int = N_FOLDS,
    n_rounds: int = N_ROUNDS,
    voices: Mapping[str, Voice] = VOICES,
    costly: Mapping[str, Voice] | None = None,
) -> LabelCheck:
    """Rank the labels (one each) by how likely each is to be a mistake.

    costly: voices that are heard only if on one fold, the first, they foretell the labels better than all others do.
    Equal ones stand in the order of the texts. Raises InputError where a text has not one label, or less than two
    classes have as many different texts as there are folds.
    """
    given = label_table(labels, len(texts), classes, several=False).argmax(axis=1)
    equal = groups_of_equal(texts)
    n_equal = sorted(len(np.unique(equal[given == number])) for number in range(len(classes)))
    if len(n_equal) < 2 or n_equal[-2] < n_folds:
        second = n_equal[-2] if len(n_equal) > 1 else 0
        raise InputError(
            f"label mistakes need two classes with at least {n_folds} different texts each (the second largest has "
            f"{second})"
        )
    groups = _near_groups(texts)
    fitted = {name: voice(texts, len(classes), seed) for name, voice in voices.items()}
    trusted = np.ones(len(texts), dtype=bool)
    said: list[dict[str, Floats]] = []
    for number in range(n_rounds):
        folds = folds_of(groups, given, n_folds, seed + number)
        said.append({name: out_of_fold(one, given, folds, trusted, len(classes)) for name, one in fitted.items()})
        if number == 0:
            for name, voice in (costly or {}).items():
                one = voice(texts, len(classes), seed)
                first = one(given, folds != 0, folds == 0)
                if _foretells(first, given, folds, said[0].values()):
                    said[0][name] = out_of_fold(one, given, folds, trusted, len(classes), first)
                    fitted[name] = one
        together = _together(said)
        weights, share = fitted_noise(together, given)
        probabilities = with_witnesses(mixed(together, weights), given, equal, share)
        wrong = chance_of_mistake(probabilities, given, share)
        n_denied = int(min(share, MOST_DENIED) * len(texts))
        trusted = np.ones(len(texts), dtype=bool)
        trusted[np.argsort(-wrong, kind="stable")[:n_denied]] = False

    others = probabilities.copy()
    others[np.arange(len(given)), given] = -1.0
    expected = others.argmax(axis=1)
    suspects = [
        Suspect(number, classes[given[number]], classes[expected[number]], float(wrong[number]))
        for number in np.argsort(-wrong, kind="stable").tolist()
    ]
    heard = dict.fromkeys(costly or {}, 0.0)
    return LabelCheck(suspects, share, probabilities, heard | dict(zip(fitted, weights.tolist(), strict=True)))


def _foretells(first: Floats, given: Ints, folds: Ints, others: Iterable[Floats]) -> bool:
    """Whether `first` says the labels of the first fold better than each of the others."""
    outside = folds == 0
    ours = _nats(first, given[outside])
    return all(ours < _nats(theirs[outside], given[outside]) for theirs in others)


def _nats(probabilities: Floats, given: Ints) -> float:
    """A text's label costs so many nats."""
    own = probabilities[np.arange(len(given)), given]
    return -float(np.log(np.maximum(own, SMALLEST)).mean())


def _near_groups(texts: Sequence[str]) -> Ints:
    """A number for each text (N,), the same for texts that are equal or nearly equal."""
    near = NearDuplicates()
    for text in texts:
        near.add(text)
    return near.groups()


def out_of_fold(
    fitted: Fitted, given: Ints, folds: Ints, trusted: Bools, n_classes: int, first: Floats | None = None
) -> Floats:
    """P(class) (N, C), each fold by a model of the trusted texts of the others. first: of the first fold, where it is
    known."""
    found = np.zeros((len(given), n_classes))
    for fold in range(int(folds.max()) + 1):
        inside, outside = (folds != fold) & trusted, folds == fold
        if not outside.any():
            continue
        if len(np.unique(given[inside])) < 2:  # what is left of a class is all in this fold
            inside = folds != fold
        is_known = fold == 0 and first is not None
        found[outside] = first if is_known else fitted(given, inside, outside)
    return found


def _together(said: Sequence[Mapping[str, Floats]]) -> Floats:
    """ln P (V, N, C) of each voice: the mean over the rounds, without the first where there are others."""
    rounds = said[1:] or said
    return np.stack([np.log(np.maximum(np.mean([one[name] for one in rounds], axis=0), SMALLEST)) for name in said[0]])


def mixed(log_probs: Floats, weights: Floats) -> Floats:
    """P(true class) (N, C) ∝ Π P_v^w_v. log_probs (V, N, C); weights (V,)."""
    return softmax(np.tensordot(weights, log_probs, axes=1))


def fitted_noise(log_probs: Floats, given: Ints) -> tuple[Floats, float]:
    """The weights of the voices (V,), none below 0, and the share e of wrong labels, under which the labels are
    likeliest: P(label) = (1 − e) P(it is true) + e / (C − 1) · P(it is not).

    Before a label is seen a weight is N(1/V, SPREAD²), and e as likely as WRONG_BEFORE of OF_BEFORE labels make it: few
    texts could else be told as well by unsure voices alone, without a mistake."""
    n_voices, n_texts, n_classes = log_probs.shape
    everyone, equal = np.arange(n_texts), 1.0 / n_voices

    def cost(values: Floats) -> tuple[float, Floats]:
        weights, share = values[:-1], values[-1]
        true = mixed(log_probs, weights)
        own = true[everyone, given]
        slope = 1 - share - share / (n_classes - 1)
        seen = slope * own + share / (n_classes - 1)
        # d own / d w_v = own · (ln P_v(given) − Σ_c P(c) ln P_v(c))
        by_weight = own * (log_probs[:, everyone, given] - (true * log_probs).sum(axis=2))  # (V, N)
        by_share = (1 - own) / (n_classes - 1) - own
        gradient = np.append((slope * by_weight / seen).mean(axis=1), (by_share / seen).mean())
        away = np.append((weights - equal) / SPREAD, 0.0)
        right = OF_BEFORE - WRONG_BEFORE
        before = WRONG_BEFORE * np.log(share) + right * np.log1p(-share)
        prior, its_gradient = (float(away @ away) / 2 - float(before)) / n_texts, away / SPREAD / n_texts
        its_gradient[-1] -= (WRONG_BEFORE / share - right / (1 - share)) / n_texts
        return prior - float(np.log(seen).mean()), its_gradient - gradient

    start = np.append(np.full(n_voices, equal), 0.05)
    bounds = [(0.0, 20.0)] * n_voices + [(LEAST_SHARE, min(MOST_SHARE, 0.9 * (n_classes - 1) / n_classes))]
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return found.x[:-1], float(found.x[-1])


def with_witnesses(probabilities: Floats, given: Ints, equal: Ints, share: float) -> Floats:
    """P(true class) (N, C), when the labels of a text's equals are known too, each wrong with `share`; never its own.

    >>> told = with_witnesses(np.full((3, 2), 0.5), np.array([0, 1, 1]), np.array([7, 7, 7]), 0.25)
    >>> told[:, 1].round(6).tolist()
    [0.9, 0.5, 0.5]
    """
    n_classes = probabilities.shape[1]
    group = np.unique(equal, return_inverse=True)[1]
    counts = np.zeros((int(group.max()) + 1, n_classes))
    np.add.at(counts, (group, given), 1)
    votes = counts[group]
    votes[np.arange(len(given)), given] -= 1
    for_it = np.log((1 - share) * (n_classes - 1) / share)
    return softmax(np.log(np.maximum(probabilities, np.finfo(np.float64).tiny)) + votes * for_it)


def chance_of_mistake(probabilities: Floats, given: Ints, share: float) -> Floats:
    """(N,) how likely the label is not the true class, once it is seen: Bayes' rule.

    >>> chance_of_mistake(np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([0, 0]), 0.1).round(3).tolist()
    [0.012, 0.5]
    """
    own = probabilities[np.arange(len(given)), given]
    wrong = share / (probabilities.shape[1] - 1) * (1 - own)
    chance: Floats = wrong / (wrong + (1 - share) * own)
    return chance
