"""Why a loss is as it is: one function a cause, pure, on the facts of vitals.py. Room: training/. Called by examining.

A cause gives (strength, evidence, remedy), strength from 0 to 1, or None where the facts do not speak for it. What is
measured directly (an offset, a frozen matrix, a copy) is stronger than what a curve suggests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from statistics import fmean, median

from textmill.results import Finding
from textmill.training.vitals import Points, Vitals

Judged = tuple[float, str, str] | None
N_POINTS_LEAST = 8  # of a curve, before anything is read from it
N_BINS = 8  # of an epoch


def diagnose(vitals: Vitals, where: str) -> list[Finding]:
    """The causes that the facts speak for, the likeliest first. where: the run."""
    found = [(name, judged) for name, cause in CAUSES.items() if (judged := cause(vitals)) is not None]
    found.sort(key=lambda pair: -pair[1][0])
    return [
        Finding(what=name, where=where, severity="cause", evidence=evidence, remedy=remedy, strength=round(strength, 3))
        for name, (strength, evidence, remedy) in found
    ]


# what is measured directly


def labels_shifted(vitals: Vitals) -> Judged:
    spent = vitals.nats_at
    right, best = spent[1], min(spent, key=lambda offset: spent[offset])
    if best == 1 or right - spent[best] < 0.2 * right:
        return None
    told = {0: "the token it reads itself", 2: "the token after the next"}[best]
    return (
        0.99,
        f"the model spends {right:.2f} nats on the next token and {spent[best]:.2f} on {told}",
        "Targets must be the ids one place later: row i predicts ids[i + 1]. Prepare the text anew and train anew.",
    )


def embeddings_frozen(vitals: Vitals) -> Judged:
    if vitals.embedding_moved > 1e-6 or vitals.moved < 1e-4:
        return None
    return (
        0.97,
        f"the embeddings are as they began, the inner matrices moved by {vitals.moved:.0%}",
        "Let the embeddings be trained (requires_grad, and a place among the optimizer's parameters); train anew.",
    )


def duplicates_across_splits(vitals: Vitals) -> Judged:
    if vitals.copied is None or vitals.copied < 0.02:
        return None
    return (
        min(0.96, 0.8 + vitals.copied / 4),
        f"{vitals.copied:.0%} of the held-out documents stand in the training text: the validation loss is too good",
        "Let Textmill split the text (repeats stay on one side), or take the copies out of --valid and --test.",
    )


def wrong_tokenizer(vitals: Vitals) -> Judged:
    if vitals.learned_ids < 16 or vitals.learned_ids_used > 0.4:
        return None
    return (
        0.95 - 0.3 * vitals.learned_ids_used,
        f"of {vitals.learned_ids:,} tokens that the tokenizer learned the text has {vitals.learned_ids_used:.0%}",
        "Let the tokenizer be learned from this text: leave it to `textmill train`, or textmill prepare PATH.",
    )


def end_marks_missing(vitals: Vitals) -> Judged:
    spent, chance = vitals.mark_nats, math.log(vitals.vocab_size)
    if spent is None or spent < 1.5 * chance or vitals.nats_at[1] > 0.9 * chance:
        return None
    return (
        0.9,
        f"where documents end the model spends {spent:.1f} nats on the end mark; guessing would spend {chance:.1f}",
        "Each document must be followed by the mark, and the mark be a target: prepare the text anew and train anew.",
    )


def dead_units(vitals: Vitals) -> Judged:
    if vitals.dead < 0.35:
        return None
    return (
        min(0.93, 0.6 + vitals.dead / 3),
        f"in one layer {vitals.dead:.0%} of the units give the same for every token",
        "Train anew with a lower rate or a warm-up, with first values that are not all on one side, or another preset.",
    )


# what a curve and the weights suggest


def rate_too_high(vitals: Vitals) -> Judged:
    """Weights that went far, and a loss that for long, or at the end, is no better than that of single tokens."""
    if len(vitals.train) < N_POINTS_LEAST or vitals.moved < 0.5:
        return None
    smooth, end = _smooth(vitals.train), _end(vitals.train)
    above = sum(loss > vitals.unigram_nats for loss in smooth) / len(smooth)
    ends_above = end > 0.93 * vitals.unigram_nats
    if not ends_above and (above < 0.4 or vitals.moved < 2):
        return None
    return (
        0.85,
        f"the inner matrices moved by {vitals.moved:.0%}; in {above:.0%} of the steps the loss was above the "
        f"{vitals.unigram_nats:.2f} that single tokens without any context cost, and it ends at {end:.2f}",
        "Train under another --name with a third of the rate (--train.lr).",
    )


def rate_too_low(vitals: Vitals) -> Judged:
    """Weights that hardly moved, and a loss that is still falling."""
    if len(vitals.train) < N_POINTS_LEAST or vitals.moved > 0.12:
        return None
    smooth = _smooth(vitals.train)
    start, middle, end = smooth[0], smooth[len(smooth) // 2], smooth[-1]
    if end > middle - 0.002 * start and end < 0.9 * vitals.unigram_nats:
        return None
    return (
        0.8 - vitals.moved,
        f"the inner matrices moved by {vitals.moved:.1%} only; the loss went from {start:.2f} to {end:.2f}, single "
        f"tokens without any context cost {vitals.unigram_nats:.2f}",
        "Train under another --name with ten times the rate (--train.lr), or far more --steps.",
    )


def no_warm_up(vitals: Vitals) -> Judged:
    """The very first step moved the loss nearly as far as any other, and harm was done. Needs steps 1 and 2 logged."""
    if len(vitals.train) < 4 * N_POINTS_LEAST or [step for step, _ in vitals.train[:2]] != [1, 2]:
        return None
    losses = [loss for _, loss in vitals.train[: len(vitals.train) // 8]]
    changes = [abs(after - before) for before, after in pairwise(losses)]
    first, largest, end = changes[0], max(changes), _end(vitals.train)
    jumps = max(losses) > 1.1 * losses[0]
    if first < 0.05 * losses[0] or first < 0.35 * largest:
        return None
    if not (jumps or vitals.dead > 0.35 or end > 0.75 * vitals.unigram_nats):
        return None
    return (
        0.94,
        f"the first step took the loss from {losses[0]:.2f} to {losses[1]:.2f}, the largest change of the beginning is "
        f"{largest:.2f}; at the end the loss is {end:.2f}, and {vitals.dead:.0%} of the units of one layer are dead",
        "Let the rate rise slowly: --train.warmup_steps a twentieth of the steps; train under another --name.",
    )


def not_shuffled(vitals: Vitals) -> Judged:
    """A loss that goes up and down with the place in the epoch, in a run that says it shuffles."""
    explained, swing = _explained_by_place(vitals)
    if not vitals.shuffled or explained < 0.45 or swing < 0.04:
        return None
    return (
        min(0.88, 0.5 + explained / 2),
        f"{explained:.0%} of the ups and downs of the loss come back with the place in the epoch of "
        f"{vitals.steps_per_epoch} steps, by {swing:.0%} of the loss",
        "The run was to shuffle and did not: see what orders its rows, or shuffle the text itself, and train anew.",
    )


def far_too_little_data(vitals: Vitals) -> Judged:
    share, rises = vitals.n_parameters / max(1, vitals.n_tokens), _rise(vitals.valid)
    gap = _gap(vitals)
    if share < 8 or (gap < 0.15 and rises < 0.05):
        return None
    return (
        min(0.82, 0.6 + share / 200),
        f"{vitals.n_parameters:,} inner parameters for {vitals.n_tokens:,} tokens, {share:.0f} for each; the loss on "
        f"held-out text is {gap:.0%} above that on training text",
        "Add text; until then a smaller model (--size tiny, --model.d_model) and fewer --steps.",
    )


def over_fitting(vitals: Vitals) -> Judged:
    rises, gap = _rise(vitals.valid), _gap(vitals)
    if rises < 0.03 or gap < 0.1:
        return None
    best = min(vitals.valid, key=lambda point: point[1])
    return (
        min(0.72, 0.5 + rises),
        f"the loss on held-out text was {best[1]:.2f} at step {best[0]} and is {vitals.valid[-1][1]:.2f} at the end, "
        f"{gap:.0%} above that on training text",
        "The best checkpoint is kept and used. For a better one: more text, --model.dropout, or --train.patience 3.",
    )


CAUSES: dict[str, Callable[[Vitals], Judged]] = {
    "the labels are shifted": labels_shifted,
    "the embeddings are frozen": embeddings_frozen,
    "held-out documents stand in the training text": duplicates_across_splits,
    "the tokenizer does not fit the text": wrong_tokenizer,
    "the end marks are missing": end_marks_missing,
    "many units are dead": dead_units,
    "the learning rate is too high": rate_too_high,
    "the learning rate is too low": rate_too_low,
    "there was no warm-up": no_warm_up,
    "the rows were not shuffled": not_shuffled,
    "there is far too little text": far_too_little_data,
    "the model over-fits": over_fitting,
}


# a curve


def _smooth(points: Points) -> list[float]:
    """Medians over a twentieth of the curve, or three points."""
    width = max(3, len(points) // 20)
    losses = [loss for _, loss in points]
    return [median(losses[start : start + width]) for start in range(0, len(losses) - width + 1, width)]


def _end(points: Points) -> float:
    return fmean(loss for _, loss in points[-max(3, len(points) // 20) :])


def _rise(valid: Points) -> float:
    """How far the last loss lies above the lowest, as a share of that."""
    if len(valid) < 3:
        return 0.0
    lowest = min(loss for _, loss in valid)
    return (valid[-1][1] - lowest) / max(lowest, 1e-9)


def _gap(vitals: Vitals) -> float:
    """How far the last loss on held-out text lies above that on training text, as a share of that."""
    if not vitals.valid or not vitals.train:
        return 0.0
    end = _end(vitals.train)
    return (vitals.valid[-1][1] - end) / max(end, 1e-9)


def _explained_by_place(vitals: Vitals) -> tuple[float, float]:
    """(share of the variance within epochs that the place in the epoch explains, beyond chance; its swing).

    Each epoch counts from its own straight line, so that a falling loss explains nothing. (0, 0) below two epochs.
    """
    period = vitals.steps_per_epoch
    epochs: dict[int, list[tuple[int, float]]] = {}
    for step, loss in vitals.train:
        epochs.setdefault((step - 1) // period, []).append(((step - 1) % period, loss))
    whole = [points for number, points in sorted(epochs.items()) if number and len(points) >= N_BINS]
    if len(whole) < 2:
        return 0.0, 0.0
    bins: dict[int, list[float]] = {}
    for points in whole:
        level = fmean(loss for _, loss in points)
        for place, loss in points:
            bins.setdefault(place * N_BINS // period, []).append(loss / level - 1)
    rest = [value for values in bins.values() for value in values]
    total = sum(value * value for value in rest)
    between = sum(len(values) * fmean(values) ** 2 for values in bins.values())
    by_chance = (len(bins) - 1) / max(1, len(rest) - 1)
    means = [fmean(values) for values in bins.values()]
    return (between / total - by_chance if total else 0.0), max(means) - min(means)
