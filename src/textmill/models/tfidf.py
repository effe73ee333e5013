"""Tf-idf with logistic regression: the floor of classifiers. Room: models/ (texts -> probabilities of classes).

What every network that classifies has to beat; a RUN like any other. Loads no torch. Each text is two rows of features
side by side, words and characters (grams.py says what both are): (1 + ln count) · idf, idf = ln((1 + N) / (1 + texts
with it)) + 1, each row of length 1 (Manning, Raghavan & Schütze 2008, section 6.4). On them a multinomial logistic
regression with an L2 penalty, loss · strength + ‖weights‖²/2; of several labels a text, one binary regression a class.
The strength is chosen by cross-validation. The same texts in the same order give the same bits.
Shapes: N texts, F features, C classes, R rows of weights: 1 for two classes, else a row a class.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy import sparse

from textmill.errors import Damaged, InputError
from textmill.files import json_of, misfits_told, sha256_of, write_json
from textmill.models.grams import Kind, Unknown, Vocabulary
from textmill.text.within import groups_of_kin

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

FORMAT = 1
LONGEST = 64  # n-grams that a file may ask for
WORDS, CHARACTERS = (1, 2), (2, 5)
MOST_CHARACTERS = 20_000_000  # of text that is fitted on; of more, whole texts drawn by seed up to there
MOST_FEATURES = 300_000  # of each kind
MOST_WEIGHTS = 6_000_000  # fitting holds about twenty times as many numbers
LEAST_TEXTS = 2  # that have an n-gram before it is a feature
FEW_TEXTS = 500  # below so many, one is enough
STRENGTHS = (1.0, 4.0, 16.0, 64.0, 256.0)
DEFAULT_STRENGTH = 4.0  # where there are too few texts to choose
N_FOLDS = 3
CHOSEN_ON = 1_500_000  # counts (texts times their different n-grams) that strengths are compared on
MOST_ITERATIONS = 500
TOLERANCE, ROUGH_TOLERANCE = 1e-5, 1e-4  # rough: to compare strengths


def folds_of(groups: Ints, first_class: Ints, n_folds: int, seed: int) -> Ints:
    """The fold of each text (N,): those of one group together, each class spread evenly, groups in an order by seed.

    groups, first_class (N,): texts with one number stay together; the class by which a text is spread.

    >>> fold = folds_of(np.array([7, 1, 7, 2]), np.array([0, 0, 0, 0]), 3, seed=0)
    >>> fold[0] == fold[2], sorted(fold[[0, 1, 3]].tolist())
    (np.True_, [0, 1, 2])
    """
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(len(first))
    order = drawn[np.argsort(first_class[first][drawn], kind="stable")]
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % n_folds
    return fold[group]


def least_texts_of(n_texts: int) -> int:
    """How many of so many texts must have an n-gram before it is a feature."""
    return 1 if n_texts < FEW_TEXTS else LEAST_TEXTS


class TextFeatures:
    """Texts -> their rows of features, (N, F); fitted on the training texts."""

    def __init__(self, vocabularies: Sequence[Vocabulary], n_texts: int):
        self.vocabularies, self.n_texts = tuple(vocabularies), n_texts
        self._idf = [np.log((1 + n_texts) / (1 + part.n_texts_with)) + 1 for part in self.vocabularies]

    def __len__(self) -> int:
        return sum(map(len, self.vocabularies))

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        words: tuple[int, int] | None = WORDS,
        characters: tuple[int, int] | None = CHARACTERS,
        most_features: int = MOST_FEATURES,
        least_texts: int | None = None,
    ) -> tuple[TextFeatures, Any]:
        """The features of training texts, and their own rows, csr (N, F).

        most_features: of each kind. least_texts: that have a feature; None: LEAST_TEXTS, of FEW_TEXTS one.
        """
        if least_texts is None:
            least_texts = least_texts_of(len(texts))
        kinds: list[tuple[Kind, tuple[int, int] | None]] = [("words", words), ("characters", characters)]
        fitted = [
            Vocabulary.fit(texts, kind, lengths, least_texts, most_features)
            for kind, lengths in kinds
            if lengths is not None
        ]
        features = cls([vocabulary for vocabulary, _ in fitted], len(texts))
        return features, features._weighted([counts for _, counts in fitted])

    def rows(self, texts: Sequence[str]) -> Any:
        """csr (N, F); a row depends on its text alone."""
        return self.read(texts)[0]

    def read(self, texts: Sequence[str]) -> tuple[Any, dict[Kind, Unknown]]:
        """The rows, and of each kind the n-grams that are no features."""
        found = {vocabulary.kind: vocabulary.read(texts) for vocabulary in self.vocabularies}
        rows = self._weighted([counts for counts, _ in found.values()])
        return rows, {kind: unknown for kind, (_, unknown) in found.items()}

    def _weighted(self, counts: Sequence[Any]) -> Any:
        return sparse.hstack([_of_length_one(part, idf) for part, idf in zip(counts, self._idf, strict=True)], "csr")

    def names(self) -> Iterator[tuple[Kind, str]]:
        """Kind and text of each feature, in the order of the columns."""
        for vocabulary in self.vocabularies:
            for name in vocabulary.names:
                yield vocabulary.kind, name


def _of_length_one(counts: Any, idf: Floats) -> Any:
    values = (1 + np.log(counts.data)) * idf[counts.indices]
    weighted = sparse.csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)
    squares = sparse.csr_matrix((values**2, counts.indices, counts.indptr), shape=counts.shape)
    length = np.sqrt(squares @ np.ones(counts.shape[1]))
    weighted.data /= np.repeat(np.where(length > 0, length, 1.0), np.diff(counts.indptr))
    return weighted


@dataclass(frozen=True)
class Regression:
    """Weights (R, F) and bias (R,) of a logistic regression over `classes`, the numbers of those that occur.

    Two classes: one row, the log-odds of the second.
    """

    weights: Floats
    bias: Floats
    classes: Ints
    converged: bool

    def probabilities(self, rows: Any) -> Floats:
        """(N, len(classes)), each row summing to 1."""
        logits = np.asarray(rows @ self.weights.T) + self.bias
        if len(self.classes) == 2:
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        return softmax(logits)


def softmax(logits: Floats) -> Floats:
    """exp, each row (N, C) divided by its sum."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    divided: Floats = powers / powers.sum(axis=1, keepdims=True)
    return divided


