"""BLEU and chrF of translations, with their signatures and bootstrap intervals, by sacreBLEU. Room: metrics/.

Texts of languages without blanks between words are cut as sacreBLEU does for them; the signature says how. A corpus
score is of summed counts, so an empty translation counts and lines never move up. A line's references are one text, or
several as a tuple; the signature then says nrefs:var.
Post 2018, 1804.08771; Papineni et al. 2002; Popović 2015; Koehn 2004 for the paired differences.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from textmill.errors import InputError, NothingScored
from textmill.metrics.bootstrap import Difference

TOKENIZERS = {"zh": "zh", "ja": "char", "th": "char", "lo": "char", "km": "char", "my": "char"}
"""Language of the target -> sacreBLEU's tokenizer that needs no further package; others: 13a, at blanks and marks."""
BACK = "_back"
"""What the name of a score ends in that is of the second direction of a model of both."""
TITLES = {"bleu": "BLEU", "chrf": "chrF", "bleu_back": "BLEU back", "chrf_back": "chrF back"}
UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
"""The letters of scripts that put no blanks between words, as a class of characters."""

References = Sequence[str | tuple[str, ...]]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CorpusScore:
    """A score of 0 to 100, how it was taken, and (low, high) of it; no interval below two lines."""

    value: float
    signature: str
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class SelfTest:
    """What a score says where it is known."""

    identical: float
    """The references beside themselves: 100, or the score is no score of these texts."""
    shuffled: float
    """Beside each other's, moved on by half of them: near 0, but where lines repeat."""


def translation_scores(
    translations: Sequence[str],
    references: References,
    language: str,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, CorpusScore]:
    """bleu and chrf of translations against the references of each. language: of both, as "zh" or "en".

    Raises InputError where the line counts differ, NothingScored over no line.
    """
    refuse_other_counts(translations, references)
    scores = {}
    for name, measure in _measures(language).items():
        counts = _counts(measure, translations, references)
        value = _value(measure, counts.sum(axis=0))
        values = _resampled(measure, counts, resamples, seed)
        scores[name] = CorpusScore(value, str(measure.get_signature()), _middle(values, len(counts), confidence))
    return scores


def score_differences(
    ours: Sequence[str],
    theirs: Sequence[str],
    references: References,
    language: str,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Difference]:
    """bleu and chrf of ours minus those of theirs, the same lines drawn for both. Raises as translation_scores."""
    refuse_other_counts(ours, references)
    refuse_other_counts(theirs, references)
    found = {}
    for name, measure in _measures(language).items():
        one, other = (_counts(measure, texts, references) for texts in (ours, theirs))
        value = _value(measure, one.sum(axis=0)) - _value(measure, other.sum(axis=0))
        values = _resampled(measure, one, resamples, seed) - _resampled(measure, other, resamples, seed)
        found[name] = Difference(value, _middle(values, len(one), confidence))
    return found


def self_test(references: References, language: str) -> dict[str, SelfTest]:
    """What bleu and chrf say of these references beside themselves and beside each other's. Raises NothingScored."""
    refuse_other_counts(references, references)
    firsts, half = [own[0] for own in each_of(references)], len(references) // 2
    found = {}
    for name, measure in _measures(language).items():
        identical, shuffled = (
            _value(measure, _counts(measure, texts, references).sum(axis=0))
            for texts in (firsts, [*firsts[half:], *firsts[:half]])
        )
        found[name] = SelfTest(identical, shuffled)
    return found


def cut_wrongly(texts: Sequence[str], language: str) -> bool:
    """Whether BLEU for the language cuts at blanks, and most letters of the texts are of scripts without them: a
    sentence would be one word, and its score 0 or 100."""
    letters = sum(character.isalpha() for text in texts for character in text)
    unspaced = sum(len(re.findall(f"[{UNSPACED}]", text)) for text in texts)
    return _tokenizer(language) == "13a" and 2 * unspaced > letters


def each_of(references: References) -> list[tuple[str, ...]]:
    """Of each line all references, as a tuple where there is one too."""
    return [(own,) if isinstance(own, str) else own for own in references]


def references_of(pairs: Iterable[tuple[int, str]]) -> list[tuple[str, ...]]:
    """Of each sentence all references, from (its number, a reference), numbers counted up from 0."""
    found: dict[int, dict[str, None]] = {}
    for number, reference in pairs:
        found.setdefault(number, {})[reference] = None
    return [tuple(found[number]) for number in sorted(found)]


def refuse_other_counts(translations: Sequence[Any], references: References) -> None:
    """Raises InputError where the line counts differ, NothingScored over no line."""
    if len(translations) != len(references):
        raise InputError(
            f"{len(translations)} translations and {len(references)} references: each line has one of both",
            hint="An empty line is translated by an empty line, so that line numbers stay.",
        )
    if not translations:
        raise NothingScored("no line was translated: there is nothing to score")


def _tokenizer(language: str) -> str:
    return TOKENIZERS.get(language.partition("-")[0].lower(), "13a")


def _measures(language: str) -> dict[str, Any]:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return {"bleu": BLEU(tokenize=_tokenizer(language)), "chrf": CHRF()}


def _counts(measure: Any, translations: Sequence[str], references: References) -> Ints:
    """What sacreBLEU counts in each line (N, C): its own, as in its bootstrap."""
    streams = [list(stream) for stream in zip_longest(*each_of(references))]
    return np.array(measure._extract_corpus_statistics(list(translations), streams), dtype=np.int64)


def _value(measure: Any, counts: Ints) -> float:
    """The score of summed counts (C,)."""
    return min(100.0, float(measure._compute_score_from_stats(counts.tolist()).score))  # 100.00000000000004


def _resampled(measure: Any, counts: Ints, resamples: int, seed: int) -> Floats:
    """The score of each draw of as many lines as there are: the same draws for the same number of lines."""
    drawn = np.random.default_rng(seed).integers(len(counts), size=(resamples, len(counts)))
    return np.array([_value(measure, counts[rows].sum(axis=0)) for rows in drawn])


def _middle(values: Floats, n_lines: int, confidence: float) -> tuple[float, float] | None:
    if n_lines < 2:
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
