"""Why a model loops, or never ends: one function a cause, pure, on what was measured. Room: evaluation/.

Called by writing.py. A cause is told where texts loop more than people's do, or never end though people's do. What was
tried (the same model written from otherwise) and what was measured directly (the end mark) is stronger than what a
curve suggests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textmill.messages import Message, message
from textmill.results import Finding, WritingScore, finding

MARGIN = 0.02  # above the loop rate of people's text
FAR = 0.10  # above the floor, as a share of its bits per byte: a model that learned anything of the text is not
FALLING = 0.05  # of the loss, in the last quarter of the steps
ENDS = 0.1  # so many of people's texts end at least, before it is strange that the model's do not
ENDS_LESS = 5  # times less often
FEW_MARKS = 5

Judged = tuple[float, Message, Message] | None


@dataclass(frozen=True)
class Facts:
    """What the causes are judged by; None: not known."""

    bpb: float | None
    floor_bpb: float | None
    """Of the n-gram model, on the same text."""
    fall: float | None
    """Of the loss in the last quarter of the steps, as a share."""
    mark_probability: float | None
    """Of the end mark where held-out documents end."""
    mark_share: float
    """End marks among the held-out tokens."""
    uniform: float
    """The probability of a token that is guessed."""
    n_marks: int
    """In the training part."""

    def told(self) -> dict[str, float | None]:
        return {key: value for key, value in vars(self).items() if key != "uniform"}


def loops_more(score: WritingScore, people: float) -> bool:
    """The loop rate is, beyond chance, more than MARGIN above that of people's text."""
    return score.loop_interval[0] > people + MARGIN


def causes_of(
    facts: Facts, score: WritingScore, people: WritingScore, sampled: WritingScore, greedy: WritingScore, where: str
) -> list[Finding]:
    """The causes that what was measured speaks for, the likeliest first; none where there is nothing to explain."""
    loops = loops_more(score, people.loop_rate)
    found: list[tuple[Message, Judged]] = [(message("no end mark"), no_end_mark(facts, people, sampled, loops))]
    if loops:
        found.append((message("undertrained"), undertrained(facts, sampled, people)))
        found.append((message("decoding"), decoding(score, people, sampled)))
    judged = [(what, each) for what, each in found if each is not None]
    judged.sort(key=lambda pair: -pair[1][0])
    return [
        finding(what, where, "cause", evidence, remedy, round(strength, 3))
        for what, (strength, evidence, remedy) in judged
    ]


def undertrained(facts: Facts, sampled: WritingScore, people: WritingScore) -> Judged:
    """Far above the floor, or still falling fast; surer where it loops at temperature 1 too."""
    far = facts.floor_bpb is not None and facts.bpb is not None and facts.bpb > (1 + FAR) * facts.floor_bpb
    falls = facts.fall is not None and facts.fall > FALLING
    if not far and not falls:
        return None
    at_one = loops_more(sampled, people.loop_rate)
    evidence = (
        message(
            "it needs %(bpb)s bits per byte of held-out text, counting n-grams %(floor)s",
            bpb=f"{facts.bpb:.2f}",
            floor=f"{facts.floor_bpb:.2f}",
        )
        if far
        else message("in the last quarter of the steps the loss still fell by %(fall)s", fall=f"{facts.fall:.0%}")
    )
    strength = (0.85 if far else 0.7) + (0.05 if at_one else 0.0)
    return strength, evidence, message("Train longer: more --steps or --minutes.")


def decoding(score: WritingScore, people: WritingScore, sampled: WritingScore) -> Judged:
    """It loops as it is written from now, and not at temperature 1."""
    if loops_more(sampled, people.loop_rate) or sampled.loop_rate > score.loop_rate / 2:
        return None
    return (
        0.8,
        message(
            "%(now)s of its texts loop as they are written now, %(sampled)s at temperature 1 without any cut",
            now=f"{score.loop_rate:.0%}",
            sampled=f"{sampled.loop_rate:.0%}",
        ),
        message("Let more chance in: a higher --temperature or --top-p, or --no-repeat 8; --choose tries them."),
    )


def no_end_mark(facts: Facts, people: WritingScore, sampled: WritingScore, loops: bool) -> Judged:
    """People's texts end and the model's never do, and the mark is held less likely than one that is guessed, even
    where documents end; or there were next to no marks to learn from."""
    remedy = message(
        "Let each document end: a file, record or line each, so that an end mark follows it; prepare and train anew."
    )
    rare = min(facts.mark_share, facts.uniform) / 2
    known = facts.mark_probability
    if people.ended >= ENDS and sampled.ended < people.ended / ENDS_LESS and known is not None and known < rare:
        return (
            0.95,
            message(
                "%(people)s of people's texts end within so many tokens, of the model's %(model)s; where documents "
                "end, it gives the end mark a probability of %(mark)s (training text: %(n)s marks)",
                people=f"{people.ended:.0%}",
                model=f"{sampled.ended:.0%}",
                mark=f"{known:.1e}",
                n=f"{facts.n_marks:,}",
            ),
            remedy,
        )
    if loops and facts.n_marks <= FEW_MARKS and sampled.ended == 0:
        return (
            0.5,
            message("the training text is %(n)s documents, so hardly any end was seen", n=facts.n_marks),
            remedy,
        )
    return None


def still_falling(lines: Sequence[dict[str, Any]]) -> float | None:
    """Of the lines of a log: by which share the loss fell in the last quarter of the steps, by the validation where it
    was measured often enough, else by the training batches; None where there are too few.

    The means of the last tenth and of the tenth before the last quarter: a batch is no curve.
    """
    for name in ("eval/loss", "train/loss"):
        points = [(line["step"], line[name]) for line in lines if name in line and math.isfinite(line[name])]
        if len(points) < 8:
            continue
        last = points[-1][0]
        near = [loss for step, loss in points if step > 0.9 * last]
        before = [loss for step, loss in points if 0.65 * last < step <= 0.75 * last] or [
            loss for step, loss in points if step <= 0.75 * last
        ][-1:]
        if near and before:
            then, now = math.fsum(before) / len(before), math.fsum(near) / len(near)
            return (then - now) / then if then else None
    return None
