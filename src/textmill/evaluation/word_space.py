"""Words as points: which are near each other, and what is to one word as another is to a third. Room: evaluation/.

Pure arithmetic on a table of vectors, wherever they come from: own_vectors.py gives those of a run, hub/vector_files.py
those of a file. Used by the verb `vectors`. Shapes: N words, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textmill.errors import InputError, nearest
from textmill.metrics.bootstrap import middle, resampled_sums
from textmill.results import AnalogyScore, WordNear

Vector = NDArray[np.float32]
Formula = Literal["add", "mul"]
EPSILON = 1e-3
"""Of 3CosMul: no division by nothing. Levy & Goldberg 2014, equation 4."""
AT_ONCE = 256
"""Analogies that are answered together."""
N_SHOWN = 5
RESAMPLES = 1000


@dataclass(frozen=True)
class Composed:
    """The vector of a word, and the pieces it was made of; none where the word is one of the space."""

    vector: Vector
    pieces: list[str] = field(default_factory=list)


class WordSpace:
    """N words with a vector each.

    composes: gives a vector to a word that is none of them, or None where that cannot be done.
    Raises InputError for no words.
    """

    def __init__(
        self,
        words: Sequence[str],
        vectors: Any,
        composes: Callable[[str], Composed | None] = lambda word: None,
        where: str = "",
    ):
        if not len(words):
            raise InputError("there is no word in it", where=where or None)
        self.words, self.vectors = list(words), np.asarray(vectors, dtype=np.float32)
        assert self.vectors.shape[:1] == (len(self.words),), "a word has one vector"
        self.place_of = {word: place for place, word in reversed(list(enumerate(self.words)))}
        self.composes, self.where = composes, where

    @property
    def width(self) -> int:
        return int(self.vectors.shape[1])

    @cached_property
    def directions(self) -> Vector:
        """(N, D) vectors of length 1; of one that is all zeros, zeros."""
        return unit(self.vectors)

    def composed(self, word: str) -> Composed:
        """The vector of a word. Raises InputError for one that is not there, with the nearest spelled."""
        if word in self.place_of:
            return Composed(self.vectors[self.place_of[word]])
        found = self.composes(word)
        if found is None:
            raise InputError(
                f"there is no word {word!r} among its {len(self.words):,}",
                where=self.where or None,
                hint=self.hint_for(word),
            )
        return found

    def hint_for(self, word: str) -> str:
        """What may be meant instead of a word that is not there."""
        cased = next(
            (other for other in (word.lower(), word.capitalize(), word.upper()) if other in self.place_of), None
        )
        near = cased or nearest(word, self.words, likeness=0.5)
        return f"did you mean {near!r}?" if near is not None else "Words of it are: " + ", ".join(self.words[:N_SHOWN])

    def near(self, vector: Any, n: int, without: Iterable[str] = ()) -> list[WordNear]:
        """The n words whose vectors point most nearly where this one does, by cosine. without: words left out."""
        return self._best(self.directions @ unit(vector), n, without)

    def analogy(self, a: str, b: str, c: str, n: int, by: Formula) -> list[WordNear]:
        """What is to c as b is to a: the n best words, those three left out.

        add: 3CosAdd, the cosine to b̂ − â + ĉ (Mikolov et al. 2013, 1301.3781). mul: 3CosMul, cos(x, b) cos(x, c) /
        (cos(x, a) + ε), each cosine moved to [0, 1] (Levy & Goldberg 2014).
        Raises InputError for a word that is not there.
        """
        to_a, to_b, to_c = (unit(self.composed(word).vector)[None] for word in (a, b, c))
        return self._best(self._scores(to_a, to_b, to_c, by)[0], n, (a, b, c))

    def _scores(self, a: Vector, b: Vector, c: Vector, by: Formula) -> Vector:
        """(M, N) of M analogies, each (M, D) of length 1."""
        if by == "add":
            return unit(b - a + c) @ self.directions.T
        to_a, to_b, to_c = ((1 + rows @ self.directions.T) / 2 for rows in (a, b, c))
        return np.asarray(to_b * to_c / (to_a + EPSILON), dtype=np.float32)

    def _best(self, scores: Vector, n: int, without: Iterable[str]) -> list[WordNear]:
        left_out = {self.place_of[word] for word in without if word in self.place_of}
        wanted = min(len(scores), n + len(left_out))
        likely = np.argpartition(-scores, wanted - 1)[:wanted]
        order = likely[np.lexsort((likely, -scores[likely]))]
        places = [place for place in order.tolist() if place not in left_out][:n]
        return [WordNear(word=self.words[place], score=float(scores[place])) for place in places]

    # --- many analogies

    def answered(self, analogies: Sequence[Analogy], seed: int = 0) -> list[AnalogyScore]:
        """How many analogies are answered rightly by either formula, of each part and, last, of all; one counts where
        all four words are words of the space, as they are written or in small letters. The interval is a bootstrap's
        over analogies."""
        places = [self._places(one) for one in analogies]
        asked = [number for number, place in enumerate(places) if place is not None]
        right = {by: np.zeros(len(analogies), dtype=bool) for by in ("add", "mul")}
        for start in range(0, len(asked), AT_ONCE):
            some = asked[start : start + AT_ONCE]
            own = np.array([places[number] for number in some])  # (M, 4)
            a, b, c = (self.directions[own[:, column]] for column in range(3))
            for by in right:
                scores = self._scores(a, b, c, by)  # type: ignore[arg-type]
                np.put_along_axis(scores, own[:, :3], -np.inf, axis=1)
                right[by][some] = scores.argmax(axis=1) == own[:, 3]
        parts: dict[str, list[int]] = {}
        for number, one in enumerate(analogies):
            parts.setdefault(one.part, []).append(number)
        told = [(name, numbers) for name, numbers in parts.items() if len(parts) > 1]
        is_asked = np.zeros(len(analogies), dtype=bool)
        is_asked[asked] = True
        return [
            score_of(name, is_asked[numbers], {by: right[by][numbers] for by in right}, seed)
            for name, numbers in [*told, ("all", [*range(len(analogies))])]
        ]

    def _places(self, one: Analogy) -> list[int] | None:
        found = [self.place_of.get(word, self.place_of.get(word.lower())) for word in one.words]
        return None if None in found else found  # type: ignore[return-value]


@dataclass(frozen=True)
class Analogy:
    """words: a, b, c and d, of which d is asked for. part: what it is an analogy of."""

    words: tuple[str, str, str, str]
    part: str


def read_analogies(path: Path) -> list[Analogy]:
    """Analogies of a file as question-words.txt has them (Mikolov et al. 2013): four words a line, and lines `: NAME`
    that begin a part. Raises InputError naming the line."""
    found: list[Analogy] = []
    part = "all"
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"is no UTF-8 at byte {error.start}", where=str(path), hint="convert it: iconv -t UTF-8"
        ) from None
    for number, line in enumerate(content.splitlines(), start=1):
        words = line.split()
        if words and words[0].startswith(":"):
            part = line.strip().removeprefix(":").strip() or "all"
        elif len(words) == 4:
            found.append(Analogy((words[0], words[1], words[2], words[3]), part))
        elif words:
            raise InputError(
                f"an analogy is four words, and here are {len(words)}",
                where=f"{path}:{number}",
                hint="A line is `man king woman queen`; a line `: NAME` begins a part.",
            )
    if not found:
        raise InputError("there is no analogy in it", where=str(path), hint="A line is `man king woman queen`.")
    return found


def score_of(part: str, asked: Any, right: dict[str, Any], seed: int) -> AnalogyScore:
    """The shares of the analogies that were asked. asked, right: (M,) of bool."""
    n = int(asked.sum())
    shares: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    for by, own in right.items():
        if n:
            shares[by] = float(own.sum()) / n
        if n > 1:
            table = np.stack([own[asked], np.ones(n)], axis=1).astype(np.float64)
            above, below = resampled_sums(table, RESAMPLES, seed).T
            interval = middle(above, below, 0.95)
            assert interval is not None
            intervals[by] = interval
    return AnalogyScore(part=part, n=len(asked), n_asked=n, accuracy=shares, intervals=intervals)


def unit(vectors: Any) -> Vector:
    """Vectors (..., D) of length 1; zeros stay zeros."""
    vectors = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found: Vector = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return found


def cosine(one: Any, other: Any) -> float:
    """Of two vectors (D,); 0 where one is all zeros.

    >>> cosine([3, 4], [4, 3])
    0.96
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else 0.0
