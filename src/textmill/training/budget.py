"""Minutes -> a size, a batch, a precision and a number of steps: pure functions of measured speeds. Room: training/.

calibration.py measures, session.py applies; nothing here looks at a clock. Why these rules: decision 013. Unsaid,
`s` is seconds, and an update reads `batch` rows `accumulate` times.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from textmill.training.defaults import N_EPOCHS_MOST, N_UPDATES_LEAST, PARAMETERS_A_TOKEN, epochs_of_labels
from textmill.training.schedule import Plan

DEFAULT_MINUTES = 10.0
CALIBRATION_SHARE = 0.1
SIZES_TRIED = {
    "decoder": ("tiny", "small", "base"),
    "encoder-decoder": ("tiny", "small", "base"),
    "encoder": ("micro",),
}
"""By form. A classifier of the next size was five times slower and no better in the same minutes, on 67,000 labels."""
TOKENS_A_PARAMETER = 10
"""Read in training, at least, before a larger size is taken."""
N_UPDATES_WANTED = 300
"""Where fewer fit, the batch is halved."""
PRECISION_GAIN = 1.03
"""float32 is kept where bfloat16 is not faster by so much."""
DRIFT_TOLD = 0.1
CHANGE_LEAST = 0.02
"""Of the steps: less is not planned anew."""
FORWARD_SHARE = 1 / 3
"""Of an update's time, to read the same tokens without learning."""


@dataclass(frozen=True)
class Speed:
    """What was timed of one size in one precision."""

    size: str
    precision: str
    n_parameters: int
    """Besides embeddings and head."""
    batch: int
    seconds: tuple[float, ...]
    """Of an update, one mean for each round."""
    written_s: float
    """Of a token of a sample."""
    compile_s: float | None = None
    """What compiling took before; None = it is not compiled."""

    @property
    def update_s(self) -> float:
        return sum(self.seconds) / len(self.seconds)


@dataclass(frozen=True)
class Text:
    """What is trained on."""

    n_tokens: int
    """Training targets."""
    n_rows: int
    accumulate: int = 1
    least_batch: int | None = None
    """Rows below which the batch is not halved; None = the batch was said."""
    n_labels: int | None = None
    """Of labelled texts and of questions, how many: what there is to learn is as much, however long they are. None = of
    others."""
    anothers: bool = False
    """The run begins with a model that others trained."""

    def steps_per_epoch(self, batch: int) -> int:
        return math.ceil(self.n_rows / (batch * self.accumulate))

    def useful_steps(self, batch: int) -> int:
        """More passes over the text than these do no good."""
        n_epochs = N_EPOCHS_MOST if self.n_labels is None else epochs_of_labels(self.n_labels, self.anothers)
        return max(N_UPDATES_LEAST, n_epochs * self.steps_per_epoch(batch))

    def targets(self, batch: int) -> float:
        """Of an update."""
        return self.n_tokens / self.steps_per_epoch(batch)


@dataclass(frozen=True)
class Around:
    """What else has to be done in the time, while the model trains and after: tokens that it reads and writes."""

    read_during: int
    written_during: int
    read_after: int
    written_after: int
    after_s: float
    """For what no model does: the floor, the report."""


@dataclass(frozen=True)
class Choice:
    """What the time is spent on."""

    size: str
    precision: str
    batch: int
    steps: int
    update_s: float
    n_fitting: int
    """Updates that the time would allow."""
    during_s: float
    after_s: float
    compile_s: float = 0.0

    @property
    def expected_s(self) -> float:
        return self.compile_s + self.steps * self.update_s + self.during_s + self.after_s


def choose(speeds: Sequence[Speed], text: Text, around: Around, seconds: float) -> Choice:
    """The largest size that reads enough text in the time and has enough of it; as many updates as fit and are useful.

    speeds: of the smallest size first. seconds: left from now on for training and all that follows.
    """
    by_size: dict[str, list[Speed]] = {}
    for speed in speeds:
        by_size.setdefault(speed.size, []).append(speed)
    planned = [planned_with(faster(same), text, around, seconds) for same in by_size.values()]
    chosen = planned[0]
    for choice in planned[1:]:
        n_parameters = by_size[choice.size][0].n_parameters
        n_read = choice.steps * text.targets(choice.batch)
        n_learnt = text.n_tokens if text.n_labels is None else text.n_labels
        enough_text = n_parameters <= PARAMETERS_A_TOKEN * n_learnt
        if enough_text and n_read >= TOKENS_A_PARAMETER * n_parameters:
            chosen = choice
    return chosen


def faster(speeds: Iterable[Speed]) -> Speed:
    """Of one size: the precision that is faster; float32 where it hardly matters."""
    by_precision = {speed.precision: speed for speed in speeds}
    best = min(by_precision.values(), key=lambda speed: speed.update_s)
    exact = by_precision.get("float32", best)
    return best if best.update_s * PRECISION_GAIN < exact.update_s else exact


def planned_with(speed: Speed, text: Text, around: Around, seconds: float) -> Choice:
    """Batch and steps of one size. A smaller batch is taken to need as much less time as it has fewer rows."""
    row_s = speed.update_s / speed.batch
    read_s = FORWARD_SHARE * speed.update_s / text.targets(speed.batch)
    during_s = around.read_during * read_s + around.written_during * speed.written_s
    after_s = around.after_s + around.read_after * read_s + around.written_after * speed.written_s
    batch = speed.batch
    left_s = seconds - during_s - after_s
    while text.least_batch is not None and batch // 2 >= text.least_batch and left_s < N_UPDATES_WANTED * row_s * batch:
        batch //= 2
    n_fitting = max(0, int(left_s / (row_s * batch)))
    steps = max(1, min(n_fitting, text.useful_steps(batch)))
    return Choice(speed.size, speed.precision, batch, steps, row_s * batch, n_fitting, during_s, after_s)


def with_speed(choice: Choice, speed: Speed, text: Text, seconds: float) -> Choice:
    """The same choice after it was timed itself, with its own batch and compiled where it will be: the steps follow."""
    compile_s = speed.compile_s or 0.0
    n_fitting = max(0, int((seconds - choice.during_s - choice.after_s - compile_s) / speed.update_s))
    steps = max(1, min(n_fitting, text.useful_steps(choice.batch)))
    return replace(choice, update_s=speed.update_s, n_fitting=n_fitting, steps=steps, compile_s=compile_s)


def is_due(plan: Plan, done: int, spent_s: float, allowed_s: float) -> bool:
    """Whether to plan anew after `done` updates: at half of the time, or before the number of steps has had an effect.

    spent_s of allowed_s: of the time for training and what is measured meanwhile.
    """
    last = plan.open_until
    if not 0 < done <= last:
        return False
    return done == last or spent_s >= min(0.5, last / plan.steps) * allowed_s


def replanned(plan: Plan, done: int, spent_s: float, left_s: float, useful: int) -> int:
    """The number of steps that fits, `done` having taken spent_s: no fewer than leave all rates so far as they were.

    plan.steps where it is hardly another.
    """
    steps = min(done + int(left_s * done / spent_s), useful) if spent_s > 0 else plan.steps
    steps = max(steps, done + 1, plan.warmup_steps + 1)
    while replace(plan, steps=steps).open_until < done:
        steps += 1
    return plan.steps if abs(steps - plan.steps) < CHANGE_LEAST * plan.steps else steps
