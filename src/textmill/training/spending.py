"""A run with a budget: what is left open is timed, chosen and written down; later, planned anew once. Room: training/.

Called by session and dry_run. calibration.py measures and budget.py chooses; here both meet the clock and the text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from textmill.config import Config
from textmill.config.model import sizes_of
from textmill.config.train import two_lengths
from textmill.models.ngram import MAX_TOKENS
from textmill.runs import Prepared, device_named
from textmill.tables import TASK_FORMS
from textmill.tasks.mask import N_PASSES
from textmill.training.budget import (
    CALIBRATION_SHARE,
    DEFAULT_MINUTES,
    DRIFT_TOLD,
    SIZES_TRIED,
    Around,
    Choice,
    Speed,
    Text,
    choose,
    is_due,
    replanned,
    with_speed,
)
from textmill.training.defaults import N_LANES, TARGETS_PER_UPDATE, decide, is_anothers
from textmill.training.fitting import Facts, Room, fitted, needed
from textmill.training.processor import multiplies_in_bfloat16
from textmill.training.schedule import Plan
from textmill.training.teaching import Teaching

N_EVALUATIONS = 10
START_UP_S = 3.0
"""Python and its libraries, before the clock can be read."""
REPORT_S = 5.0
FINAL_SAMPLE_TOKENS = 300
TFIDF_S, TFIDF_S_A_BYTE = 5.0, 9e-6
"""Of the floor of a classifier: from fits on 70 kB and on 3.4 MB."""
TFIDF_S_A_BYTE_OF_STORIES = 1e-6
"""From fits on 0.8 to 4.9 MB of stories."""
TOKENS_FOUND_AS_ONE_WRITTEN = 10
"""Tokens of held-out pairs, both sides counted, that are searched in the time of writing one: from two runs."""


@dataclass(frozen=True)
class Stopwatch:
    """A clock, and when the work began. Tests set the clock."""

    now: Callable[[], float] = time.perf_counter
    started: float = 0.0
    earlier_s: float = 0.0
    """What another run took of the same time."""

    @classmethod
    def start(cls, now: Callable[[], float] = time.perf_counter, earlier_s: float = 0.0) -> Stopwatch:
        return cls(now, now() - START_UP_S - earlier_s, earlier_s)

    @property
    def since_start_s(self) -> float:
        """Since the clock could be read."""
        return self.elapsed_s - START_UP_S - self.earlier_s

    @property
    def elapsed_s(self) -> float:
        return self.now() - self.started


def with_length(config: Config) -> tuple[Config, list[str]]:
    """The config with a length of training, and what there is to say of it. Raises ConfigError for two lengths."""
    train = config.train
    if train.minutes is None:
        if train.steps is not None or train.epochs is not None:
            return config, []
        minutes = config.train.model_copy(update={"minutes": DEFAULT_MINUTES})
        told = f"--steps, --epochs and --minutes are unsaid: --minutes {DEFAULT_MINUTES:g}"
        return config.model_copy(update={"train": minutes}), [told]
    if train.steps is not None:
        told = f"train.minutes ({train.minutes:g}) is a note: train.steps ({train.steps:,}) says how long to train"
        return config, [told]
    if train.epochs is not None:
        raise two_lengths("train.epochs", "train.minutes")
    return config, []


def has_budget(config: Config) -> bool:
    """Whether the number of steps is to be found from minutes."""
    return config.train.minutes is not None and config.train.steps is None


def open_sizes(config: Config, said: Collection[str]) -> list[str]:
    """The sizes to choose from: one alone where it, or a knob that it stands for, was said."""
    form = TASK_FORMS[config.task.name]
    sizes = sizes_of(form).get(config.model.arch, {})
    stands_for = {f"model.{name}" for size in sizes.values() for name in size}
    settled = {"model.size", "model.n_kv_heads", "model.d_ff"} | stands_for
    if not sizes or config.data.stories or settled & set(said):
        return [config.model.size]
    return list(SIZES_TRIED[form])


def open_precisions(config: Config) -> list[str]:
    """The precisions to choose from; first the one that is likely to be faster. config: undecided."""
    if config.train.precision != "auto":
        return [config.train.precision]
    return ["bfloat16", "float32"] if multiplies_in_bfloat16(config.machine.device) else ["float32"]


def with_size(config: Config, size: str) -> Config:
    if size == config.model.size:
        return config
    knobs = {"size": size} | sizes_of(TASK_FORMS[config.task.name])[config.model.arch][size]
    return config.model_copy(update={"model": config.model.model_copy(update=knobs)})


def with_train(config: Config, **knobs: Any) -> Config:
    return config.model_copy(update={"train": config.train.model_copy(update=knobs)})


def candidates_told(sizes: list[str], precisions: list[str]) -> str:
    """`tiny, small and base in bfloat16 and float32`."""
    return f"{' and '.join([', '.join(sizes[:-1]), sizes[-1]] if sizes[1:] else sizes)} in {' and '.join(precisions)}"


def compiling_told(speed: Speed) -> str:
    """`, compiled in 12 s`, or nothing."""
    return "" if speed.compile_s is None else f", compiled in {speed.compile_s:.3g} s"


@dataclass
class Budget:
    """The time that a run may take, and what it was planned to be spent on."""

    minutes: float
    watch: Stopwatch
    text: Text
    choice: Choice
    speeds: list[Speed]
    left_out: list[str]
    calibrated_s: float
    is_replanned: bool = False
    warm_up_s: float = 0.0
    """What compiling took in the run itself: no later update takes it."""
    changes: list[dict[str, int]] = field(default_factory=list)
    training_from: float = field(init=False)

    def __post_init__(self) -> None:
        self.training_from = self.watch.now()
        self.planned_s = self.watch.elapsed_s + self.choice.expected_s

    def begin_training(self) -> None:
        self.training_from = self.watch.now()

    def steps_for(self, plan: Plan, done: int) -> int:
        """The number of steps after `done` updates: the plan's, or, once, another that fits better."""
        end = self.watch.started + 60 * self.minutes - self.choice.after_s
        spent_s = self.watch.now() - self.training_from
        if self.is_replanned or not is_due(plan, done, spent_s, end - self.training_from):
            return plan.steps
        self.is_replanned = True
        left_s = end - self.watch.now()
        paced_s = max(0.0, spent_s - self.warm_up_s)
        steps = replanned(plan, done, paced_s, left_s, self.text.useful_steps(self.choice.batch))
        self.planned_s = self.watch.elapsed_s + (steps - done) * paced_s / done + self.choice.after_s
        if steps != plan.steps:
            self.changes.append({"at": done, "from": plan.steps, "to": steps})
        return steps

    def told(self) -> list[str]:
        """What was measured and what was chosen."""
        timed = ", ".join(
            f"{speed.size} in {speed.precision} {speed.update_s:.3g} s ({speed.batch} rows{compiling_told(speed)})"
            for speed in self.speeds
        )
        lines = [f"calibrated in {self.calibrated_s:.1f} s; an update takes: {timed}"]
        if self.left_out:
            more = f"{', '.join(self.left_out)}: too slow to be timed in a tenth of {self.minutes:g} minutes"
            lines.append(f"{more}, so too slow to be trained in it")
        choice = self.choice
        passes = choice.steps / self.text.steps_per_epoch(choice.batch)
        chosen = (
            f"{self.minutes:g} minutes: size {choice.size}, {choice.batch} rows a micro-batch, {choice.precision}, "
            f"{choice.steps:,} steps, {passes:.3g} passes over the text; the best by validation is kept"
        )
        if choice.n_fitting < 1:
            chosen += "; what comes before and after training takes longer than that: one step is made all the same"
        elif choice.steps < choice.n_fitting:
            chosen += f"; more passes do no good: about {self.planned_s / 60:.2g} minutes are needed"
        return [*lines, chosen]

    def facts(self) -> dict[str, Any]:
        """For run.json."""
        return {
            "minutes": self.minutes,
            "calibrated_s": round(self.calibrated_s, 2),
            "speeds": [
                {
                    "size": speed.size,
                    "precision": speed.precision,
                    "batch": speed.batch,
                    "update_s": [round(seconds, 5) for seconds in speed.seconds],
                    **({} if speed.compile_s is None else {"compile_s": round(speed.compile_s, 2)}),
                }
                for speed in self.speeds
            ],
            "left_out": self.left_out,
            "planned_s": round(self.planned_s, 1),
            "steps_changed": self.changes,
        }

    def outcome(self, train_s: float, n_updates: int) -> tuple[str, dict[str, float]]:
        """How it came out, as a sentence and for run.json. train_s: of all updates."""
        took_s = self.watch.elapsed_s
        miss = took_s / self.planned_s - 1
        drift = (train_s - self.warm_up_s) / n_updates / self.choice.update_s - 1
        told = f"it took {took_s / 60:.2f} of {self.minutes:g} minutes"
        if abs(drift) > DRIFT_TOLD:
            slower = "slower" if drift > 0 else "faster"
            told += (
                f", {abs(miss):.0%} {'more' if miss > 0 else 'less'} than planned; an update was {abs(drift):.0%} "
                f"{slower} than when the machine was calibrated"
            )
        return told, {"took_s": round(took_s, 1), "miss": round(miss, 4), "drift": round(drift, 4)}


