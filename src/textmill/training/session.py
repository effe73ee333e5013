"""From a config to a run: create, continue or refuse the folder, then update, measure, save, close. Room: training/.

Called by the verbs train and demo, and from Python. What happens at which step is the Plan's; the loop is updates.py.
"""

from __future__ import annotations

import math
import platform
import resource
import shlex
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from textmill.config import Config
from textmill.config.layers import Loaded, merge_for_resume
from textmill.errors import Damaged, Diverged, InputError, Interrupted, RunError
from textmill.files import TEMPORARY, make_folder, misfits_told, write_atomically
from textmill.hub.exportable import refuse_unexportable
from textmill.metrics.loss import LossSum
from textmill.models import Network
from textmill.models.adapters import put_trained, trained_state
from textmill.models.cost import parameters
from textmill.results import FileLook
from textmill.runs import Checkpoint, Prepared, Run, RunLock, device_named, locked
from textmill.runs.checkpoint import GROUPS, folder_name
from textmill.runs.folder import START
from textmill.tasks import Task, task_of
from textmill.tasks.lm import BY_TEMPLATE
from textmill.tasks.prepare import prepare
from textmill.text import SplitPlan, plan_split
from textmill.text.documents import ANSWERED
from textmill.training.batching import batches_of
from textmill.training.beginning import new_model
from textmill.training.clock import Clock
from textmill.training.closing import close, write_samples
from textmill.training.compiling import WARNING, Compiled, WarmUp
from textmill.training.defaults import decide, decide_steps
from textmill.training.faults import (
    N_ROLLBACKS_MOST,
    RATE_FACTOR,
    LossWatch,
    all_finite,
    event,
    event_of,
)
from textmill.training.fitting import Facts, fitted, room_on, told_of_memory
from textmill.training.known_words import KnownWords, known_words
from textmill.training.naming import as_said, folder_of, named, with_kept_stdin
from textmill.training.optimizers import (
    WeightAverage,
    build_optimizers,
    load_optimizer_tensors,
    optimizer_tensors,
)
from textmill.training.pretraining import pretrained, seconds_of
from textmill.training.processor import available_processors, give_large_blocks_back
from textmill.training.progress import Listener, Progress, Quiet
from textmill.training.schedule import Plan
from textmill.training.signals import StopRequest, watch_signals
from textmill.training.spending import Budget, Stopwatch, has_budget, with_budget, with_length, with_train
from textmill.training.starting import Start, keep_start, started, taken_from
from textmill.training.teaching import Teaching, memory_of, put_teacher, refuse_other_classes, taught, told_of
from textmill.training.teaching import facts_of as teacher_facts
from textmill.training.updates import MicroBatches, Update, updates
from textmill.training.usage import Usage, logged, taken_off

VERSIONS_TOLD = ("textmill", "torch", "numpy", "tokenizers", "safetensors")


def train(
    wanted: Loaded | Config,
    *,
    fresh: bool = False,
    listener: Listener | None = None,
    now: Callable[[], float] = time.perf_counter,
    with_report: bool = True,
) -> Run:
    """Train the model that a config describes; the run folder is created, continued, or refused.

    The same config on an unfinished run continues it, to the bit; on a finished one it does nothing and says so.
    fresh: what is there is moved to RUNS/.replaced and the run starts anew.
    now: the clock of train.minutes, in seconds. with_report: write its page, card and pictures.
    Raises ConfigError, InputError, RunError, NoSpace, NoMemory; Diverged before weights change; Interrupted once all
    is saved.
    """
    listener, watch = listener or Quiet(), Stopwatch.start(now)
    loaded = wanted if isinstance(wanted, Loaded) else as_said(wanted)
    device_named(loaded.config.machine.device)  # refuses one that is not here, before any work
    with watch_signals() as stop:
        loaded = named(loaded)
        folder = folder_of(loaded.config)
        with locked(folder) as lock:
            there = (folder / "run.json").is_file()
            if not (fresh or there or is_free(lock.there)):
                raise RunError(
                    "the folder is there and is no run", where=str(folder), hint="Choose another --name, or --runs."
                )
            loaded = replace(loaded, config=with_kept_stdin(loaded.config))
            budget = None
            if there and not fresh:
                run, prepared = take_up(folder, loaded, listener)
            else:
                if loaded.config.train.pretrain:
                    loaded, watch = self_taught(loaded, fresh, listener, now, with_report)
                loaded, start = started(loaded)
                loaded, teaching = taught(loaded, start)
                for notice in start.run.notices if start is not None else ():
                    listener.notice(notice)
                refuse_unexportable(loaded.config)
                config, prepared, notes, budget, words = ready(loaded, listener, watch, start, teaching)
                if fresh and any(path.name != "lock" for path in folder.iterdir()):  # what cannot begin moves nothing
                    listener.notice(f"{folder} was moved to {move_away(folder, lock)}")
                run = begin(folder, config, prepared, budget, start, notes, words, teaching)
                for note in notes:
                    listener.notice(note)
            return work(run, prepared, stop, listener, budget, watch, with_report)