def regression(rows: Any, targets: Ints, strength: float, tolerance: float = TOLERANCE) -> Regression:
    """A logistic regression on rows (N, F) and class numbers (N,), of which at least two occur. tolerance: of the mean
    gradient, where fitting stops.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    model = LogisticRegression(C=strength, solver="lbfgs", tol=tolerance, max_iter=MOST_ITERATIONS)
    # One thread: sums are taken in the same order on any machine.
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(rows, targets)
    converged = not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return Regression(model.coef_, model.intercept_, model.classes_.astype(np.int64), converged)


def with_absent(probabilities: Floats, present: Ints, n_classes: int, n_texts: int) -> Floats:
    """Probabilities of the classes that occur -> of all (N, C): one without a text gets what half a text is worth."""
    share = 0.5 / (n_texts + 1)
    whole = np.full((len(probabilities), n_classes), share)
    whole[:, present] = probabilities * (1 - share * (n_classes - len(present)))
    return whole


class Tfidf:
    """P(class | text) by tf-idf and logistic regression; see the module's docstring.

    >>> model = Tfidf.fit(["good", "very good", "bad", "very bad"], [[1], [1], [0], [0]], ["no", "yes"])
    >>> model.probabilities(["a good one"]).argmax()
    1
    """

    def __init__(
        self,
        features: TextFeatures,
        regressions: Sequence[Regression],
        classes: Sequence[str],
        several: bool,
        shares: Floats,
        facts: dict[str, Any],
    ):
        """regressions: one over all classes, or, of several labels a text, one for each class that some texts have and
        some have not, in order. shares (C,): of the texts that have each class.
        """
        self.features, self.classes, self.several, self.shares = features, tuple(classes), several, shares
        self.facts = facts
        self._regressions = tuple(regressions)

    # from texts

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Sequence[Sequence[int]],
        classes: Sequence[str],
        several: bool = False,
        seed: int = 0,
        words: tuple[int, int] | None = WORDS,
        characters: tuple[int, int] | None = CHARACTERS,
        strength: float | None = None,
        most_characters: int = MOST_CHARACTERS,
    ) -> Tfidf:
        """Fit on texts and the numbers of their classes, one each unless `several`.

        words, characters: lengths of the n-grams, from … to; None: none of this kind. strength: None chooses it.
        Raises InputError where no text has a word, a class number is out of range, or there is nothing to tell apart.
        """
        table = label_table(labels, len(texts), classes, several)
        if words is None and characters is None:
            raise InputError("a tf-idf model needs n-grams of words or of characters, there are neither")
        if not any(text.strip() for text in texts):
            raise InputError(f"all {len(texts):,} texts are empty: there is nothing to learn from")
        drawn = _drawn(texts, most_characters, seed)
        kept = [texts[number] for number in drawn]
        table = table[drawn]
        n_texts = len(kept)
        n_with = table.sum(axis=0)
        told_apart = np.flatnonzero((n_with > 0) & (n_with < n_texts))
        if not len(told_apart):
            raise InputError(
                f"all {n_texts:,} texts have the same label{' set' if several else ''}"
                f"{_named(classes, np.flatnonzero(n_with))}: there is nothing to tell apart"
            )

        most_features = min(MOST_FEATURES, max(1, MOST_WEIGHTS // len(classes)))
        features, rows = TextFeatures.fit(kept, words, characters, most_features)
        targets = [table[:, number].astype(np.int64) for number in told_apart] if several else [table.argmax(axis=1)]
        if strength is None:
            strength, losses = choose_strength(rows, targets, groups_of_kin(kept), seed)
        else:
            losses = {}
        fitted = [regression(rows, target, strength) for target in targets]
        facts = {
            "n_texts": n_texts,
            "n_texts_given": len(texts),
            "least_texts": least_texts_of(n_texts),
            "most_features": most_features,
            "strength": strength,
            "held_out_nats": {f"{value:g}": loss for value, loss in losses.items()},
            "converged": all(one.converged for one in fitted),
            "seed": seed,
        }
        return cls(features, fitted, classes, several, n_with / n_texts, facts)

    # what it is for

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """(N, C), one label a text: each row sums to 1; several: each by itself. A row depends on its text alone."""
        return self.of_rows(self.features.rows(texts))

    def of_rows(self, rows: Any) -> Floats:
        """The same, of the rows of texts."""
        n_texts = self.facts["n_texts"]
        if not self.several:
            only = self._regressions[0]
            return with_absent(only.probabilities(rows), only.classes, len(self.classes), n_texts)
        # A class that all texts have, or none, is as sure as their number makes it.
        whole = np.tile((self.shares * n_texts + 0.5) / (n_texts + 1), (rows.shape[0], 1))
        for number, one in zip(self._told_apart, self._regressions, strict=True):
            whole[:, number] = one.probabilities(rows)[:, 1]
        return whole

    @property
    def _told_apart(self) -> Ints:
        return np.flatnonzero((self.shares > 0) & (self.shares < 1))

    def top_words(self, class_name: str, n: int = 10) -> list[tuple[str, float]]:
        """The features that speak most for a class, with their weights in nats of log-odds, the strongest first.

        Words where the model has them, else characters. Raises InputError for a class that is none of its own.
        """
        if class_name not in self.classes:
            raise InputError(f"no class '{class_name}' (there are: {', '.join(self.classes)})")
        weights = self._weights_for(self.classes.index(class_name))
        first = self.features.vocabularies[0]
        weights = weights[: len(first)]
        order = np.lexsort((np.arange(len(weights)), -weights))[:n]
        return [(first.names[place], float(weights[place])) for place in order.tolist() if weights[place] > 0]

    def _weights_for(self, number: int) -> Floats:
        if self.several:
            places = np.flatnonzero(self._told_apart == number)
            own: Floats = self._regressions[places[0]].weights[0] if len(places) else np.zeros(len(self.features))
            return own
        only = self._regressions[0]
        place = np.flatnonzero(only.classes == number)
        if not len(place):
            return np.zeros(len(self.features))
        if len(only.classes) == 2:
            towards: Floats = only.weights[0] if place[0] == 1 else -only.weights[0]
            return towards
        weights: Floats = only.weights[place[0]]
        return weights

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return sum(one.weights.size + one.bias.size for one in self._regressions)

    def describe(self) -> dict[str, Any]:
        """What a report should say of it."""
        return {
            "model": "tf-idf with logistic regression",
            "several": self.several,
            "n_classes": len(self.classes),
            "classes_without_texts": [name for name, share in zip(self.classes, self.shares, strict=True) if not share],
            "ngrams": {part.kind: list(part.lengths) for part in self.features.vocabularies},
            "n_features": {part.kind: len(part) for part in self.features.vocabularies},
            **self.facts,
        }

    # a folder that lasts

    def save(self, folder: Path) -> None:
        """tfidf.safetensors (features, weights) and tfidf.json (classes and all else)."""
        arrays: dict[str, npt.NDArray[Any]] = {"shares": self.shares}
        for part in self.features.vocabularies:
            names = [name.encode("utf-8", "surrogatepass") for name in part.names]
            arrays[f"{part.kind}.hashes"] = part.hashes
            arrays[f"{part.kind}.n_texts_with"] = part.n_texts_with
            arrays[f"{part.kind}.names"] = np.frombuffer(b"".join(names), dtype=np.uint8)
            arrays[f"{part.kind}.name_ends"] = np.cumsum([len(name) for name in names], dtype=np.int64)
        for number, one in enumerate(self._regressions):
            arrays[f"{number}.weights"] = one.weights
            arrays[f"{number}.bias"] = one.bias
            arrays[f"{number}.classes"] = one.classes
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "tfidf.safetensors"
        # As they lie in memory is how they are written, and scikit-learn lays weights column by column.
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
        about = {
            "format": FORMAT,
            "kind": "tfidf",
            "classes": list(self.classes),
            "several": self.several,
            "ngrams": {part.kind: list(part.lengths) for part in self.features.vocabularies},
            "n_regressions": len(self._regressions),
            "facts": self.facts,
            "sha256": sha256_of(path),
        }
        write_json(folder / "tfidf.json", about)

    @classmethod
    def load(cls, folder: Path) -> Tfidf:
        """The inverse of save. Raises Damaged where a file is missing or is not what was written."""
        path, described = folder / "tfidf.safetensors", folder / "tfidf.json"
        for file in (path, described):
            if not file.is_file():
                raise Damaged("the file of a tf-idf model is missing", where=str(file))
        with misfits_told(described, "it does not describe a tf-idf model"):
            about = json_of(described.read_bytes())
            if about["kind"] != "tfidf" or about["format"] != FORMAT:
                raise ValueError(f"kind {about['kind']!r}, format {about['format']!r}; this reads 'tfidf', {FORMAT}")
            sha256, facts = str(about["sha256"]), dict(about["facts"])
            if not isinstance(about["several"], bool) or not isinstance(facts["n_texts"], int):
                raise ValueError(f"several is {about['several']!r}, n_texts {facts['n_texts']!r}")
        if sha256_of(path) != sha256:
            raise Damaged("the file does not hold what tfidf.json says (sha256)", where=str(path))
        try:
            arrays = load_file(path)
        except (OSError, SafetensorError) as error:
            raise Damaged(f"not a whole safetensors file ({error})", where=str(path)) from error
        with misfits_told(folder, "tfidf.safetensors and tfidf.json do not fit"):
            parts = [
                _vocabulary(arrays, kind, (int(lengths[0]), int(lengths[1])))
                for kind, lengths in about["ngrams"].items()
            ]
            if not parts or any((part.n_texts_with > facts["n_texts"]).any() for part in parts):
                raise ValueError(f"no n-grams, or of more than {facts['n_texts']:,} texts")
            features = TextFeatures(parts, facts["n_texts"])
            fitted = [
                Regression(arrays[f"{n}.weights"], arrays[f"{n}.bias"], arrays[f"{n}.classes"], facts["converged"])
                for n in range(about["n_regressions"])
            ]
            model = cls(features, fitted, about["classes"], about["several"], arrays["shares"], facts)
            model._refuse_misfits()
        return model

    def _refuse_misfits(self) -> None:
        """Raises ValueError where the parts differ in numbers of features or classes, or hold what no fit gives."""
        if not all(isinstance(name, str) for name in self.classes) or len(set(self.classes)) != len(self.classes):
            raise ValueError(f"these are no classes: {self.classes!r:.200}")
        if not ((self.shares >= 0) & (self.shares <= 1)).all():
            raise ValueError("a share of texts that is not 0 to 1")
        if len(self.shares) != len(self.classes):
            raise ValueError(f"{len(self.shares)} shares, {len(self.classes)} classes")
        expected = len(self._told_apart) if self.several else 1
        if len(self._regressions) != expected:
            raise ValueError(f"{len(self._regressions)} regressions, expected {expected}")
        for one in self._regressions:
            n_rows = 1 if len(one.classes) == 2 else len(one.classes)
            if one.weights.shape != (n_rows, len(self.features)) or one.bias.shape != (n_rows,):
                raise ValueError(f"weights of {one.weights.shape} for {len(self.features)} features")
            if not (np.isfinite(one.weights).all() and np.isfinite(one.bias).all()):
                raise ValueError("a weight that is no number")
            most = 2 if self.several else len(self.classes)
            if not np.isin(one.classes, np.arange(most)).all():
                raise ValueError(f"a class number that is not 0 to {most - 1}")


def _vocabulary(arrays: dict[str, npt.NDArray[Any]], kind: Kind, lengths: tuple[int, int]) -> Vocabulary:
    if kind not in get_args(Kind) or not 1 <= lengths[0] <= lengths[1] <= LONGEST:
        raise ValueError(f"n-grams of {kind!r}, {lengths[0]} to {lengths[1]} long")
    blob = arrays[f"{kind}.names"].tobytes()
    ends = arrays[f"{kind}.name_ends"].tolist()
    names = [blob[start:end].decode("utf-8", "surrogatepass") for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    hashes, n_texts_with = arrays[f"{kind}.hashes"], arrays[f"{kind}.n_texts_with"]
    if not len(names) == len(hashes) == len(n_texts_with):
        raise ValueError(f"{len(names)} names, {len(hashes)} hashes, {len(n_texts_with)} counts of {kind}")
    if hashes.dtype != np.uint64 or n_texts_with.dtype != np.int64 or (hashes[1:] <= hashes[:-1]).any():
        raise ValueError(f"hashes of {kind} that are in no order, or of another type")
    if (n_texts_with < 1).any():
        raise ValueError(f"{kind} of no text")
    return Vocabulary(kind, lengths, hashes, n_texts_with, names)


def label_table(
    labels: Sequence[Sequence[int]], n_texts: int, classes: Sequence[str], several: bool
) -> npt.NDArray[np.bool_]:
    """Which text has which class (N, C). Raises InputError for numbers out of range, and for a text that has not one.

    several: a text may have any number of classes, none too.
    """
    if len(labels) != n_texts:
        raise InputError(f"{n_texts:,} texts and {len(labels):,} labels: each text needs its own")
    if not n_texts:
        raise InputError("there is no text to learn classes from")
    table = np.zeros((n_texts, len(classes)), dtype=bool)
    for number, own in enumerate(labels):
        if not several and len(own) != 1:
            raise InputError(f"text {number} has {len(own)} labels, each text must have one")
        for label in own:
            if not 0 <= label < len(classes):
                raise InputError(f"text {number} has class number {label}: there are {len(classes)}, counted from 0")
            table[number, label] = True
    return table


def _drawn(texts: Sequence[str], most_characters: int, seed: int) -> Ints:
    """The numbers of the texts to fit on, in order: all, or a seeded draw of whole ones up to most_characters."""
    sizes = np.array([len(text) for text in texts], dtype=np.int64)
    if int(sizes.sum()) <= most_characters:
        return np.arange(len(texts))
    order = np.random.default_rng(seed).permutation(len(texts))
    n_drawn = int(np.searchsorted(np.cumsum(sizes[order]), most_characters, side="right"))
    return np.sort(order[: max(1, n_drawn)])


def _named(classes: Sequence[str], numbers: Ints) -> str:
    return f" ({', '.join(repr(classes[number]) for number in numbers.tolist())})" if len(numbers) else ""


def choose_strength(
    rows: Any, targets: Sequence[Ints], groups: Ints, seed: int, strengths: Sequence[float] = STRENGTHS
) -> tuple[float, dict[float, float]]:
    """The strength with the least loss on held-out folds, and the loss of each, nats a text (and a class, of several).

    rows (N, F); targets: class numbers (N,), one array or, of several labels a text, one for each class; groups (N,):
    texts with one number are held out together. On at most CHOSEN_ON counts, of more, whole groups drawn by seed: how
    much a text repeats others must stay as it is. Where a class has fewer groups than there are folds:
    DEFAULT_STRENGTH, and no loss.
    """
    drawn = np.arange(rows.shape[0])
    if rows.nnz > CHOSEN_ON:
        _, group = np.unique(groups, return_inverse=True)
        order = np.random.default_rng(seed).permutation(group.max() + 1)
        n_counts = np.cumsum(np.bincount(group, weights=np.diff(rows.indptr))[order])
        drawn = np.flatnonzero(np.isin(group, order[: max(1, int(np.searchsorted(n_counts, CHOSEN_ON)))]))
        rows, targets, groups = rows[drawn], [target[drawn] for target in targets], groups[drawn]
    combined = np.unique(np.stack(targets, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    folds = folds_of(groups, combined, N_FOLDS, seed)
    for target in targets:
        n_groups = sorted(len(np.unique(groups[target == number])) for number in np.unique(target))
        if len(n_groups) < 2 or n_groups[-2] < N_FOLDS:
            return DEFAULT_STRENGTH, {}
    totals = np.zeros(len(strengths))
    for target in targets:
        n_classes = int(target.max()) + 1
        for fold in range(N_FOLDS):
            inside, outside = folds != fold, folds == fold
            if len(np.unique(target[inside])) < 2:
                return DEFAULT_STRENGTH, {}
            for place, strength in enumerate(strengths):
                one = regression(rows[inside], target[inside], strength, tolerance=ROUGH_TOLERANCE)
                found = with_absent(one.probabilities(rows[outside]), one.classes, n_classes, int(inside.sum()))
                totals[place] -= np.log(found[np.arange(len(found)), target[outside]]).sum()
    losses = totals / (rows.shape[0] * len(targets))
    return float(strengths[int(losses.argmin())]), dict(zip(map(float, strengths), map(float, losses), strict=True))
