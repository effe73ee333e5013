"""The leak meter: what the floor scores on text held out naively, and on text held out as training does.

Room: evaluation/ (weights -> numbers). Called by `look --leaks`. Both times an n-gram model over bytes, or of labelled
texts tf-idf with logistic regression, is fitted on the training side and measured on the held-out side, validation and
test together. Several documents: naively each is held out by
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

from textmill.errors import InputError
from textmill.evaluation.floor import N_BYTE_VALUES, stream_of
from textmill.messages import Message, message, paragraph, plural_message
from textmill.metrics.bootstrap import difference_of_ratios
from textmill.metrics.language import ExampleScore
from textmill.models.ngram import NGram
from textmill.models.tfidf import Tfidf
from textmill.results import Leaks
from textmill.tasks.classify import likeliest
from textmill.tasks.measuring import TokenSizes, score_documents
from textmill.text import SplitPlan
from textmill.text.columns import utf8_size
from textmill.text.documents import LABELS
from textmill.text.labels import in_class_order
from textmill.text.long_text import Text
from textmill.text.naive import LONGEST_SHARE, Sides, TwoSplits, sample_of_groups
from textmill.text.wording import percent
from textmill.tokens.choice import size_in_words

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Scores = dict[int, tuple[float, int]]
"""Number of a document -> what it costs, and its size: bits and bytes, or mistakes and texts."""

SAMPLE_BYTES = 4_000_000  # fitting takes up to 150 bytes for each, and is done twice
N_BLOCKS = 64  # of held-out lines, for the interval
LEAST_LINES = 40


def measure_leaks(plan: SplitPlan, seed: int = 0, limit: int = SAMPLE_BYTES) -> Leaks:
    """Bits per byte (of labelled texts the share told wrong) under a naive split and under the plan's own, and what the
    difference means, as a sentence.

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
    texts: dict[int, bytes] = {}
    labels: dict[int, tuple[str, ...]] = {}
    for number, document in plan.numbered(chosen):
        texts[number] = _first(document.content, longest)
        if LABELS in document.meta:
            labels[number] = document.meta[LABELS]
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

    def score(sides: Sides) -> Scores:
        return _mistakes(sides, texts, labels, seed) if labels else _bits(sides, texts)

    same = np.array_equal(naive.held, grouped.held) and np.array_equal(naive.train, grouped.train)
    try:
        scores = {"naive": score(naive)}
        scores["grouped"] = scores["naive"] if same else score(grouped)
    except InputError as error:  # one class to train on, or no word
        return _said(facts, [message("Leaks cannot be measured: %(why)s.", why=error.message)])
    facts |= _compared(_by_group(scores, twice), seed) | {"metric": "error_rate" if labels else "bpb"}
    sentences = [
        plural_message(
            "Of %(n)s document held out at random, %(leaked)s have an equal, nearly equal or grouped one in training.",
            "Of %(n)s documents held out at random, %(leaked)s have an equal, nearly equal or grouped one in training.",
            len(held),
            leaked=f"{n_leaked:,}",
        )
    ]
    if _is_sure(facts) and labels:
        sentences.append(
            message(
                "Tf-idf with logistic regression would seem to make %(share)s fewer mistakes than it makes, and a "
                "model that remembers more fewer still.",
                share=percent(facts["inflation"]),
            )
        )
    elif _is_sure(facts):
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


def _bits(sides: Sides, texts: Mapping[int, bytes]) -> Scores:
    """Bits that the floor of the one side spends on each document of the other, and its bytes."""
    held = [number for number in texts if sides.held[number]]
    train = [_as_bytes(text) for number, text in texts.items() if sides.train[number]]
    spent = _spent(train, [_as_bytes(texts[number]) for number in held])
    return {number: (one.nats / math.log(2), one.n_bytes) for number, one in zip(held, spent, strict=True)}


def _mistakes(sides: Sides, texts: Mapping[int, bytes], labels: Mapping[int, tuple[str, ...]], seed: int) -> Scores:
    """1 for each text of the one side that the floor of the other tells wrong, else 0; and 1, a text. A text of several
    labels is told right by all of them and no other. Raises InputError where there is nothing to tell apart."""
    train = [number for number in texts if sides.train[number]]
    held = [number for number in texts if sides.held[number]]
    classes = in_class_order({label for number in train for label in labels[number]})
    number_of = {name: place for place, name in enumerate(classes)}
    several = any(len(own) != 1 for own in labels.values())
    model = Tfidf.fit(
        [_as_text(texts[number]) for number in train],
        [[number_of[label] for label in labels[number]] for number in train],
        classes,
        several,
        seed,
    )
    found = model.probabilities([_as_text(texts[number]) for number in held])
    told = [{classes[place] for place in likeliest(row, several)} for row in found]
    return {number: (float(own != set(labels[number])), 1) for number, own in zip(held, told, strict=True)}


def _by_group(scores: Mapping[str, Scores], twice: TwoSplits) -> Floats:
    """A row for each group: cost and size under the training split, then under the naive one; 0 where it trains.

    The interval draws groups, since copies of a text tell the same once, and for both splits together: what is hard in
    a text that both hold out cancels.
    """
    rows: defaultdict[int, list[float]] = defaultdict(lambda: [0.0] * 4)
    for place, name in ((0, "grouped"), (2, "naive")):
        for number, (cost, size) in scores[name].items():
            row = rows[int(twice.groups[number])]
            row[place] += cost
            row[place + 1] += size
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
    facts |= _compared(np.array(rows) / [math.log(2), 1, math.log(2), 1], seed)
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


def _as_text(text: bytes) -> str:
    return text.decode("utf-8", "ignore")  # a long one was cut anywhere


def _spent(train: Sequence[Bytes], held: Sequence[Bytes]) -> list[ExampleScore]:
    """What an n-gram model of the one spends on each of the other; on a single one, in blocks."""
    stream = stream_of(train, N_BYTE_VALUES, sum(map(len, train)) + len(train))
    model = NGram.fit(stream, N_BYTE_VALUES + 1, N_BYTE_VALUES)
    documents = [(text, len(text), int((text & 0xC0 != 0x80).sum()), "") for text in held]
    return score_documents(model, documents, N_BYTE_VALUES, sizes=TokenSizes.of_bytes(), n_blocks=N_BLOCKS)


def _compared(table: Floats, seed: int) -> dict[str, Any]:
    """Both scores and their difference. table: cost and size under the training split and under the naive one."""
    cost, size, naive_cost, naive_size = table.sum(axis=0).tolist()
    grouped, naive = cost / size, naive_cost / naive_size
    return {
        "naive": naive,
        "grouped": grouped,
        "difference": grouped - naive,
        "interval": difference_of_ratios(table, seed=seed),
        "inflation": 1 - naive / grouped if grouped else 0.0,
    }


def _is_sure(facts: Mapping[str, Any]) -> bool:
    return facts["interval"] is not None and facts["interval"][0] > 0
