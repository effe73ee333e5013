"""The leak meter: what the floor scores on text held out naively, and on text held out as training does.

Room: evaluation/ (weights -> numbers). Called by `look --leaks`. Both times an n-gram model over bytes is fitted on the
training side and scores the held-out side, validation and test together. Several documents: naively each is held out by
itself, while training keeps equal, nearly equal and grouped ones on one side. One document: naively its lines are
scattered, while training holds out blocks. What the naive score is better by is memory of what stands on both sides.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from textmill.evaluation.floor import N_BYTE_VALUES, stream_of
from textmill.messages import Message, message, paragraph, plural_message
from textmill.metrics.bootstrap import difference_of_ratios
from textmill.metrics.language import ExampleScore
from textmill.models.ngram import NGram
from textmill.results import Leaks
from textmill.tasks.measuring import TokenSizes, score_documents
from textmill.text import SplitPlan
from textmill.text.columns import utf8_size
from textmill.text.long_text import Text
from textmill.text.naive import LONGEST_SHARE, Sides, TwoSplits, sample_of_groups
from textmill.text.wording import percent
from textmill.tokens.choice import size_in_words

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

SAMPLE_BYTES = 4_000_000  # fitting takes up to 150 bytes for each, and is done twice
N_BLOCKS = 64  # of held-out lines, for the interval
LEAST_LINES = 40


def measure_leaks(plan: SplitPlan, seed: int = 0, limit: int = SAMPLE_BYTES) -> Leaks:
    """Bits per byte under a naive split and under the plan's own, and what the difference means, as a sentence.

    plan: made with split_twice. limit: of more bytes, a seeded sample. Where there are no two splits to compare, the
    scores are None and the verdict says why. Raises ValueError for a plan that was not split twice.
    """
    if plan.by_blocks:
        return _by_line(plan, seed, limit)
    if plan.twice is None:
        raise ValueError("leaks are measured on a plan that was made with split_twice")
    return _by_document(plan, plan.twice, seed, limit)


# several documents


def _by_document(plan: SplitPlan, twice: TwoSplits, seed: int, limit: int) -> Leaks:
    chosen = sample_of_groups(twice.groups, twice.sizes, limit, seed)
    longest = None if chosen.all() else limit // LONGEST_SHARE
    texts = {number: _as_bytes(_first(document.content, longest)) for number, document in plan.numbered(chosen)}
    naive, grouped = (Sides(sides.train & chosen, sides.held & chosen) for sides in (twice.naive, twice.grouped))
    held = np.flatnonzero(naive.held)
    n_leaked = int(np.isin(twice.groups[held], twice.groups[naive.train]).sum())
    facts: dict[str, Any] = {"by": "document", "n_held": len(held), "n_leaked": n_leaked}
    facts |= {"n_bytes": sum(map(len, texts.values())), "of_bytes": int(twice.sizes.sum())}
    if not all(side.any() for sides in (naive, grouped) for side in (sides.train, sides.held)):
        if chosen.all():
            verdict = message("Leaks cannot be measured: nothing is held out, or nothing is left to train on.")
        else:
            verdict = message(
                "Leaks cannot be measured: nothing is held out, or nothing is left to train on in a sample of "
                "%(size)s.",
                size=size_in_words(facts["n_bytes"]),
            )
        return _said(facts, [verdict])

    scores = {"naive": _scores(naive, texts)}
    same = np.array_equal(naive.held, grouped.held) and np.array_equal(naive.train, grouped.train)
    scores["grouped"] = scores["naive"] if same else _scores(grouped, texts)
    facts |= _compared(_by_group(scores, twice), seed)
    sentences = [
        plural_message(
            "Of %(n)s document held out at random, %(leaked)s have an equal, nearly equal or grouped one in training.",
            "Of %(n)s documents held out at random, %(leaked)s have an equal, nearly equal or grouped one in training.",
            len(held),
            leaked=f"{n_leaked:,}",
        )
    ]
    if _is_sure(facts):
        sentences.append(
            message(
                "A 5-gram model would look %(share)s better than it is, and one that remembers more better still.",
                share=percent(facts["inflation"]),
            )
        )
    elif same:
        sentences.append(message("Training splits the text the same way: nothing leaks."))
    else:
        sentences.append(message("The two scores differ by no more than chance: no leak shows."))
    if longest:
        sentences.append(
            message(
                "Measured on a seeded sample of %(size)s of %(all)s, of long documents the first %(longest)s.",
                size=size_in_words(facts["n_bytes"]),
                all=size_in_words(facts["of_bytes"]),
                longest=size_in_words(longest),
            )
        )
    return _said(facts, sentences)


def _said(facts: dict[str, Any], sentences: Iterable[Message]) -> Leaks:
    verdict = paragraph(sentences)
    return Leaks(**facts, verdict=verdict).model_copy(update={"verdict": verdict})  # validated, it is a plain string


def _scores(sides: Sides, texts: Mapping[int, Bytes]) -> dict[int, ExampleScore]:
    """What the floor of the one side spends on each document of the other, by the document's number."""
    held = [number for number in texts if sides.held[number]]
    train = [text for number, text in texts.items() if sides.train[number]]
    return dict(zip(held, _spent(train, [texts[number] for number in held]), strict=True))


