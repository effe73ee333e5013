"""Whether a text looks like those that a classifier was trained on. Room: models/ (texts -> flags).

What it goes by is the vocabulary of the floor (grams.py): the share of a text's n-grams, of words and of characters,
that are none of it. A share of few n-grams scatters more, so it is measured in its own deviations,

    z = (share − mean) / √(between + within / n),        n: the n-grams of the text

fitted on held-out texts, and divided by the z that TAIL of these exceed; a text's score is the larger of the two. A
text in a language that training has not, or without one known n-gram, scores ∞. The threshold is the score that at most
RATE of texts like the held-out ones exceed (split conformal: Vovk et al. 2005), so one text in a hundred is flagged for
nothing, all flags together.
Shapes: N texts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field

from textmill.files import dataclass_of, json_of, misfits_told, write_json
from textmill.models.grams import Kind, Unknown
from textmill.results import Flag
from textmill.text.document_language import LanguageCount, language_of

if TYPE_CHECKING:
    from textmill.models.tfidf import TextFeatures

Floats = npt.NDArray[np.float64]
Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

FILE = "domain.json"
FORMAT = 1
RATE = 0.01
"""Of texts like the held-out ones that may be flagged for nothing."""
TAIL = RATE / 2
"""Of held-out texts have a larger z of a kind than the one that counts 1: so neither kind is louder than the other."""
LEAST_TEXTS = 20
"""Held-out texts below which no threshold is set."""
LEAST_SHARE = 0.001
"""Of the training texts that a language has if it is known; less is chance, and would hide what is unlike them."""


@dataclass(frozen=True)
class Spread:
    """How the share of unknown n-grams scatters over held-out texts: by the text, and by how few n-grams it has."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    mean: Finite
    between: NotNegative
    within: NotNegative
    high: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """The z that counts 1."""

    @classmethod
    def fit(cls, shares: Floats, n_grams: Floats) -> Spread:
        """Non-negative least squares of the squared deviations on 1 and 1/n, texts weighing as their √n."""
        from scipy.optimize import nnls

        mean = float(shares.mean())
        weights = np.sqrt(n_grams)
        columns = np.column_stack([np.ones_like(shares), 1 / n_grams]) * weights[:, None]
        (between, within), _ = nnls(columns, (shares - mean) ** 2 * weights)
        plain = cls(mean, float(between), float(within))
        high = float(np.quantile(plain.deviations(shares, n_grams), 1 - TAIL))
        return replace(plain, high=high) if 0 < high < math.inf else plain

    def deviations(self, shares: Floats, n_grams: Floats) -> Floats:
        """z of each text, in units of `high`. Where held-out texts do not scatter at all, a share above theirs is ∞."""
        deviation = self.high * np.sqrt(self.between + self.within / n_grams)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.nan_to_num((shares - self.mean) / deviation, nan=0.0, posinf=math.inf, neginf=-math.inf)


@dataclass(frozen=True)
class Domain:
    """languages: those of the training texts. spreads: of each kind of n-grams. A text whose score is above `threshold`
    is flagged; so is `rate` of texts like the n_texts held-out ones."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    languages: tuple[str, ...]
    spreads: dict[Kind, Spread]
    threshold: float
    rate: Annotated[float, Field(ge=0, le=1)]
    n_texts: Annotated[int, Field(ge=0)]

    @classmethod
    def fit(cls, features: TextFeatures, training: Sequence[str], held_out: Sequence[str]) -> Domain | None:
        """From the texts that the features were fitted on and others of their kind; None where these are too few to
        set a threshold by."""
        held_out = [text for text in held_out if text.strip()]
        if len(held_out) < LEAST_TEXTS:
            return None
        _, unknown = features.read(held_out)
        is_read = np.min([n_grams for _, n_grams in unknown.values()], axis=0) > 0
        if is_read.sum() < LEAST_TEXTS:
            return None
        spreads = {
            kind: Spread.fit((n_unknown / np.maximum(n_grams, 1))[is_read], n_grams[is_read])
            for kind, (n_unknown, n_grams) in unknown.items()
        }
        plain = cls(known_languages(training), spreads, math.inf, RATE, len(held_out))
        strange, unseen = plain._scores(unknown)
        foreign = np.array([language_of(text) not in plain.languages for text in held_out])
        scores = np.sort(np.where(foreign | unseen, math.inf, strange))
        n = len(scores)
        threshold = scores[min(n, math.ceil((n + 1) * (1 - RATE))) - 1]
        if not math.isfinite(threshold):  # more of them than RATE are in another language: these are flagged anyway
            finite = scores[np.isfinite(scores)]
            if not len(finite):
                return None
            threshold = finite[-1]
        rate = float(((scores > threshold).sum() + 1) / (n + 1))
        return cls(plain.languages, spreads, float(threshold), rate, n)

    def flags(self, texts: Sequence[str], unknown: Mapping[Kind, Unknown]) -> list[list[Flag]]:
        """Of each text; [] for one that looks like those of training. unknown: as the features read the texts."""
        scores, unseen = self._scores(unknown)
        found: list[list[Flag]] = []
        for text, score, is_unseen in zip(texts, scores, unseen, strict=True):
            own: list[Flag] = [] if language_of(text) in self.languages else ["language"]
            if is_unseen:
                own.append("unseen")
            elif score > self.threshold:
                own.append("domain")
            found.append(own)
        return found

    def _scores(self, unknown: Mapping[Kind, Unknown]) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The larger z of each text, and whether none of its n-grams is known."""
        scores, unseen = [], []
        for kind, (n_unknown, n_grams) in unknown.items():
            n = np.maximum(n_grams, 1).astype(np.float64)
            scores.append(self.spreads[kind].deviations(n_unknown / n, n))
            unseen.append(n_unknown == n_grams)
        return np.max(scores, axis=0), np.all(unseen, axis=0)

    # a file that lasts

    def save(self, folder: Path) -> None:
        """domain.json, beside the vocabulary that it goes by."""
        write_json(folder / FILE, {"format": FORMAT} | asdict(self))

    @classmethod
    def load(cls, folder: Path, features: TextFeatures) -> Domain | None:
        """None where the folder has none: it was written before there were any, or too few texts were held out.

        features: by which texts will be read. Raises Damaged, also where it was fitted on others.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        with misfits_told(path, "it does not describe a domain"):
            about = json_of(path.read_bytes())
            if about.pop("format") != FORMAT:
                raise ValueError(f"this reads format {FORMAT}")
            found = dataclass_of(cls, about)
            if not math.isfinite(found.threshold):
                raise ValueError(f"its threshold is {found.threshold}")
            kinds = {vocabulary.kind for vocabulary in features.vocabularies}
            if set(found.spreads) != kinds:
                raise ValueError(f"it goes by {sorted(found.spreads)}, the texts are read by {sorted(kinds)}")
            return found


def known_languages(texts: Sequence[str]) -> tuple[str, ...]:
    """The languages that at least LEAST_SHARE of the texts have, the most frequent first."""
    count = LanguageCount()
    for text in texts:
        count.add(text)
    return tuple(name for name, share in count.shares().items() if share >= LEAST_SHARE)
