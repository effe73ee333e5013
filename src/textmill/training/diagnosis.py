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

import numpy as np
from numpy.typing import NDArray

from textmill.messages import Message, message
from textmill.results import Finding, finding
from textmill.training.vitals import Points, Vitals

Judged = tuple[float, Message, Message] | None
N_POINTS_LEAST = 8  # of a curve, before anything is read from it
N_BINS = 8  # of an epoch
N_BEGINNING = 20  # steps
BLOW = 1.2  # of the first loss: what a first step at the full rate may do, if not at once
MEMORIES = (0.02, 0.1)  # of the text: what is new beside so much before it makes the loss jump
N_POINTS_A_COLUMN = 8  # of a curve, for each fact that is to explain it: fewer are explained by anything
STANDING = 0.03  # as a share: losses that differ by less are one level
GAIN = 0.045  # of a few updates at a low rate: what stands so far above where it could be is held there by its rate
FORGOTTEN = 0.3  # so far the loss on what was read before lies above that on the last quarter of a pass
PASSES_OF_A_SHORT_TEXT = 25  # a text that is read so often is short for its steps
WEIGHTS_OF_A_TOKEN = 20  # from there on there is too little text, however often it is read
N_SHIFTS = 16  # by which what stands in the text is moved against the curve, to see what chance explains


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
    if vitals.copied is None or vitals.copied_in_part is None:
        return None
    share = vitals.copied + vitals.copied_in_part
    if vitals.copied < 0.02 and share < 0.1:  # a passage that several texts have is no fault
        return None
    return (
        min(0.96, 0.8 + share / 4),
        message(
            "%(share)s of the held-out documents stand in the training text: the validation loss is too good",
            share=f"{share:.0%}",
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
    train = _evenly(vitals.train)
    if len(train) < N_POINTS_LEAST or vitals.moved < 0.5:
        return None
    smooth, end = _smooth(train), _end(train)
    above = sum(loss > vitals.unigram_nats for loss in smooth) / len(smooth)
    first, worst = train[0][1], max(loss for step, loss in vitals.train if step <= max(N_BEGINNING, train[-1][0] // 8))
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
    if held_up(vitals):
        gained = vitals.gained or 0.0
        return (
            min(0.86, 0.75 + gained / 2),
            message(
                "the loss stands at %(end)s (halfway: %(level)s), and a few updates at a low rate lower it by "
                "%(gained)s",
                end=f"{smooth[-1]:.2f}",
                level=f"{smooth[len(smooth) // 2]:.2f}",
                gained=f"{gained:.1%}",
            ),
            message("Train under another --name with a third of the rate (--train.lr), and let it fall to nothing."),
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


def held_up(vitals: Vitals) -> bool:
    """The loss stands, and falls at once where the rate is low."""
    smooth = _smooth(_evenly(vitals.train))
    if vitals.gained is None or len(smooth) < 2:
        return False
    return vitals.gained > GAIN and smooth[-1] > 0.9 * smooth[len(smooth) // 2]


def _stands_at_single_tokens(vitals: Vitals) -> bool:
    """The loss is what single tokens cost from the beginning on, calmly, and a low rate lowers nothing either. A rate
    that is too high swings above that, or lets something be learned once it has fallen."""
    later = [loss for step, loss in _evenly(vitals.train) if step > N_BEGINNING]
    if len(later) < N_POINTS_LEAST or vitals.gained is None or vitals.gained > GAIN:
        return False
    half = len(later) // 2
    levels = median(later[:half]), median(later[half:])
    return all(abs(level / vitals.unigram_nats - 1) < STANDING for level in levels) and (
        abs(levels[1] / levels[0] - 1) < STANDING / 2
    )


def rate_too_low(vitals: Vitals) -> Judged:
    """Weights that hardly moved, and a loss that is still falling."""
    train = _evenly(vitals.train)
    if len(train) < N_POINTS_LEAST or train[-1][0] <= N_BEGINNING or vitals.moved > 0.12:
        return None
    smooth = _smooth(train)
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
    """The very first step moved the loss far, and harm was done: nearly as far as any other step, or a blow fell within
    the beginning and nothing was learned from then on, at a rate that is not what holds the loss up."""
    losses = [loss for number, (step, loss) in enumerate(vitals.train, start=1) if step == number]
    if len(losses) < N_POINTS_LEAST:
        return None
    losses = losses[: max(N_BEGINNING, len(losses) // 8)]
    changes = [abs(after - before) for before, after in pairwise(losses)]
    first, largest, end = changes[0], max(changes), _end(_evenly(vitals.train))
    if first < 0.05 * losses[0]:
        return None
    remedy = message(
        "Let the rate rise slowly: --train.warmup_steps a twentieth of the steps; train under another --name."
    )
    if first < 0.35 * largest:
        if max(losses) < BLOW * losses[0] or not _stands_at_single_tokens(vitals):
            return None
        return (
            0.9,
            message(
                "the first step took the loss from %(first)s to %(second)s, at step %(step)s it was %(worst)s; since "
                "the beginning it stands at %(end)s, what single tokens without any context cost (%(unigram)s)",
                first=f"{losses[0]:.2f}",
                second=f"{losses[1]:.2f}",
                step=losses.index(max(losses)) + 1,
                worst=f"{max(losses):.2f}",
                end=f"{end:.2f}",
                unigram=f"{vitals.unigram_nats:.2f}",
            ),
            remedy,
        )
    jumps = max(losses) > 1.1 * losses[0]
    if not (jumps or vitals.dead > 0.35 or end > 0.75 * vitals.unigram_nats):
        return None
    return (
        0.74 if held_up(vitals) else 0.94,  # a rate that is too high to the end begins so, too
        message(
            "the first step took the loss from %(first)s to %(second)s, the largest change of the beginning is "
            "%(largest)s; at the end the loss is %(end)s, and %(dead)s of the units of one layer are dead",
            first=f"{losses[0]:.2f}",
            second=f"{losses[1]:.2f}",
            largest=f"{largest:.2f}",
            end=f"{end:.2f}",
            dead=f"{vitals.dead:.0%}",
        ),
        remedy,
    )


def not_shuffled(vitals: Vitals) -> Judged:
    """A loss that goes up and down with the place in the epoch, in a run that says it shuffles."""
    if not vitals.shuffled:
        return None
    remedy = message(
        "The run was to shuffle and did not: see what orders its rows, or shuffle the text itself, and train anew."
    )
    train = _evenly(vitals.train)
    if len(train) < N_POINTS_LEAST:
        return None
    end = _end(train)
    lately, before = _read_lately(vitals.trained_nats, train[-1][0] / vitals.steps_per_epoch)
    if before > (1 + FORGOTTEN) * max(end, lately):
        return (
            0.89,
            message(
                "were the text read in its order, what was read last would cost these weights %(lately)s nats a token, "
                "and what was read before costs %(before)s: it is forgotten (the last steps read at %(end)s)",
                lately=f"{lately:.2f}",
                before=f"{before:.2f}",
                end=f"{end:.2f}",
            ),
            remedy,
        )
    explained, swing = _explained_by_text(vitals)
    if explained > 0.4 and swing > 0.06:
        return (
            min(0.9, 0.6 + explained / 2),
            message(
                "%(share)s of the ups and downs of the loss, some %(swing)s of it, follow what stands in the text, "
                "read in its order",
                share=f"{explained:.0%}",
                swing=f"{swing:.0%}",
            ),
            remedy,
        )
    explained, swing = _explained_by_place(vitals)
    if explained < 0.45 or swing < 0.04:
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
        remedy,
    )


def far_too_little_data(vitals: Vitals) -> Judged:
    share, rises = vitals.n_parameters / max(1, vitals.n_tokens), _rise(vitals.valid)
    gap = _gap(vitals)
    if share < 8 or (gap < 0.15 and rises < 0.05):
        return None
    by_heart = rises >= 0.03 and _turns_late(vitals.valid)  # there was something to learn, and fewer passes would do
    n_passes = vitals.train[-1][0] / vitals.steps_per_epoch if vitals.train else 0.0
    if share < WEIGHTS_OF_A_TOKEN and rises < 0.03 and gap < 0.5 and n_passes < PASSES_OF_A_SHORT_TEXT:
        return None  # the text was read some times, and it did no harm
    return (
        0.49 if by_heart else min(0.82, 0.6 + share / 200),
        message(
            "%(n_parameters)s inner parameters for %(n_tokens)s tokens, %(share)s for each; the loss on held-out text "
            "is %(gap)s above that on training text",
            n_parameters=f"{vitals.n_parameters:,}",
            n_tokens=f"{vitals.n_tokens:,}",
            share=f"{share:.0f}",
            gap=f"{gap:.0%}",
        ),
        message("Add text; until then a smaller model (--size micro, --model.d_model) and fewer --steps."),
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


def _evenly(points: Points) -> Points:
    """Of a curve whose beginning is logged more often, what is as far apart as its end."""
    steps = [step for step, _ in points]
    apart = int(median(after - before for before, after in pairwise(steps[len(steps) // 2 :]))) if len(steps) > 3 else 1
    return [point for point in points if point[0] in (1, steps[-1]) or point[0] % max(1, apart) == 0]


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


def _read_lately(nats: list[float], n_passes: float) -> tuple[float, float]:
    """Means over the places that the last quarter of a pass read, were the text read in its order; over the rest."""
    ages = [(n_passes - (number + 0.5) / len(nats)) % 1.0 for number in range(len(nats))]
    lately = [spent for spent, age in zip(nats, ages, strict=True) if age < 0.25]
    before = [spent for spent, age in zip(nats, ages, strict=True) if age >= 0.25]
    return (fmean(lately), fmean(before)) if lately and before else (0.0, 0.0)


def _turns_late(valid: Points) -> bool:
    """The lowest loss is not that of the first or the second measurement."""
    return min(range(len(valid)), key=lambda number: valid[number][1]) > 1 if valid else False


def _gap(vitals: Vitals) -> float:
    """How far the last loss on held-out text lies above that on training text, as a share of that."""
    if not vitals.valid or not vitals.train:
        return 0.0
    end = _end(_evenly(vitals.train))
    return (vitals.valid[-1][1] - end) / max(end, 1e-9)


def _explained_by_text(vitals: Vitals) -> tuple[float, float]:
    """(share of the ups and downs of the loss that is explained by what stands where a step would read, were the text
    read in its order; their size). (0, 0) where nearly as much is explained with the text moved on by a part of it.

    The ups and downs are what a line and a parabola in the logarithm of the step leave of the logarithm of the loss.
    """
    curve = _evenly(vitals.train)
    curve = [point for point in curve if point[0] > curve[-1][0] // 20] if curve else []
    if len(curve) < 3 * N_POINTS_LEAST or not vitals.places.any():
        return 0.0, 0.0
    steps, losses = (np.array(side, dtype=float) for side in zip(*curve, strict=True))
    logs = np.log(steps)
    trend = np.stack([np.ones_like(logs), logs, logs**2, steps], axis=1)
    rest = _left(np.log(np.maximum(losses, 1e-9))[:, None], trend)
    known = np.concatenate([*(_novelty(vitals.places, share) for share in MEMORIES), vitals.places], axis=1)
    if len(curve) < N_POINTS_A_COLUMN * known.shape[1]:
        known = known[:, : len(MEMORIES)]  # what is new moves the loss more than what is there
    first_steps = np.concatenate([[steps[0]], steps[:-1] + 1]).astype(int)

    def explained(moved_on: int) -> float:
        places = np.roll(known, moved_on, axis=0)
        read = [_read_between(places, a, b, vitals.steps_per_epoch) for a, b in zip(first_steps, steps, strict=True)]
        beyond = _left(np.stack(read), trend)
        after = _left(rest, beyond[:, beyond.std(axis=0) > 1e-9])
        n_left = len(curve) - trend.shape[1]
        share = 1 - float((after**2).sum() / max(float((rest**2).sum()), 1e-12))
        return float(1 - (1 - share) * n_left / max(1, n_left - known.shape[1]))  # beyond chance

    here = explained(0)
    others = [explained(len(known) * n // N_SHIFTS) for n in range(2, N_SHIFTS - 1)]
    if here < 1.2 * max(others):
        return 0.0, 0.0
    return here, 2 * float(rest.std()) * math.sqrt(max(0.0, here))


def _novelty(places: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """(N, 1) how far what stands at a place is from a running mean of what stands before it, the text read over and
    over. share: of the text, that the mean reaches back."""
    mean, weight, told = places.mean(axis=0), 1 / max(1.0, share * len(places)), np.zeros((len(places), 1))
    for _ in range(2):
        for number, place in enumerate(places):
            told[number] = np.linalg.norm(place - mean)
            mean = mean + weight * (place - mean)
    return told


def _read_between(places: NDArray[np.float64], first: int, last: float, period: int) -> NDArray[np.float64]:
    """(K,) the mean of what stands where steps first to last read, in a text of `period` steps."""
    steps = np.arange(first, int(last) + 1) - 1
    mean: NDArray[np.float64] = places[(steps % period) * len(places) // period].mean(axis=0)
    return mean


def _left(of: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left of columns when they are explained by others as well as may be (least squares)."""
    fitted: NDArray[np.float64] = by @ np.linalg.lstsq(by, of, rcond=None)[0]
    return of - fitted


def _explained_by_place(vitals: Vitals) -> tuple[float, float]:
    """(share of the variance within epochs that the place in the epoch explains, beyond chance; its swing).

    Each loss counts as a share of the mean over an epoch's length around it, so that a falling loss explains nothing,
    and what comes back with every epoch is left whole. (0, 0) below three epochs: the first, and half of the last, give
    no such mean or fall too fast.
    """
    period = vitals.steps_per_epoch
    points = [(step, loss) for step, loss in _evenly(vitals.train) if step > period - period // 2]
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