def self_taught(
    loaded: Loaded, fresh: bool, listener: Listener, now: Callable[[], float], with_report: bool
) -> tuple[Loaded, Stopwatch]:
    """The config of a run that begins from the one that is trained here first (train.pretrain), and a clock on which
    that one's share of the minutes is gone."""

    def first(wanted: Loaded) -> Run:
        return train(wanted, fresh=fresh, listener=listener, now=now, with_report=with_report)

    loaded = pretrained(loaded, listener.notice, first)
    return loaded, Stopwatch.start(now, seconds_of(loaded.config))


def is_free(there: set[str]) -> bool:
    """Whether a run may begin among these names: there are none, or those that one killed in its beginning left."""
    names = {name for name in there if not name.endswith(TEMPORARY)}
    left = {"lock", "config.toml", "tokenizer.json", "tokenizer.textmill.json", START}
    return not names or ("lock" in names and names <= left)


def move_away(folder: Path, lock: RunLock) -> Path:
    """Out of the way, not deleted: RUNS/.replaced/NAME-TIME."""
    aside = folder.parent / ".replaced" / f"{folder.name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    make_folder(aside.parent)
    lock.move_away(aside)
    return aside


def ready(
    loaded: Loaded,
    listener: Listener,
    watch: Stopwatch | None = None,
    start: Start | None = None,
    teaching: Teaching | None = None,
) -> tuple[Config, Prepared, list[str], Budget | None, KnownWords | None]:
    """Prepared text, the config with everything decided, what there is to say of it; the time it may take, and the
    vectors that its words begin with. start, teaching: the run to begin from, the one to learn from, whose tokenizer is
    taken."""
    config, told = with_length(loaded.config)
    for line in told:
        listener.notice(line)
    other = start or teaching
    tokenizer_of = None if other is None else other.run.tokenizer_folder(Path(config.run.dir) / ".data")
    prepared, config = prepared_text(config, Path(config.run.dir), listener, tokenizer_of=tokenizer_of)
    refuse_unexportable(config, prepared.tokenizer.kind)  # again: it is known now
    words = known_words(config, prepared)  # refuses what does not fit, before anything is timed
    begun: Collection[str] = ()
    if start is not None:
        begun = taken_from(start, config, prepared).tensors  # refuses what does not fit, before anything is timed
    if teaching is not None:
        refuse_other_classes(teaching, config, prepared)
    task = task_of(config)
    n_targets = prepared.train.n_tokens
    rows = task.rows(prepared.train, prepared.tokenizer, config)
    n_rows = len(rows)
    device = device_named(config.machine.device)
    teacher_bytes = 0 if teaching is None else memory_of(teaching, config)
    facts = Facts.of(prepared.tokenizer, device, n_rows, teacher_bytes=teacher_bytes)
    room = room_on(device, config.machine.threads or available_processors())
    budget = None
    if has_budget(config):
        watch = watch or Stopwatch.start()
        config, budget = with_budget(
            config, loaded.said, prepared, n_rows, watch, listener.notice, room, begun, teaching
        )
    config, notes = decide(config, n_targets, n_rows, prepared.train.n_documents)
    config, made_smaller = fitted(config, facts, room)
    config = decide_steps(config, task.sampler(rows, config).steps_per_epoch)
    return config, prepared, [*rows.notes, *notes, *made_smaller] + (budget.told() if budget else []), budget, words


def prepared_text(
    config: Config,
    runs: Path,
    listener: Listener,
    plan: SplitPlan | None = None,
    tokenizer_of: Path | None = None,
) -> tuple[Prepared, Config]:
    """The text under RUNS/.data, and the config with tokens decided. plan: its split, where it is known. tokenizer_of:
    the run whose tokenizer is taken, where none is learned."""
    try:
        return prepare(config, runs / ".data", listener.notice, plan, tokenizer_of)
    except FileExistsError:  # another run prepared the same text in the meantime
        return prepare(config, runs / ".data", listener.notice, plan, tokenizer_of)