def with_budget(
    config: Config,
    said: Collection[str],
    prepared: Prepared,
    n_rows: int,
    watch: Stopwatch,
    notice: Callable[[str], None],
    room: Room | None = None,
    begun: Collection[str] = (),
    teaching: Teaching | None = None,
) -> tuple[Config, Budget]:
    """The config with size, precision, batch and steps chosen by measuring this machine. config: has minutes alone.

    room: memory there is; sizes that do not fit into it are not tried. Raises ConfigError where the smallest does not.
    begun: tensors that another run gives. teaching: by a teacher, who reads along with every update that is timed.
    """
    from textmill.training.calibration import calibrate, counting_s

    device = device_named(config.machine.device)
    teacher = None if teaching is None else teaching.teacher(config, device)

    n_tokens, n_texts = prepared.train.n_tokens, prepared.train.n_documents
    minutes = config.train.minutes or DEFAULT_MINUTES
    limit_s = CALIBRATION_SHARE * 60 * minutes
    sizes, precisions = open_sizes(config, said), open_precisions(config)
    if room is not None:
        config, sizes = with_room(config, sizes, prepared, n_rows, room, notice)
    tried = {size: decide(with_size(config, size), n_tokens, n_rows, n_texts)[0] for size in sizes}
    then = ", then what is chosen is compiled" if config.train.compile else ""
    notice(f"calibrating for {limit_s:.3g} s at most: {candidates_told(sizes, precisions)}{then} …")
    start_s = watch.now()
    count_s = counting_s(prepared, watch.now)
    speeds, left_out = calibrate(
        list(tried.values()), precisions, prepared, limit_s, watch.now, begun=begun, teacher=teacher
    )

    first = tried[sizes[0]]
    n_labels = n_texts if config.data.labelled or config.data.questions else None
    text = Text(n_tokens, n_rows, config.train.accumulate, least_batch(config, first), n_labels, is_anothers(config))
    around = around_of(config, prepared, count_s)
    choice = choose(speeds, text, around, 60 * minutes - watch.elapsed_s)
    config = with_train(with_size(config, choice.size), precision=choice.precision, batch=choice.batch)
    if choice.batch != first.train.batch or config.train.compile:
        left_s = max(0.0, limit_s - (watch.now() - start_s))
        chosen = [decide(config, n_tokens, n_rows, n_texts)[0]]
        compiles = config.train.compile
        again, _ = calibrate(chosen, [choice.precision], prepared, left_s, watch.now, compiles, begun, teacher)
        speeds += again
        choice = with_speed(choice, again[0], text, 60 * minutes - watch.elapsed_s)
    budget = Budget(minutes, watch, text, choice, speeds, left_out, watch.now() - start_s)
    return with_train(config, steps=choice.steps), budget


