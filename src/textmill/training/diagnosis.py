"""Why a loss is as it is: one function a cause, pure, on the facts of vitals.py. Room: training/. Called by examining.

A cause gives (strength, evidence, remedy), strength from 0 to 1, or None where the facts do not speak for it. What is
measured directly (an offset, a frozen matrix, a copy) is stronger than what a curve suggests.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate, pairwise
from statistics import fmean, median

from textmill.messages import Message, message
from textmill.results import Finding, finding
from textmill.training.vitals import Points, Vitals

Judged = tuple[float, Message, Message] | None
N_POINTS_LEAST = 8  # of a curve, before anything is read from it
N_BINS = 8  # of an epoch


def diagnose(vitals: Vitals, where: str) -> list[Finding]:
    """The causes that the facts speak for, the likeliest first. where: the run."""
    found = [(name, judged) for name, cause in CAUSES.items() if (judged := cause(vitals)) is not None]
    found.sort(key=lambda pair: -pair[1][0])
    return [
        finding(name, where, "cause", evidence, remedy, round(strength, 3))
        for name, (strength, evidence, remedy) in found
    ]


# what is measured directly


def labels_shifted(vitals: Vitals) -> Judged:
    spent = vitals.nats_at
    right, best = spent[1], min(spent, key=lambda offset: spent[offset])
    if best == 1 or right - spent[best] < 0.2 * right:
        return None
    told = {0: message("the token it reads itself"), 2: message("the token after the next")}[best]
    return (
        0.99,
        message(
            "the model spends %(right)s nats on the next token and %(best)s on %(which)s",
            right=f"{right:.2f}",
            best=f"{spent[best]:.2f}",
            which=told,
        ),
        message(
            "Targets must be the ids one place later: row i predicts ids[i + 1]. Prepare the text anew and train anew."
        ),
    )


def embeddings_frozen(vitals: Vitals) -> Judged:
    if vitals.embedding_turned > 1e-5 or vitals.moved < 1e-4:
        return None
    return (
        0.97,
        message(
            "the embeddings point where they did in the beginning, the inner matrices moved by %(moved)s",
            moved=f"{vitals.moved:.0%}",
        ),
        message(
            "Let the embeddings be trained (requires_grad, and a place among the optimizer's parameters); train anew."
        ),
    )


def duplicates_across_splits(vitals: Vitals) -> Judged:
    if vitals.copied is None or vitals.copied < 0.02:
        return None
    return (
        min(0.96, 0.8 + vitals.copied / 4),
        message(
            "%(share)s of the held-out documents stand in the training text: the validation loss is too good",
            share=f"{vitals.copied:.0%}",
        ),
        message(
            "Let Textmill split the text (repeats stay on one side), or take the copies out of --valid and --test."
        ),
    )


def wrong_tokenizer(vitals: Vitals) -> Judged:
    if vitals.learned_ids < 16 or vitals.learned_ids_used > 0.4:
        return None
    return (
        0.95 - 0.3 * vitals.learned_ids_used,
        message(
            "of %(n)s tokens that the tokenizer learned the text has %(share)s",
            n=f"{vitals.learned_ids:,}",
            share=f"{vitals.learned_ids_used:.0%}",
        ),
        message("Let the tokenizer be learned from this text: leave it to `textmill train`, or textmill prepare PATH."),
    )


def end_marks_missing(vitals: Vitals) -> Judged:
    spent, chance = vitals.mark_nats, math.log(vitals.vocab_size)
    if spent is None or spent < 1.5 * chance or vitals.nats_at[1] > 0.9 * chance:
        return None
    return (
        0.9,
        message(
            "where documents end the model spends %(spent)s nats on the end mark; guessing would spend %(chance)s",
            spent=f"{spent:.1f}",
            chance=f"{chance:.1f}",
        ),
        message(
            "Each document must be followed by the mark, and the mark be a target: prepare the text anew and train "
            "anew."
        ),
    )


def dead_units(vitals: Vitals) -> Judged:
    if vitals.dead < 0.45:
        return None
    return (
        min(0.93, 0.6 + vitals.dead / 3),
        message("in one layer %(share)s of the units give the same for every token", share=f"{vitals.dead:.0%}"),
        message(
            "Train anew with a lower rate or a warm-up, with first values that are not all on one side, or another "
            "preset."
        ),
    )


# what a curve and the weights suggest


def rate_too_high(vitals: Vitals) -> Judged:
    """Weights that went far, and a loss that for long, or at the end, is no better than that of single tokens; or a
    beginning far worse than guessing: what a rate does that was right but for its first steps, is less."""
    if len(vitals.train) < N_POINTS_LEAST or vitals.moved < 0.5:
        return None
    smooth, end = _smooth(vitals.train), _end(vitals.train)
    above = sum(loss > vitals.unigram_nats for loss in smooth) / len(smooth)
    first, worst = vitals.train[0][1], max(loss for _, loss in vitals.train[: len(vitals.train) // 8 + 1])
    remedy = message("Train under another --name with a third of the rate (--train.lr).")
    if worst > 2 * first:
        return (
            0.95,
            message(
                "the inner matrices moved by %(moved)s; in the beginning the loss went from %(first)s up to %(worst)s",
                moved=f"{vitals.moved:.0%}",
                first=f"{first:.2f}",
                worst=f"{worst:.2f}",
            ),
            remedy,
        )
    ends_above = end > 0.93 * vitals.unigram_nats
    if vitals.moved < (1.5 if ends_above else 2) or not (ends_above or above > 0.4):
        return None  # a text may hold little more than its single tokens tell: then a sound run, too, ends there
    return (
        0.85,
        message(
            "the inner matrices moved by %(moved)s; in %(above)s of the steps the loss was above the %(unigram)s that "
            "single tokens without any context cost, and it ends at %(end)s",
            moved=f"{vitals.moved:.0%}",
            above=f"{above:.0%}",
            unigram=f"{vitals.unigram_nats:.2f}",
            end=f"{end:.2f}",
        ),
        remedy,
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
        message(
            "the inner matrices moved by %(moved)s only; the loss went from %(start)s to %(end)s, single tokens "
            "without any context cost %(unigram)s",
            moved=f"{vitals.moved:.1%}",
            start=f"{start:.2f}",
            end=f"{end:.2f}",
            unigram=f"{vitals.unigram_nats:.2f}",
        ),
        message("Train under another --name with ten times the rate (--train.lr), or far more --steps."),
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
        message(
            "the first step took the loss from %(first)s to %(second)s, the largest change of the beginning is "
            "%(largest)s; at the end the loss is %(end)s, and %(dead)s of the units of one layer are dead",
            first=f"{losses[0]:.2f}",
            second=f"{losses[1]:.2f}",
            largest=f"{largest:.2f}",
            end=f"{end:.2f}",
            dead=f"{vitals.dead:.0%}",
        ),
        message("Let the rate rise slowly: --train.warmup_steps a twentieth of the steps; train under another --name."),
    )


def not_shuffled(vitals: Vitals) -> Judged:
    """A loss that goes up and down with the place in the epoch, in a run that says it shuffles."""
    explained, swing = _explained_by_place(vitals)
    if not vitals.shuffled or explained < 0.45 or swing < 0.04:
        return None
    return (
        min(0.88, 0.5 + explained / 2),
        message(
            "%(share)s of the ups and downs of the loss come back with the place in the epoch of %(n)s steps, by "
            "%(swing)s of the loss",
            share=f"{explained:.0%}",
            n=vitals.steps_per_epoch,
            swing=f"{swing:.0%}",
        ),
        message(
            "The run was to shuffle and did not: see what orders its rows, or shuffle the text itself, and train anew."
        ),
    )


def far_too_little_data(vitals: Vitals) -> Judged:
    share, rises = vitals.n_parameters / max(1, vitals.n_tokens), _rise(vitals.valid)
    gap = _gap(vitals)
    if share < 8 or (gap < 0.15 and rises < 0.05):
        return None
    return (
        min(0.82, 0.6 + share / 200),
        message(
            "%(n_parameters)s inner parameters for %(n_tokens)s tokens, %(share)s for each; the loss on held-out text "
            "is %(gap)s above that on training text",
            n_parameters=f"{vitals.n_parameters:,}",
            n_tokens=f"{vitals.n_tokens:,}",
            share=f"{share:.0f}",
            gap=f"{gap:.0%}",
        ),
        message("Add text; until then a smaller model (--size tiny, --model.d_model) and fewer --steps."),
    )


def over_fitting(vitals: Vitals) -> Judged:
    rises, gap = _rise(vitals.valid), _gap(vitals)
    if rises < 0.03 or gap < 0.1:
        return None
    step, least = min(vitals.valid, key=lambda point: point[1])
    return (
        min(0.72, 0.5 + rises),
        message(
            "the loss on held-out text was %(least)s at step %(step)s and is %(end)s at the end, %(gap)s above that on "
            "training text",
            least=f"{least:.2f}",
            step=step,
            end=f"{vitals.valid[-1][1]:.2f}",
            gap=f"{gap:.0%}",
        ),
        message(
            "The best checkpoint is kept and used. For a better one: more text, --model.dropout, or --train.patience 3."
        ),
    )


CAUSES: dict[Message, Callable[[Vitals], Judged]] = {
    message("the labels are shifted"): labels_shifted,
    message("the embeddings are frozen"): embeddings_frozen,
    message("held-out documents stand in the training text"): duplicates_across_splits,
    message("the tokenizer does not fit the text"): wrong_tokenizer,
    message("the end marks are missing"): end_marks_missing,
    message("many units are dead"): dead_units,
    message("the learning rate is too high"): rate_too_high,
    message("the learning rate is too low"): rate_too_low,
    message("there was no warm-up"): no_warm_up,
    message("the rows were not shuffled"): not_shuffled,
    message("there is far too little text"): far_too_little_data,
    message("the model over-fits"): over_fitting,
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

    Each loss counts as a share of the mean over an epoch's length around it, so that a falling loss explains nothing,
    and what comes back with every epoch is left whole. (0, 0) below three epochs: the first, and half of the last, give
    no such mean or fall too fast.
    """
    period = vitals.steps_per_epoch
    points = [(step, loss) for step, loss in vitals.train if step > period - period // 2]
    steps = [step for step, _ in points]
    sums = [0.0, *accumulate(loss for _, loss in points)]
    bins: dict[int, list[float]] = {}
    told: list[int] = []
    for step, loss in points:
        if step <= period or step + period // 2 > steps[-1]:
            continue
        first, end = bisect_left(steps, step - period // 2), bisect_left(steps, step - period // 2 + period)
        around = (sums[end] - sums[first]) / (end - first)
        bins.setdefault((step - 1) % period * N_BINS // period, []).append(loss / around - 1)
        told.append(step)
    if not told or told[-1] - told[0] + 1 < 1.5 * period or len(told) < N_BINS * (told[-1] - told[0] + 1) / period:
        return 0.0, 0.0
    rest = [value for values in bins.values() for value in values]
    total = sum(value * value for value in rest)
    between = sum(len(values) * fmean(values) ** 2 for values in bins.values())
    by_chance = (len(bins) - 1) / max(1, len(rest) - 1)
    means = [fmean(values) for values in bins.values()]
    return (between / total - by_chance if total else 0.0), max(means) - min(means)