def begin(
    folder: Path,
    config: Config,
    prepared: Prepared,
    budget: Budget | None = None,
    start: Start | None = None,
    notes: list[str] | None = None,
    words: KnownWords | None = None,
    teaching: Teaching | None = None,
) -> Run:
    """A new run folder that says all it will do before it does anything. notes: to which is added what it begins
    with, and what it learns from."""
    task = task_of(config)
    ledger = prepared.ledger
    tokenizer = prepared.tokenizer
    heads = task.heads_of(prepared.train)
    counts = parameters(config.model, tokenizer.vocab_size, task.form, tokenizer.source_vocab_size, heads)
    stores = prepared.stores
    info = {
        "format": 1,
        "kind": "network",
        "form": task.form,
        "heads": {name: dict(said) for name, said in heads.items()},
        "finished": False,
        "command": " ".join(shlex.quote(word) for word in ["textmill", *sys.argv[1:]])
        if Path(sys.argv[0]).name in ("textmill", "__main__.py")
        else "",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": config.run.seed,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in VERSIONS_TOLD},
        "hardware": {"machine": platform.machine(), "processors": config.machine.threads, "system": platform.system()},
        "n_parameters": {name: getattr(counts, name) for name in ("total", "backbone", "embeddings", "head")},
        "data": {
            "prepared": prepared.path.name,
            "fingerprint": ledger["fingerprint"],
            "paths": list(config.data.paths),
            "n_documents": ledger["n_documents"],
            "n_tokens": {name: store.n_tokens for name, store in stores.items()},
            "n_bytes": {name: store.n_bytes for name, store in stores.items()},
            "bytes_per_token": round(prepared.train.n_bytes / max(1, prepared.train.n_tokens), 3),
            "by_blocks": ledger["by_blocks"],
            **({} if config.data.conditions else conversations_told(prepared.train.names)),
            "languages": ledger["languages"],
            "duplicates": ledger["duplicates"],
            "notes": ledger["notes"],
            "files": ledger["files"],
            "ledger": ledger["ledger"],
        },
        "messages": ledger.get("messages", {}),
        "sample_prompt": task.opening(config, prepared),
        "time": {},
    }
    if budget is not None:
        info["budget"] = budget.facts()
    if start is not None or words is not None:
        make_folder(folder)
        info["start"], told = begun_with(folder, config, prepared, start, words)
        if notes is not None:
            notes.insert(0, told)
    if teaching is not None:
        info["teacher"] = teacher_facts(teaching, config, len(task.rows(prepared.train, tokenizer, config)))
        if notes is not None:
            notes.append(told_of(info["teacher"]))
    return Run.create(folder, config, info, prepared.tokenizer)


def begun_with(
    folder: Path, config: Config, prepared: Prepared, start: Start | None, words: KnownWords | None
) -> tuple[dict[str, Any], str]:
    """The first weights that are not drawn, kept in the run's folder; what run.json says of them, and a sentence."""
    if start is not None:
        return keep_start(folder, start, config, prepared)
    assert words is not None, "it begins with something"
    return words.keep(folder)


def conversations_told(names: Collection[str]) -> dict[str, Any]:
    """What run.json says of a text by the names of its store's fields: whether it is conversations, and whether the
    model's chat template laid them out."""
    if BY_TEMPLATE in names:
        return {"conversations": "template"}
    return {"conversations": True} if ANSWERED in names else {}


def take_up(folder: Path, loaded: Loaded, listener: Listener) -> tuple[Run, Prepared]:
    """An existing run, with what was said now merged in. Raises RunError where that would change the weights."""
    run = Run.open(folder)
    run.refuse_smaller("is not trained on")
    config, warnings = merge_for_resume(run.config, loaded)
    refuse_unexportable(config)
    device_named(config.machine.device)
    for warning in warnings:
        listener.notice(warning)
    text = plan_split(config.data)
    if text.fingerprint != run.info["data"]["fingerprint"]:
        listed = "".join(f"\n  {line}" for line in changes_of(run.info["data"].get("files", []), text.ledger.files))
        raise RunError(
            f"the text changed since this run began{listed}",
            where=", ".join(config.data.paths),
            hint="Train on it under another --name, or start anew with --fresh.",
        )
    run.refuse_changed_files()
    is_anothers = config.model.start is not None or config.train.teacher is not None
    own = folder if is_anothers else None  # it has the tokenizer of the run that it began, or learns, from
    prepared, _ = prepared_text(config, folder.parent, listener, text, own)
    run.refuse_other_tokenizer(prepared.path)
    if prepared.path.name != run.info["data"]["prepared"]:
        run.info["data"]["prepared"] = prepared.path.name
        run.write_info()
    if config != run.config:
        if config.train.steps != run.config.train.steps:
            run.info |= {"finished": False, "ended_at": None}
            run.write_info()
        run.write_config(config)
    if not run.info.get("finished") and run.step < (config.train.steps or 0):
        fit_again(run, prepared, listener)
    return run, prepared


def fit_again(run: Run, prepared: Prepared, listener: Listener) -> None:
    """With train.fit, smaller micro-batches from now on where memory is short, or ran out; config.toml has them before
    they take effect. Raises ConfigError where the run does not fit."""
    config, facts = run.config, facts_of(run, prepared)
    room = room_on(facts.device, config.machine.threads or available_processors())
    below = run.info.get("memory_ran_out_at_rows") if config.train.fit else None
    config, told = fitted(config, facts, room, below)
    if config != run.config:
        run.write_config(config)
        told.append("sums are rounded otherwise: the last bits may differ from now on")
    for line in told:
        listener.notice(line)