def with_room(
    config: Config, sizes: list[str], prepared: Prepared, n_rows: int, room: Room, notice: Callable[[str], None]
) -> tuple[Config, list[str]]:
    """The sizes that fit into memory; where the smallest does not, it alone, in the micro-batches of train.fit."""
    facts = Facts.of(prepared.tokenizer, device_named(config.machine.device), n_rows)
    for number, size in enumerate(sizes):
        decided, _ = decide(with_size(config, size), prepared.train.n_tokens, n_rows, prepared.train.n_documents)
        if room.holds(needed(decided, facts)):
            continue
        if number:
            notice(f"{' and '.join(sizes[number:])} would not fit into memory, {room}: not tried")
            return config, sizes[:number]
        smaller, told = fitted(decided, facts, room)
        for line in told:
            notice(line)
        return with_train(config, batch=smaller.train.batch, accumulate=smaller.train.accumulate), [size]
    return config, sizes


def least_batch(config: Config, decided: Config) -> int | None:
    """Rows below which the batch is not halved; None where it was said, and of stories."""
    if config.train.batch is not None or config.data.stories:
        return None
    return N_LANES[0] if decided.train.order == "stream" else -(-TARGETS_PER_UPDATE[0] // decided.model.seq_len)


def floor_of_labels_s(n_bytes: int, of_stories: bool = False) -> float:
    """Seconds that tf-idf takes for so much labelled text, to be fitted and to answer."""
    return TFIDF_S + (TFIDF_S_A_BYTE_OF_STORIES if of_stories else TFIDF_S_A_BYTE) * min(n_bytes, MAX_TOKENS)


def around_of(config: Config, prepared: Prepared, count_s: float) -> Around:
    """What else the run will do. count_s: of an n-gram model, for a token."""
    held_out = prepared.test or prepared.valid
    n_valid = prepared.valid.n_tokens if prepared.valid else 0
    n_final = held_out.n_tokens if held_out else 0
    n_bytes = held_out.n_bytes if held_out else 0
    n_counted = min(prepared.train.n_tokens, MAX_TOKENS) + min(prepared.train.n_bytes, MAX_TOKENS)
    if config.task.is_of_masks:
        floor_s = 0.0
    elif config.data.labelled:
        floor_s = floor_of_labels_s(prepared.train.n_bytes + n_bytes, bool(config.data.stories))
    elif config.data.questions:
        floor_s = 0.0  # baselines of answers are fitted on nothing
    else:
        floor_s = (n_counted + n_final + n_bytes) * count_s
    n_readings = N_PASSES if config.task.is_of_masks else 1
    n_read = min(n_valid * n_readings, config.train.eval_tokens or n_valid * n_readings)
    return Around(
        read_during=N_EVALUATIONS * n_read,
        written_during=N_EVALUATIONS * config.train.sample_tokens,
        read_after=n_final * n_readings,
        written_after=FINAL_SAMPLE_TOKENS + (n_final // TOKENS_FOUND_AS_ONE_WRITTEN if config.data.pairs else 0),
        after_s=REPORT_S + floor_s,
    )