def _by_group(scores: Mapping[str, Mapping[int, ExampleScore]], twice: TwoSplits) -> Floats:
    """A row for each group: nats and bytes under the training split, then under the naive one; 0 where it trains.

    The interval draws groups, since copies of a text tell the same once, and for both splits together: what is hard in
    a text that both hold out cancels.
    """
    rows: defaultdict[int, list[float]] = defaultdict(lambda: [0.0] * 4)
    for place, name in ((0, "grouped"), (2, "naive")):
        for number, score in scores[name].items():
            row = rows[int(twice.groups[number])]
            row[place] += score.nats
            row[place + 1] += score.n_bytes
    return np.array(list(rows.values()))


# one document


def _by_line(plan: SplitPlan, seed: int, limit: int) -> Leaks:
    before, *others = (block.content for block in plan.blocks().values())
    n_held = sum(map(utf8_size, others))
    n_train = utf8_size(before)
    of_bytes = n_train + n_held
    if of_bytes > limit:  # what stands on both sides of the cut
        n_held = max(1, limit * n_held // of_bytes)
        n_train = limit - n_held
    train = before[max(0, len(before) - n_train) :].encode()[-n_train:]
    held = b"".join(_first(block, n_held) for block in others)[:n_held]
    lines = (train + held).splitlines(keepends=True)
    facts: dict[str, Any] = {"by": "line", "n_bytes": len(train) + len(held), "of_bytes": of_bytes}
    if len(lines) < LEAST_LINES:
        verdict = plural_message(
            "Leaks cannot be measured in one document of %(n)s line: %(least)s are the least.",
            "Leaks cannot be measured in one document of %(n)s lines: %(least)s are the least.",
            len(lines),
            least=LEAST_LINES,
        )
        return _said(facts, [verdict])

    order = np.random.default_rng(seed).permutation(len(lines))
    n_scattered = 1 + int(np.searchsorted(np.cumsum([len(lines[place]) for place in order]), len(held)))
    is_held = np.isin(np.arange(len(lines)), order[:n_scattered])
    facts["n_held"] = int(is_held.sum())
    scattered = b"".join(lines[place] for place in np.flatnonzero(is_held))
    kept = b"".join(lines[place] for place in np.flatnonzero(~is_held))
    rows = [(0.0, 0, score.nats, score.n_bytes) for score in _spent([_as_bytes(kept)], [_as_bytes(scattered)])]
    rows += [(score.nats, score.n_bytes, 0.0, 0) for score in _spent([_as_bytes(train)], [_as_bytes(held)])]
    facts |= _compared(np.array(rows, dtype=np.float64), seed)
    sentences = [message("There is one document.")]
    if _is_sure(facts):
        sentences.append(
            message(
                "With lines held out at random a 5-gram model would look %(share)s better than it is, because it reads "
                "their neighbours; training holds out blocks.",
                share=percent(facts["inflation"]),
            )
        )
    else:
        sentences.append(message("Lines held out at random are no easier than blocks: no leak shows."))
    if facts["n_bytes"] < of_bytes:
        sentences.append(
            message(
                "Measured on the %(size)s of %(all)s around the first cut.",
                size=size_in_words(facts["n_bytes"]),
                all=size_in_words(of_bytes),
            )
        )
    return _said(facts, sentences)


# both


def _first(text: Text, n_bytes: int | None) -> bytes:
    """The first bytes of a text; None: all."""
    return text[0:n_bytes].encode()[:n_bytes]  # a character has one byte at least


def _as_bytes(text: bytes) -> Bytes:
    return np.frombuffer(text, dtype=np.uint8)


def _spent(train: Sequence[Bytes], held: Sequence[Bytes]) -> list[ExampleScore]:
    """What an n-gram model of the one spends on each of the other; on a single one, in blocks."""
    stream = stream_of(train, N_BYTE_VALUES, sum(map(len, train)) + len(train))
    model = NGram.fit(stream, N_BYTE_VALUES + 1, N_BYTE_VALUES)
    documents = [(text, len(text), int((text & 0xC0 != 0x80).sum()), "") for text in held]
    return score_documents(model, documents, N_BYTE_VALUES, sizes=TokenSizes.of_bytes(), n_blocks=N_BLOCKS)


def _compared(table: Floats, seed: int) -> dict[str, Any]:
    """Both scores and their difference. table: nats and bytes under the training split and under the naive one."""
    in_bits = table / [math.log(2), 1, math.log(2), 1]
    bits, n_bytes, naive_bits, n_naive_bytes = in_bits.sum(axis=0).tolist()
    grouped, naive = bits / n_bytes, naive_bits / n_naive_bytes
    return {
        "naive": naive,
        "grouped": grouped,
        "difference": grouped - naive,
        "interval": difference_of_ratios(in_bits, seed=seed),
        "inflation": 1 - naive / grouped,
    }


def _is_sure(facts: Mapping[str, Any]) -> bool:
    return facts["interval"] is not None and facts["interval"][0] > 0