def facts_of(run: Run, prepared: Prepared) -> Facts:
    rows = task_of(run.config).rows(prepared.train, prepared.tokenizer, run.config)
    device = device_named(run.config.machine.device)
    teacher_bytes = int(run.info.get("teacher", {}).get("bytes", 0))
    return Facts.of(prepared.tokenizer, device, len(rows), run.step > 0, teacher_bytes)


def changes_of(before: list[dict[str, Any]], now: Sequence[FileLook]) -> list[str]:
    """What changed among the files of a text, a line each."""
    old = {str(file["path"]): int(file["bytes"]) for file in before}
    new = {file.path: file.bytes for file in now}
    lines = [f"{path}: {size:,} bytes -> gone" for path, size in old.items() if path not in new]
    lines += [f"{path}: not there -> {size:,} bytes" for path, size in new.items() if path not in old]
    lines += [f"{path}: {old[path]:,} -> {new[path]:,} bytes" for path in old if new.get(path, old[path]) != old[path]]
    return lines or ["files and sizes are the same: bytes in them, or their order, are not"]


def work(
    run: Run,
    prepared: Prepared,
    stop: StopRequest,
    listener: Listener,
    budget: Budget | None = None,
    watch: Stopwatch | None = None,
    with_report: bool = True,
) -> Run:
    """Update until the last step, then close: measure, floor, report. What is done already is not done again."""
    steps = run.config.train.steps
    if steps is None:
        raise AssertionError("training.defaults decides steps first")
    saved = run.latest_good(listener.notice)
    ended = saved is not None and run.info.get("ended_at") == saved.step
    if run.info.get("finished") and saved is not None and (saved.step >= steps or ended):
        listener.notice(f"{run.path} is finished ({run.step} steps): nothing to do. More: --steps N. Anew: --fresh.")
        return run
    torch.set_num_threads(run.config.machine.threads or 1)
    spent = saved.progress.get("time", {}) if saved else {}
    clock = Clock(spent, budget.watch.now) if budget else Clock(spent)
    stop.saved_step = saved.step if saved else None
    if saved is None or (saved.step < steps and not ended):
        if saved is not None:
            for warning in other_versions(run):
                listener.notice(warning)
        with memory_told(run, prepared):
            session = Session(run, prepared, clock, listener, budget)
            session.usage = Usage.of(run.config, session.tokenizer.vocab_size, session.task.form, session.device)
            if watch is not None:
                clock.spent["start"] = clock.spent.get("start", 0.0) + watch.since_start_s
            session.run_updates(saved, stop)
    close(run, prepared, clock, listener, with_report)
    if budget is not None:
        told, outcome = budget.outcome(clock.spent["train"] + clock.spent["data"], run.step)
        run.info["budget"] = budget.facts() | outcome
        run.write_info()
        listener.notice(told)
    return run


@contextmanager
def memory_told(run: Run, prepared: Prepared) -> Iterator[None]:
    """Memory that runs out becomes NoMemory, and the run remembers how many rows were too many at once."""
    config, facts = run.config, facts_of(run, prepared)
    room = room_on(facts.device, config.machine.threads or 1)

    def kept() -> str:
        run.info["memory_ran_out_at_rows"] = run.config.train.batch
        run.write_info()
        if not run.step:
            return f"{run.path} has no checkpoint yet"
        return f"step {run.step} of {run.path} is kept, and the same command with --fit goes on from there"

    with told_of_memory(config, facts, room, kept):
        yield


def other_versions(run: Run) -> list[str]:
    """A sentence for each library that computes, where the run began with another version of it."""
    begun = run.info.get("versions")
    begun = begun if isinstance(begun, dict) else {}
    return [
        f"{name}: {begun[name]} -> {version(name)}: the last bits may differ from now on"
        for name in ("torch", "numpy")
        if name in begun and begun[name] != version(name)
    ]


