"""BLEU and chrF of translations, with their signatures and bootstrap intervals, by sacreBLEU. Room: metrics/.

Texts of languages without blanks between words are cut as sacreBLEU does for them; the signature says how. A corpus
score is of summed counts, so an empty translation counts and lines never move up.
Post 2018, 1804.08771; Papineni et al. 2002; Popović 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textmill.errors import InputError, NothingScored

TOKENIZERS = {"zh": "zh", "ja": "char", "th": "char", "lo": "char", "km": "char", "my": "char"}
"""Language of the target -> sacreBLEU's tokenizer that needs no further package; others: 13a, at blanks and marks."""


@dataclass(frozen=True)
class CorpusScore:
    """A score of 0 to 100, how it was taken, and (low, high) of it; no interval below two lines."""

    value: float
    signature: str
    interval: tuple[float, float] | None


def translation_scores(
    translations: Sequence[str],
    references: Sequence[str],
    language: str,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, CorpusScore]:
    """bleu and chrf of translations against one reference each. language: of both, as "zh" or "en".

    Raises InputError where the line counts differ, NothingScored over no line.
    """
    if len(translations) != len(references):
        raise InputError(
            f"{len(translations)} translations and {len(references)} references: each line has one of both",
            hint="An empty line is translated by an empty line, so that line numbers stay.",
        )
    if not translations:
        raise NothingScored("no line was translated: there is nothing to score")
    measures = _measures(TOKENIZERS.get(language.partition("-")[0].lower(), "13a"))
    drawn = np.random.default_rng(seed).integers(len(translations), size=(resamples, len(translations)))
    scores = {}
    for name, measure in measures.items():
        value = min(100.0, measure.corpus_score(list(translations), [list(references)]).score)  # 100.00000000000004
        scores[name] = CorpusScore(value, str(measure.get_signature()), None)
        if len(translations) > 1:
            # The counts of each line once, and their sums over each draw: sacreBLEU's own, as in its bootstrap.
            counts = np.array(measure._extract_corpus_statistics(list(translations), [list(references)]))
            values = [measure._compute_score_from_stats(counts[rows].sum(axis=0).tolist()).score for rows in drawn]
            tail = (1 - confidence) / 2
            low, high = np.quantile(np.minimum(values, 100.0), [tail, 1 - tail])
            scores[name] = CorpusScore(value, scores[name].signature, (float(low), float(high)))
    return scores


def _measures(tokenizer: str) -> dict[str, Any]:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return {"bleu": BLEU(tokenize=tokenizer), "chrf": CHRF()}
