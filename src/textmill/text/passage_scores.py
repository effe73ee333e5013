"""Terms of passages -> BM25 scores of bm25s, and the passages that score best. Room: text/. Used by passage_index.

bm25s scores every term of every passage beforehand, so that a question adds up some columns. Its own way to these
scores goes through Python for each passage; `Scorer` goes through arrays, to the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textmill.text.search_terms import missing

if TYPE_CHECKING:
    import bm25s

AT_ONCE = 4096
"""Passages whose terms are counted at once: bounds memory."""


def scorer() -> type[bm25s.BM25]:
    """The class of what scores. Raises MissingExtra without bm25s."""
    try:
        import bm25s
    except ImportError:
        raise missing("bm25s") from None

    class Scorer(bm25s.BM25):  # type: ignore[misc]
        """BM25 as Lucene counts it: k1 1.5, b 0.75."""

        def __init__(self, **said: Any):
            super().__init__(**{"method": "lucene", "backend": "numpy", "csc_backend": "numpy"} | said)

        def build_index_from_ids(
            self, unique_token_ids: Any, corpus_token_ids: Any, show_progress: bool = True, leave_progress: bool = False
        ) -> dict[str, Any]:
            """The hook that bm25s leaves for another way to build. corpus_token_ids: the terms of all passages in a
            row, and where those of each begin and the last ones end."""
            terms, at = corpus_token_ids
            lengths = np.diff(at)
            passages, columns, counts = _counted(terms, at, len(unique_token_ids))
            idf_of = bm25s.scoring._select_idf_scorer(self.idf_method)
            n_with, which = np.unique(np.bincount(columns, minlength=len(unique_token_ids)), return_inverse=True)
            idf = np.array([idf_of(int(n), N=len(lengths)) if n else 0.0 for n in n_with], dtype=self.dtype)[which]
            tf = bm25s.scoring._select_tfc_scorer(self.method)(
                tf_array=counts.astype(self.dtype), l_d=lengths[passages], l_avg=lengths.mean(), k1=self.k1, b=self.b,
                delta=self.delta,
            )  # fmt: skip
            scores = (idf[columns] * tf).astype(self.dtype)
            self.nonoccurrence_array = None
            data, indices, indptr = self._np_csc(scores, passages, columns, (len(lengths), len(unique_token_ids)))
            return {"data": data, "indices": indices, "indptr": indptr, "num_docs": len(lengths)}

    return Scorer


def _counted(terms: NDArray[np.uint32], at: NDArray[np.int64], n_terms: int) -> tuple[NDArray[Any], ...]:
    """Each passage with each of its terms, and how often it has it: (passages, terms, counts)."""
    passages, columns, counts = [], [], []
    for first in range(0, len(at) - 1, AT_ONCE):
        some = at[first : first + AT_ONCE + 1]
        rows = np.repeat(np.arange(len(some) - 1, dtype=np.int64), np.diff(some))
        keys, n = np.unique(rows * n_terms + terms[some[0] : some[-1]], return_counts=True)
        passages.append((keys // n_terms + first).astype(np.int32))
        columns.append((keys % n_terms).astype(np.int32))
        counts.append(n)
    return np.concatenate(passages), np.concatenate(columns), np.concatenate(counts)


def built(terms: NDArray[np.uint32], at: NDArray[np.int64], words: Sequence[str], folder: Path) -> None:
    """Store the scores of passages in a folder. terms: numbers of words, of all passages in a row; at: where those of
    each passage begin, and the last ones end. words: at least one."""
    bm25 = scorer()()
    vocabulary = {word: number for number, word in enumerate(words)}
    bm25.scores = bm25.build_index_from_ids(list(vocabulary.values()), (terms, at))
    bm25.vocab_dict = vocabulary
    bm25.save(folder, allow_pickle=False)


def loaded(folder: Path) -> bm25s.BM25:
    """What `built` stored, left on the disk until it is asked for."""
    return scorer().load(folder, mmap=True, allow_pickle=False)


def best(bm25: bm25s.BM25, terms: Sequence[str], k: int) -> list[tuple[int, float]]:
    """(passage, score above 0) of the k best, the best first, of equals the first."""
    known = bm25.get_tokens_ids(terms)
    if not known or k < 1:
        return []
    scores = bm25.get_scores_from_ids(known)
    least = np.partition(scores, len(scores) - k)[len(scores) - k] if k < len(scores) else 0.0
    found = np.flatnonzero((scores >= least) & (scores > 0))
    order = found[np.lexsort((found, -scores[found]))][:k]
    return [(int(number), float(scores[number])) for number in order]