class Session:
    """One stretch of a run: from its last checkpoint until the last step or a signal."""

    def __init__(self, run: Run, prepared: Prepared, clock: Clock, listener: Listener, budget: Budget | None = None):
        self.run, self.prepared, self.clock, self.listener = run, prepared, clock, listener
        self.budget = budget
        self.config = run.config
        self.task: Task = task_of(self.config)
        self.device = device_named(self.config.machine.device)
        self.tokenizer = prepared.tokenizer
        self.usage: Usage | None = None
        self.events: list[dict[str, Any]] = []  # that the log does not have yet
        if self.config.train.fit:
            give_large_blocks_back()
        self.compiled: Compiled | None = None
        self.warm_up = WarmUp()
        self.was_exact = bool(self.run.info.get("compile", {}).get("to_the_bit", True))
        self.n_compiled = 0  # updates
        self.start_anew()

    def start_anew(self) -> None:
        """All as it is before the first step."""
        self.model = new_model(self.config, self.prepared, self.device, self.run.start)
        train = self.config.train
        if train.compile and (self.compiled is None or self.compiled.is_on):
            self.compiled = Compiled(self.model, self.compiling_failed)
        self.optimizers = build_optimizers(self.model, train)
        self.average = WeightAverage(self.model, train.average) if train.average else None
        self.watch = LossWatch(skips=train.bad_step == "skip", spike=train.spike)
        self.window = LossSum()  # since the last logged step
        self.loss = math.nan  # the last one told
        self.best: float | None = None
        self.last_valid: dict[str, float] = {}
        self.stale = 0  # evaluations since the best
        self.n_skipped = self.n_rollbacks = 0

    def plan(self) -> Plan:
        train = self.config.train
        if None in (train.steps, train.warmup_steps, train.eval_every, train.save_every):
            raise AssertionError("training.defaults decides the plan first")
        return Plan(
            steps=train.steps or 0,
            seed=self.config.run.seed,
            schedule=train.schedule,
            warmup_steps=train.warmup_steps or 0,
            decay_share=train.decay_share,
            lr_end=train.lr_end,
            max_grad_norm=train.max_grad_norm,
            eval_every=train.eval_every or 1,
            save_every=train.save_every or 1,
            log_every=train.log_every,
            precision=train.precision,
            rate_scale=RATE_FACTOR**self.n_rollbacks,
        )

    def batches(self) -> Callable[[int], MicroBatches]:
        rows = self.task.rows(self.prepared.train, self.tokenizer, self.config)
        put_teacher(self.run, self.task, rows, self.device)
        batches = batches_of(self.task, rows, self.config, self.model, self.device)

        def at(step: int) -> MicroBatches:
            with taken_off(self.clock, "data", "train"):
                return batches(step)

        return at

    def resume(self, saved: Checkpoint) -> list[Any]:
        """Put a checkpoint back; the carried states are returned. Raises Damaged where it is another model's."""
        place = self.run.checkpoints / folder_name(saved.step)
        try:
            with misfits_told(place, "the checkpoint does not fit this run"):
                return self._resume(saved)
        except RuntimeError as error:  # torch: other names or shapes
            raise Damaged(f"the checkpoint does not fit this run: {error}", where=str(place)) from error

    def _resume(self, saved: Checkpoint) -> list[Any]:
        put_trained(self.model, saved.model)
        load_optimizer_tensors(self.optimizers, saved.optimizer)
        if self.average:
            self.average.tensors = {name: tensor.to(self.device) for name, tensor in saved.average.items()}
        progress = saved.progress
        self.window = LossSum(progress["window"]["total"], progress["window"]["count"])
        self.best, self.stale = progress["best"], progress["stale"]
        self.last_valid = progress["last_valid"]
        self.watch.put_back(progress["watch"])
        self.n_skipped, self.n_rollbacks = progress["n_skipped"], progress["n_rollbacks"]
        return cut_for(states_from(saved.state, self.model, self.device), self.config.train.batch or 1)

    def run_updates(self, saved: Checkpoint | None, stop: StopRequest) -> None:
        """Raises Interrupted after saving, if a signal came; Diverged; NoSpace."""
        states, first = self.go_on_from(saved)
        if first:
            self.listener.notice(f"continuing {self.run.path} at step {first} of {self.plan().steps}")
        if self.compiled is not None and self.compiled.is_on:
            self.listener.notice(WARNING)
            self.note_compiling({"to_the_bit": False})
        if self.budget:
            self.budget.begin_training()
        with stop.deferred():
            while True:
                try:
                    last = self.run_stretch(first, states, stop)
                    break
                except Diverged as fault:
                    if self.config.train.bad_step != "rollback" or self.n_rollbacks == N_ROLLBACKS_MOST:
                        self.run.log.write(fault.step, {"events": [*self.events, event_of("stop", fault)]})
                        raise
                    states, first = self.roll_back(fault)
        if self.usage is not None:
            self.run.info["utilisation"] = self.usage.facts()
        if self.n_compiled:
            self.run.info["compile"]["warm_up_s"] = round(self.warm_up.extra_s, 2)
        if stop.signal_number is not None:
            raise Interrupted(
                f"saved at step {last} of {self.plan().steps} in {self.run.path}",
                signal_number=stop.signal_number,
                hint="The same command goes on from there.",
            )

    def compiling_failed(self, why: str) -> None:
        """The run goes on without it; it is to the bit what it would be without the knob, if no update was compiled."""
        self.listener.notice(why)
        self.note_compiling({"to_the_bit": self.was_exact and not self.n_compiled, "failure": why})

    def note_compiling(self, facts: dict[str, Any]) -> None:
        """For run.json, before the update that it is about is saved."""
        self.run.info["compile"] = facts
        self.run.write_info()

    def go_on_from(self, saved: Checkpoint | None) -> tuple[list[Any], int]:
        """The carried states and the step of a checkpoint that is put back; log and samples are cut back to it."""
        states, first = (self.resume(saved), saved.step) if saved else ([], 0)
        self.run.log.cut_back(first, saved.progress.get("log") if saved else None, self.listener.notice)
        cut_samples_back(self.run.path / "samples", first)
        return states, first

    def run_stretch(self, first: int, states: list[Any], stop: StopRequest) -> int:
        """Update until the last step or a stop; the step that was reached. Raises Diverged."""
        plan = self.plan()
        pace = Pace(first, plan.steps)
        self.model.train()
        batches = self.batches()
        steps = self.updates_from(first, states, batches, plan)
        while True:
            before_s = self.clock.spent.get("train", 0.0)
            with self.clock.doing("train"):
                update = next(steps, None)
            if update is None:
                return first
            took_s = self.clock.spent["train"] - before_s
            if self.compiled is not None and self.compiled.is_on:
                self.n_compiled += 1
                self.warm_up.took(took_s)
                if self.budget is not None:
                    self.budget.warm_up_s = self.warm_up.extra_s
            if self.usage is not None:
                self.usage.took(update.n_read, took_s)
            first = update.step
            if self.after(update, plan, pace, stop):
                return first
            if self.planned_anew(plan, first):
                plan = self.plan()
                pace.steps = plan.steps
                steps = self.updates_from(first, update.states, batches, plan)

    def updates_from(
        self, first: int, states: list[Any], batches: Callable[[int], MicroBatches], plan: Plan
    ) -> Iterator[Update]:
        return updates(self.model, self.optimizers, self.task, batches, plan, first, states, self.watch, self.compiled)

    def planned_anew(self, plan: Plan, done: int) -> bool:
        """Whether a budget is better met with another number of steps; config.toml has it before it takes effect."""
        steps = self.budget.steps_for(plan, done) if self.budget else plan.steps
        if self.budget is None or steps == plan.steps:
            return False
        self.config = with_train(self.config, steps=steps)
        self.run.info["budget"] = self.budget.facts()
        self.run.write_config(self.config)
        self.listener.notice(
            f"step {done}: at this pace {steps:,} steps fit into {self.budget.minutes:g} minutes, not {plan.steps:,}: "
            "config.toml says so"
        )
        return True

    def roll_back(self, fault: Diverged) -> tuple[list[Any], int]:
        """To the last checkpoint that the plan made, or to the first step, and on at half the rate.

        Those that a signal made since then go: a run that was stopped in between must go back as far as one that was
        not, and must not take up again, after a kill, what was rolled back. Killed before its next checkpoint, it comes
        here again by itself: nothing else is kept.
        """
        n_rollbacks = self.n_rollbacks
        self.start_anew()
        self.run.forget_unplanned(self.listener.notice)
        saved = self.run.latest_good(self.listener.notice)
        back_to = saved.step if saved else 0
        undone = [line for line in self.run.log.read() if line["step"] > back_to]  # their rollbacks stay told
        told = [one for line in undone for one in line.get("events", []) if one["action"] == "rollback"]
        states, first = self.go_on_from(saved)
        self.n_rollbacks = n_rollbacks + 1
        self.events = [*told, *self.events, event_of("rollback", fault) | {"to_step": first}]
        self.listener.notice(
            f"step {fault.step}: {fault.why}: back to step {first}, and on at {RATE_FACTOR**self.n_rollbacks:g} of "
            f"the rate (rollback {self.n_rollbacks} of at most {N_ROLLBACKS_MOST})"
        )
        return states, first

    def after(self, update: Update, plan: Plan, pace: Pace, stop: StopRequest) -> bool:
        """Log, evaluate and save what follows an update; True if the run is to end here. Raises Diverged."""
        self.take_in(update)
        pace.tick(update.n_read)

        line: dict[str, Any] = {}
        if plan.logs_after(update.step):
            line = self.logged(update)
            line["train/tokens_per_second"] = round(pace.tokens_per_s, 1)
            line |= logged(self.clock.spent)
            if self.usage is not None and self.usage.share is not None:
                line["time/utilisation"] = round(self.usage.share, 4)
        progress = self.progress(update, plan, pace)
        is_best = False
        early = False
        if plan.evaluates_after(update.step):
            is_best, valid = self.evaluate_now(update)
            line |= valid
            self.sample_now(update)
            patience = self.config.train.patience
            early = patience is not None and self.stale >= patience
            progress = replace(
                progress,
                valid_loss=self.last_valid.get("loss"),
                bpb=self.last_valid.get("bpb"),
                sample=self.read_sample(update.step),
            )
            self.listener.evaluated(progress)
        if plan.logs_after(update.step):
            self.restart_window()
        planned = is_best or early or plan.saves_after(update.step)
        saves = planned or stop.requested
        checkpoint = None
        if saves:  # before anything is said: it may be refused
            with self.clock.doing("save"):
                checkpoint = self.checkpoint(update, planned)
        if self.events:
            line["events"] = self.events
        if line:
            with self.clock.doing("log"):
                self.run.log.write(update.step, line)
        self.events = []
        self.listener.progress(progress)
        if early:  # said first: a run that is killed in between must not go on past it
            self.end_early(update.step)
        if checkpoint is not None:
            self.save(checkpoint, is_best)
            stop.saved_step = update.step
        return early or (stop.requested and update.step < plan.steps)

    def take_in(self, update: Update) -> None:
        """Its loss and its weights are counted; of an update that was skipped, that it was. Raises Diverged where the
        weights themselves are spoilt: no batch is to blame then."""
        if update.fault is None:
            self.window += update.loss
            self.loss = self.window.mean if self.window.count else self.loss
            if self.average:
                self.average.update(self.model, update.step)
            return
        told = (update.step, update.fault, update.loss.mean, update.grad_norm, update.lr)
        if not all_finite(self.model.state_dict().values()):
            raise Diverged(*told, "the weights are not finite: skipping is no help")
        self.n_skipped += 1
        self.events.append(event("skip", *told))
        self.listener.notice(f"step {update.step} was skipped: {update.fault}: {update.loss.mean:g}")

    def logged(self, update: Update) -> dict[str, float]:
        """What a line of the log says of an update: the mean loss since the last line, in nats."""
        line = {"train/lr": update.lr, "train/grad_norm": update.grad_norm}
        line = {name: value for name, value in line.items() if math.isfinite(value)}
        return ({"train/loss": self.window.mean} if self.window.count else {}) | line

    def restart_window(self) -> None:
        self.window = LossSum()

    def end_early(self, step: int) -> None:
        """Early stopping: the run ends here, and run.json says so."""
        self.listener.notice(f"stopped at step {step}: {self.stale} evaluations without a new best")
        self.run.info["ended_at"] = step
        self.run.write_info()

    def progress(self, update: Update, plan: Plan, pace: Pace) -> Progress:
        return Progress(
            step=update.step,
            steps=plan.steps,
            loss=self.loss,
            lr=update.lr,
            tokens_per_s=pace.tokens_per_s,
            memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            / (1024 if sys.platform != "darwin" else 2**20),
            left_s=pace.left_s(update.step),
            valid_loss=self.last_valid.get("loss"),
            bpb=self.last_valid.get("bpb"),
        )

    @contextmanager
    def reading(self) -> Iterator[nn.Module]:
        """The model as it would be used: the averaged weights if there are any, no dropout, no gradient."""
        weights = None
        if self.average:
            weights = {name: tensor.clone() for name, tensor in trained_state(self.model).items()}
            put_trained(self.model, self.average.tensors)
        self.model.eval()
        try:
            with torch.no_grad():
                yield self.model
        finally:
            if weights is not None:
                put_trained(self.model, weights)
            self.model.train()

    def evaluate_now(self, update: Update) -> tuple[bool, dict[str, float]]:
        """Whether this is the best so far, and the numbers for the log. Without validation the newest is the best.

        Raises Diverged where the loss is not finite: such weights are not saved.
        """
        if self.prepared.valid is None:
            return True, {}
        with self.clock.doing("evaluate"), self.reading() as model:
            held_out = self.prepared.valid, self.tokenizer, self.config.train.eval_tokens
            scores = self.task.measure(model, self.task.examples(*held_out), self.tokenizer, self.config)
            outputs = self.task.output_scores(model, self.tokenizer, self.task.examples(*held_out), self.config)
        metrics = self.task.metrics(scores)
        score = -outputs[self.task.best_by] if outputs else metrics[self.task.best_by]
        metrics |= outputs
        if not math.isfinite(score):
            why = "the loss on held-out text is not finite"
            raise Diverged(update.step, why, score, update.grad_norm, update.lr, "these weights are not saved")
        self.last_valid = {name: value for name, value in metrics.items() if not name.startswith("n_")}
        is_best = self.best is None or score < self.best
        self.best = score if is_best else self.best
        self.stale = 0 if is_best else self.stale + 1
        return is_best, {f"eval/{name}": value for name, value in self.last_valid.items() if math.isfinite(value)}

    def sample_now(self, update: Update) -> None:
        """samples/step-N.txt: what the model writes now. Raises Diverged where it gives no distribution."""
        n_tokens = self.config.train.sample_tokens
        if not n_tokens:
            return
        with self.clock.doing("sample"), self.reading() as model:
            try:
                [text] = write_samples(model, self.run, self.tokenizer, 1, n_tokens)
            except InputError as error:
                why, mean = "what it predicts is no distribution", update.loss.mean
                raise Diverged(
                    update.step, why, mean, update.grad_norm, update.lr, "these weights are not saved"
                ) from error
        folder = self.run.path / "samples"
        make_folder(folder)
        write_atomically(folder / f"step-{update.step:08d}.txt", text)

    def read_sample(self, step: int) -> str | None:
        path = self.run.path / "samples" / f"step-{step:08d}.txt"
        return path.read_bytes().decode() if path.is_file() else None

    def save(self, checkpoint: Checkpoint, is_best: bool) -> None:
        with self.clock.doing("save"):
            self.run.save(
                checkpoint,
                best=is_best,
                valid_loss=self.last_valid.get("loss"),
                notice=self.listener.notice,
            )

    def checkpoint(self, update: Update, planned: bool = True) -> Checkpoint:
        """All that the run is after an update. planned: by the plan, not by a signal. Raises Diverged where a tensor is
        not finite: nothing goes back to such a checkpoint."""
        config = self.config
        checkpoint = Checkpoint(
            step=update.step,
            model=trained_state(self.model),
            optimizer=optimizer_tensors(self.optimizers),
            average=self.average.tensors if self.average else {},
            state=tensors_of(update.states),
            progress={
                "best": self.best,
                "stale": self.stale,
                "last_valid": self.last_valid,
                "window": {"total": float(self.window.total), "count": self.window.count},
                "watch": self.watch.state(),
                "n_skipped": self.n_skipped,
                "n_rollbacks": self.n_rollbacks,
                "planned": planned,
                "time": self.clock.spent,
                # Knobs that may change later and that these numbers depend on: --verify repeats with them.
                "made_with": {
                    "train.steps": config.train.steps,
                    "train.batch": config.train.batch,
                    "train.accumulate": config.train.accumulate,
                    "train.eval_tokens": config.train.eval_tokens,
                    "train.bad_step": config.train.bad_step,
                    "train.spike": config.train.spike,
                    "machine.threads": config.machine.threads,
                },
            },
        )
        if not all(all_finite(getattr(checkpoint, group).values()) for group in GROUPS):
            why = "a weight, or what the optimizer keeps, is not finite"
            raise Diverged(update.step, why, update.loss.mean, update.grad_norm, update.lr, "nothing of it is saved")
        return checkpoint


def tensors_of(states: list[Any]) -> dict[str, torch.Tensor]:
    """Carried states as "micro/name" -> tensor."""
    return {
        f"{micro}/{name}": tensor
        for micro, state in enumerate(states)
        if state is not None
        for name, tensor in state.tensors().items()
    }


def states_from(tensors: dict[str, torch.Tensor], model: Network, device: str) -> list[Any]:
    """The inverse of tensors_of, for the architecture at hand."""
    by_micro: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        micro, _, name = key.partition("/")
        by_micro.setdefault(int(micro), {})[name] = tensor.to(device)
    return [
        model.backbone.from_tensors(by_micro[micro]) if micro in by_micro else None
        for micro in range(max(by_micro, default=-1) + 1)
    ]


def cut_for(states: list[Any], batch: int) -> list[Any]:
    """Carried states for micro-batches of `batch` rows, each of which lies within one of those they were kept for."""
    before = max((len(state.n_seen) for state in states if state is not None), default=0)
    if before <= batch:
        return states
    cut: list[Any] = []
    for state in states:
        starts = range(0, before, batch)
        if state is None:
            cut += [None] * len(starts)
            continue
        rows = [torch.arange(start, min(start + batch, len(state.n_seen))) for start in starts]
        cut += [state.select(some.to(state.n_seen.device)) if len(some) else None for some in rows]
    return cut


class Pace:
    """Tokens a second, and the time left, over the last steps."""

    def __init__(self, first: int, steps: int):
        self.first, self.steps, self.tokens = first, steps, 0
        self.start = self.mark = time.perf_counter()
        self.tokens_per_s = 0.0
        self.n_since = 0

    def tick(self, n_tokens: int) -> None:
        now = time.perf_counter()
        self.tokens += n_tokens
        self.n_since += n_tokens
        if now - self.mark > 0.5 or not self.tokens_per_s:
            self.tokens_per_s = self.n_since / max(now - self.mark, 1e-9)
            self.mark, self.n_since = now, 0

    def left_s(self, step: int) -> float:
        done = step - self.first
        return (time.perf_counter() - self.start) / done * (self.steps - step) if done else 0.0


def cut_samples_back(folder: Path, step: int) -> None:
    """Samples of steps that are about to be repeated go."""
    for path in folder.glob("step-*.txt"):
        if int(path.stem.removeprefix("step-")) > step:
            path.unlink()
