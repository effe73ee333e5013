"""A run: a folder that repeats, continues and explains itself. Room: runs/ (weights -> a folder that lasts).

training creates and fills it; every other verb opens it and reads. Layout: design, the run folder.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from textmill.config import Config
from textmill.config.layers import from_toml, to_toml
from textmill.errors import ConfigError, Damaged, RunError, TextmillError, did_you_mean
from textmill.files import (
    fsync_folder,
    make_folder,
    misfits_told,
    read_json,
    sha256_of,
    write_atomically,
    write_json,
    write_sealed_json,
)
from textmill.messages import retold
from textmill.models import Network, build_model
from textmill.models.adapters import Lora, merged
from textmill.models.network import refuse_other_tensors
from textmill.models.smaller import widened
from textmill.results import Evaluation, Info, Report, RunLine, Runs, Trained
from textmill.runs.checkpoint import (
    Checkpoint,
    checkpoints_of,
    folder_name,
    load_checkpoint,
    progress_of,
    read_tensors,
    save_checkpoint,
    set_aside,
)
from textmill.runs.lock import is_locked
from textmill.runs.metrics_log import MetricsLog
from textmill.runs.prepared import Prepared
from textmill.runs.retention import delete, prune, sweep
from textmill.tables import MODELS, load
from textmill.text.sides import languages_said
from textmill.tokens import Tokenizer

FACTS_NEEDED = {"kind", "form", "heads", "data"}  # of run.json
DECIDED = (
    "steps",
    "warmup_steps",
    "eval_every",
    "save_every",
    "batch",
    "order",
    "optimizer",
    "lr",
    "weight_decay",
    "precision",
)
START = "start.safetensors"
"""The weights that a run began with, where it began from another (model.start)."""
MISFIT = "run.json does not hold what it should"


def device_named(device: str) -> str:
    """The device to compute on: auto takes cuda, else mps, else cpu. Raises ConfigError for one that is not here."""
    with warnings.catch_warnings():  # a driver that does not fit is no CUDA; torch would tell it in its own words
        warnings.simplefilter("ignore")
        here = [
            *(["cuda"] if torch.cuda.is_available() else []),
            *(["mps"] if torch.backends.mps.is_available() else []),
        ]
    here.append("cpu")
    if device == "auto":
        return here[0]
    if device not in here:
        raise ConfigError(
            f"there is no {device.upper()} here; there is: {', '.join(here)}",
            where="machine.device (--device)",
            hint="Say --device cpu, or --device auto for the best there is.",
        )
    return device


class Run:
    """A run folder. Opening reads and locks nothing; only training writes, under the folder's lock."""

    keeps_results: ClassVar[bool] = True
    """Measurements and reports are written into it. Another's model (hub.ForeignRun) is left as it is."""

    def __init__(self, path: Path, config: Config, info: dict[str, Any], checkpoint: str = "best"):
        self.path, self.config, self.info = path, config, info
        self.default_checkpoint = checkpoint
        self.log = MetricsLog(path / "metrics.jsonl")
        self.notices: list[str] = []
        """What there is to say of it to whoever opens it."""

    @classmethod
    def create(cls, path: Path, config: Config, info: dict[str, Any], tokenizer: Tokenizer) -> Run:
        """Write config.toml, tokenizer.json and, last, run.json: with run.json there the folder is a run."""
        make_folder(path)
        tokenizer.save(path)
        write_atomically(path / "config.toml", to_toml(config))
        run = cls(path, config, info | {"hashes": hashes_of(path)})
        run.write_info()
        return run

    @classmethod
    def open(cls, path: Path | str, checkpoint: str = "best") -> Run:
        """Raises RunError where there is no run folder or its files cannot be read."""
        path = Path(path)
        if not path.exists():
            near = did_you_mean(path.name, [p.name for p in path.parent.glob("*/")] if path.parent.is_dir() else [])
            raise RunError("there is no such run", where=str(path), hint=near or "List the runs with: textmill ls")
        if not (path / "run.json").is_file():
            raise RunError(
                "this is no run folder (it has no run.json)",
                where=str(path),
                hint="A run folder is what `textmill train` writes, by default under runs/.",
            )
        try:
            info = read_json(path / "run.json")
            config = from_toml(path / "config.toml")
        except (OSError, ValueError) as error:
            raise Damaged(f"a file of the run cannot be read: {error}", where=str(path)) from error
        lacking = facts_lacking(info)
        if lacking:
            raise Damaged(f"run.json does not describe a run: it lacks {', '.join(lacking)}", where=str(path))
        undecided = [name for name in DECIDED if getattr(config.train, name) in (None, "auto")]
        if info["kind"] == "network" and undecided and "smaller" not in info:
            listed = ", ".join(f"train.{name}" for name in undecided)
            raise Damaged(f"config.toml is not complete: it lacks {listed}", where=str(path / "config.toml"))
        return cls(path, config, info, checkpoint)

    # what it is

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def kind(self) -> str:
        """network or ngram: a name of tables.MODELS."""
        return str(self.info["kind"])

    @property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer.load(self.path)

    def tokenizer_folder(self, into: Path) -> Path:
        """A folder with its tokenizer's files, as runs keep them; `into`: where one may be made."""
        return self.path

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def status(self) -> str:
        """finished, training (a living process holds the lock), or unfinished."""
        if self.info.get("finished"):
            return "finished"
        return "training" if is_locked(self.path) else "unfinished"

    @property
    def step(self) -> int:
        """The step of the last checkpoint; 0 before the first."""
        pointer = self._pointer("last")
        return int(pointer["step"]) if pointer else 0

    @property
    def progress(self) -> dict[str, Any]:
        """What the last checkpoint says of the run. Raises RunError before the first, Damaged."""
        return progress_of(self._checkpoint_path("last"))

    def write_info(self) -> None:
        write_sealed_json(self.path / "run.json", self.info)

    def write_config(self, config: Config) -> None:
        """config.toml is written before what it says takes effect; run.json, before that, what it may be."""
        self.config, text = config, to_toml(config)
        may_be = [sha256_of(self.path / "config.toml"), hashlib.sha256(text.encode()).hexdigest()]
        self.info["hashes"] = self.info.get("hashes", {}) | {"config.toml": may_be}
        self.write_info()
        write_atomically(self.path / "config.toml", text)

    def prepared(self) -> Prepared:
        """The text this run was made of. Raises RunError where it was deleted."""
        name = str(self.info["data"]["prepared"])
        if not name:
            raise RunError(
                "this model was trained elsewhere, and no text of it is here",
                where=str(self.path),
                hint=f"Name a text: textmill eval {self.path} --data PATH",
            )
        near = [self.path.resolve(), *([Path(self.smaller["run"]).resolve()] if self.smaller else [])]
        folders = [parent / ".data" / name for path in near for parent in path.parents]  # a floor lies within its run
        return Prepared.open(next((folder for folder in folders if folder.is_dir()), folders[0]))

    def refuse_changed_files(self) -> None:
        """Raises Damaged where config.toml or the tokenizer is not what was written: nothing goes on from it."""
        with misfits_told(self.path / "run.json", MISFIT):
            for name, allowed in dict(self.info.get("hashes", {})).items():
                found = sha256_of(self.path / name) if (self.path / name).is_file() else "missing"
                if found not in allowed:
                    raise Damaged(
                        f"the file is not what was written (its sha256: {allowed[-1][:16]}… -> {found[:16]}…)",
                        where=str(self.path / name),
                        hint="Put it back from a copy; knobs are changed on the command line. Or take another --name.",
                    )

    def refuse_other_tokenizer(self, prepared: Path) -> None:
        """Raises RunError where a text was prepared with another tokenizer than the run's own."""
        for path in sorted(self.path.glob("tokenizer*.json")):
            theirs = prepared / path.name
            if not theirs.is_file() or theirs.read_bytes() != path.read_bytes():
                found = sha256_of(theirs)[:16] + "…" if theirs.is_file() else "missing"
                raise RunError(
                    f"the text is prepared with another tokenizer than this run's (its sha256: "
                    f"{sha256_of(path)[:16]}… -> {found})",
                    where=str(theirs),
                    hint=f"Delete {prepared} and repeat the command: it is made anew. If it is another one again, the "
                    "version of the tokenizers library changed: train under another --name.",
                )

    # checkpoints

    def save(
        self,
        checkpoint: Checkpoint,
        *,
        best: bool,
        valid_loss: float | None,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Save a step, point last.json (and best.json) at it, and delete what `retention` does not keep.

        Once it returns, a power cut loses nothing up to this step: its lines in the log are on the disk first.
        notice: told of a checkpoint that could not be deleted; training goes on.
        """
        self.log.keep()
        checkpoint.progress |= {"is_best": best, "valid_loss": valid_loss, "log": self.log.seal()}
        save_checkpoint(self.checkpoints, checkpoint)
        self._point_at(checkpoint)
        pointed = self._read_pointer("best")
        best_name = Path(str(pointed["checkpoint"])).name if pointed else None
        prune(self.checkpoints, self.config.train.keep, best_name, notice)

    def _point_at(self, checkpoint: Checkpoint) -> None:
        """last.json, and best.json where it was the best, as the checkpoint itself says: they may not have been
        written yet when the process was killed, or name one that was damaged since."""
        pointer = pointer_to(checkpoint.step, checkpoint.progress)
        for which, named in (("best", checkpoint.progress.get("is_best")), ("last", True)):
            if named and self._read_pointer(which) != pointer:
                write_json(self.path / f"{which}.json", pointer)

    def _mend_best(self, taken: Checkpoint, notice: Callable[[str], None]) -> None:
        """best.json names a checkpoint that holds: where it does not, all are looked at, and it names the newest that
        was the best at its time, else the one with the least loss. taken: one that holds, as is known already."""
        there = self._read_pointer("best")
        if there is not None and there["step"] == taken.step:
            best: dict[str, Any] | None = taken.progress
        else:
            best = self._best_that_holds(there)
        if there is not None and best is not None and there == pointer_to(there["step"], best):
            return
        whole: dict[int, dict[str, Any]] = {}
        for path in checkpoints_of(self.checkpoints):
            try:
                progress = progress_of(path)
                whole[int(progress["step"])] = progress
            except Damaged as error:
                _put_aside(path, error, notice)
        pointers = {step: pointer_to(step, progress) for step, progress in whole.items()}
        were_best = [step for step, progress in whole.items() if progress.get("is_best")]
        chosen = max(were_best) if were_best else min(whole, key=lambda step: loss_at(whole[step]))
        if there is not None and there["step"] != chosen:
            notice(f"the best checkpoint, that of step {there['step']}, is gone: best.json names step {chosen} now")
        write_json(self.path / "best.json", pointers[chosen])

    def _best_that_holds(self, pointer: dict[str, Any] | None) -> dict[str, Any] | None:
        """What the checkpoint says of itself that best.json names; None where it does not hold."""
        try:
            return progress_of(self.path / str(pointer["checkpoint"])) if pointer else None
        except (Damaged, FileNotFoundError):
            return None

    def load(self, which: str | int = "best") -> Checkpoint:
        """The "best" or "last" checkpoint, or that of a step; verified. Raises RunError, Damaged."""
        while True:
            path = self._checkpoint_path(which)
            try:
                return load_checkpoint(path)
            except (Damaged, FileNotFoundError):
                if self._checkpoint_path(which) == path:
                    raise
                # A living run saved and deleted in between: the pointer names another one now.

    def weights_sha256(self, saved: Checkpoint) -> str:
        """Of the file that holds the weights which a checkpoint is used with."""
        return sha256_of(
            self.checkpoints / folder_name(saved.step) / f"{'average' if saved.average else 'model'}.safetensors"
        )

    def _checkpoint_path(self, which: str | int) -> Path:
        if which in ("best", "last"):
            pointer = self._pointer(str(which)) or self._pointer("last")
            if pointer is None:
                raise RunError(
                    "the run has no checkpoint yet", where=str(self.path), hint="Repeat the training command."
                )
            return self.path / str(pointer["checkpoint"])
        path = self.checkpoints / folder_name(int(which))
        if not path.is_dir():
            there = ", ".join(str(int(p.name.removeprefix("step-"))) for p in checkpoints_of(self.checkpoints))
            raise RunError(f"there is no checkpoint of step {which} (there are: {there})", where=str(self.path))
        return path

    def forget_unplanned(self, notice: Callable[[str], None]) -> None:
        """Delete the checkpoints that a signal made since the last planned one that holds: a rollback makes their steps
        again, otherwise. Only for training, under the lock.

        The pointers to them go first: killed in between, training goes on from one of them, and comes here again.
        Raises Damaged where the planned ones are all damaged; nothing is deleted then.
        """
        forgotten: list[Path] = []
        n_damaged = 0
        for path in reversed(checkpoints_of(self.checkpoints)):
            try:
                if progress_of(path).get("planned", True):
                    break
                forgotten.append(path)
            except Damaged as error:
                _put_aside(path, error, notice)
                n_damaged += 1
        else:
            if n_damaged:
                raise self._none_is_whole()
        for which in ("last", "best"):
            pointer = self._read_pointer(which)
            if pointer and self.path / str(pointer["checkpoint"]) in forgotten:
                (self.path / f"{which}.json").unlink()
        if forgotten:
            fsync_folder(self.path)
            delete(self.checkpoints, forgotten, notice)

    def latest_good(self, notice: Callable[[str], None]) -> Checkpoint | None:
        """The newest checkpoint that holds, or None before the first save. Only for training, under the lock.

        Damaged ones are set aside (renamed, never deleted) and named. Raises Damaged where none is left. What a killed
        process left undone is put right: half-written checkpoints go, the pointers name the one that is returned.
        """
        sweep(self.checkpoints, notice)
        damaged = False
        for path in reversed(checkpoints_of(self.checkpoints)):
            try:
                saved = load_checkpoint(path)
            except Damaged as error:
                _put_aside(path, error, notice)
                damaged = True
                continue
            self._point_at(saved)
            self._mend_best(saved, notice)
            return saved
        if damaged or (self.path / "last.json").exists():
            raise self._none_is_whole()
        return None

    def _none_is_whole(self) -> Damaged:
        return Damaged(
            "no checkpoint of this run is whole any more; nothing was deleted",
            where=str(self.checkpoints),
            hint="Start anew with --fresh, or under another --name.",
        )

    def _pointer(self, which: str) -> dict[str, Any] | None:
        pointer = self._read_pointer(which)
        if pointer is None and (self.path / f"{which}.json").exists():
            raise Damaged(
                "does not name a checkpoint",
                where=str(self.path / f"{which}.json"),
                hint="Repeat the training command: it looks at the checkpoints themselves.",
            )
        return pointer

    def _read_pointer(self, which: str) -> dict[str, Any] | None:
        """None where there is none, or none that can be read."""
        try:
            pointer = read_json(self.path / f"{which}.json")
        except (OSError, Damaged):
            return None
        named = pointer.get("checkpoint") if isinstance(pointer, dict) else None
        if not isinstance(named, str) or not isinstance(pointer.get("step"), int):
            return None
        return dict(pointer) if named == f"{self.checkpoints.name}/{folder_name(pointer['step'])}" else None

    # the model

    def model(self, checkpoint: str | int | None = None, device: str = "cpu") -> Any:
        """The model of a checkpoint (default: the best), ready to read: a NextToken; of a classifier an Encoder, and of
        its floor a Tfidf.

        The running average of the weights, where the run keeps one. Raises RunError, Damaged.
        """
        if self.kind != "network":
            return load(MODELS[self.kind]).load(self.path)
        saved = self.load(checkpoint if checkpoint is not None else self.default_checkpoint)
        tokenizer = self.tokenizer
        network: Network = build_model(
            self.config.model,
            tokenizer.vocab_size,
            self.info["form"],
            dict(self.info["heads"]),
            device="meta",
            source_vocab_size=tokenizer.source_vocab_size,
        )
        tensors = self.weights(saved)
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        refuse_other_tensors(shapes, expected, self.path)
        network.load_state_dict(tensors, assign=True)
        return network.to(device_named(device)).eval().requires_grad_(False)

    def weights(self, saved: Checkpoint) -> dict[str, Tensor]:
        """All weights of a checkpoint as the model reads them: averaged where an average is kept, adapters added in;
        those that are not trained come from the weights that the run began with. Raises Damaged."""
        tensors, train = saved.average or saved.model, self.config.train
        if self.smaller is not None:
            return widened(tensors)
        if train.tune == "full":
            return tensors
        start = self.path / START
        with misfits_told(self.path / "run.json", MISFIT):
            allowed = list(self.info["hashes"][START])
        if not start.is_file() or sha256_of(start) not in allowed:
            raise Damaged(
                "the weights that this run began with are missing, or not what was written: its checkpoints hold only "
                "what is trained",
                where=str(start),
                hint="Put the file back from a copy.",
            )
        return merged(read_tensors(start) | tensors, Lora.of(train).scale)

    # what it says of itself

    def evaluation(self, name: str | None = None) -> Evaluation | None:
        """A measurement that is stored: by name, or the test's, else the validation's."""
        for candidate in (name,) if name else ("test", "validation"):
            path = self.path / "eval" / f"{candidate}.json"
            if path.is_file():
                with misfits_told(path, "this is no measurement of ours"):
                    return Evaluation.model_validate_json(path.read_bytes())
        return None

    def trained(self) -> Trained:
        """What a training command ends with."""
        evaluation = self.evaluation()
        said = retold(evaluation.verdict, evaluation.messages) if evaluation else [""]
        report = self.path / "report.html"
        return Trained(
            run=str(self.path),
            step=self.step,
            metrics=evaluation.metrics if evaluation else {},
            baselines=evaluation.baselines if evaluation else {},
            report=str(report) if report.is_file() else None,
            verdict=" ".join(said) if self.info["form"] == "encoder" else said[0],
            next=self.info.get("next", []),
        )

    def summary(self) -> Info:
        """What this run is, in one document."""
        with misfits_told(self.path / "run.json", MISFIT):
            return self._summary()

    def _summary(self) -> Info:
        evaluation = self.evaluation()
        made = {key: self.info.get(key) for key in ("command", "created", "seed", "versions", "hardware", "time")}
        made |= {"chosen": self.info["chosen"]} if "chosen" in self.info else {}
        tokenizer = self.tokenizer
        return Info(
            run=str(self.path),
            kind=self.kind,
            status=self.status,
            step=self.step,
            steps=self.config.train.steps if self.kind == "network" else None,  # counts are not trained
            arch=self.arch,
            n_parameters=self.info.get("n_parameters", {}),
            tokenizer={"kind": tokenizer.kind, "vocab_size": tokenizer.vocab_size, "note": tokenizer.note},
            data=self.info.get("data", {}),
            metrics=evaluation.metrics if evaluation else {},
            made=made,
            origin=dict(self.smaller or {}),
        )

    @property
    def arch(self) -> str:
        return self.config.model.arch if self.kind == "network" else self.kind

    @property
    def start(self) -> Path | None:
        """The weights that it began with; None where they were drawn."""
        return self.path / START if self.info.get("start") else None

    @property
    def smaller(self) -> dict[str, Any] | None:
        """Of which run this is a smaller copy (hub/smaller.py), in which bits; None of a run that was trained here."""
        return self.info.get("smaller")

    def refuse_smaller(self, why: str) -> None:
        """Raises RunError, naming the run that this is a smaller copy of, for what such a copy is not for."""
        if self.smaller is not None:
            original = self.smaller["run"]
            raise RunError(
                f"this run holds the {self.smaller['to']} weights of {original}, and {why}",
                where=str(self.path),
                hint=f"Name the original: {original}",
            )

    @property
    def into(self) -> list[str]:
        """The languages that a translator of both directions is asked for by name, that of its targets first."""
        return [*reversed(languages_said(self.config.data))] if self.config.task.both_ways else []

    def report(self) -> Report:
        """Everything a report page shows, gathered from the folder."""
        with misfits_told(self.path / "run.json", MISFIT):
            return self._report()

    def _report(self) -> Report:
        ledger = self.info.get("data", {})
        tokenizer = self.tokenizer
        return Report(
            run=str(self.path),
            task=self.config.task.name,
            arch=self.arch,
            status=self.status,
            step=self.step,
            steps=self.config.train.steps,
            command=str(self.info.get("command", "")),
            created=str(self.info.get("created", "")),
            seed=self.config.run.seed,
            versions=self.info.get("versions", {}),
            hardware=self.info.get("hardware", {}),
            n_parameters=self.info.get("n_parameters", {}),
            tokenizer={
                "kind": tokenizer.kind,
                "vocab_size": tokenizer.vocab_size,
                "bytes_per_token": ledger.get("bytes_per_token"),
                "note": tokenizer.note,
            },
            data={key: value for key, value in ledger.items() if key not in ("files", "ledger")} | {"into": self.into},
            files=ledger.get("files", []),
            ledger=ledger.get("ledger", {}),
            curve=[
                point for line in self.log.read() if len(point := _curve_point(line)) > 1
            ],  # some tell a fault alone
            samples=self._samples(),
            evaluation=self.evaluation(),
            loops=self.info.get("loops", {}),
            time=self.info.get("time", {}),
            utilisation=self.info.get("utilisation", {}),
            limits=self.info.get("limits", []),
            next=self.info.get("next", []),
            config=self.config.model_dump(mode="json"),
            messages=self.info.get("messages", {}),
        )

    def _samples(self) -> list[dict[str, Any]]:
        prompt = str(self.info.get("sample_prompt", ""))
        if self.info["form"] != "decoder":  # a text a line, of which the first is translated or classified on the way
            prompt = prompt.split("\n")[0]
        return [
            {
                "step": int(path.stem.removeprefix("step-")),
                "prompt": prompt,
                "text": path.read_bytes().decode().removeprefix(prompt),
            }
            for path in sorted((self.path / "samples").glob("step-*.txt"))
        ]


def _put_aside(checkpoint: Path, error: Damaged, notice: Callable[[str], None]) -> None:
    notice(f"damaged checkpoint set aside as {set_aside(checkpoint)}: {error.message} ({error.where})")


def facts_lacking(info: Any) -> list[str]:
    """What run.json must hold and does not, or holds in another kind."""
    if not isinstance(info, dict):
        return sorted(FACTS_NEEDED)
    kinds: dict[str, Any] = {
        "kind": str,
        "form": str,
        "heads": (dict, list),
        "data": dict,
    }  # a list, empty, in older runs
    lacking = [name for name, kind in kinds.items() if not isinstance(info.get(name), kind)]
    if not lacking and info["kind"] not in MODELS:
        lacking.append("a known kind")
    if not lacking and not isinstance(info["data"].get("prepared"), str):
        lacking.append("data.prepared")
    if not lacking and Path(info["data"]["prepared"]).name != info["data"]["prepared"]:
        lacking.append("data.prepared as the name of a folder")
    if not lacking and info["kind"] == "network":
        texts = {"data.fingerprint": info["data"].get("fingerprint"), "sample_prompt": info.get("sample_prompt")}
        lacking += [name for name, text in texts.items() if not isinstance(text, str)]
    if not lacking and "smaller" in info:
        told = info["smaller"] if isinstance(info["smaller"], dict) else {}
        lacking += [f"smaller.{name}" for name in ("run", "to") if not isinstance(told.get(name), str)]
    if not lacking:
        lacking += [f"numbers in {name}" for name in NUMBERS_IF_ANY if not _holds_numbers(info, name.split("."))]
    return lacking


def _holds_numbers(facts: dict[str, Any], place: list[str]) -> bool:
    """Whether a table of numbers stands there, or nothing."""
    found: Any = facts
    for key in place:
        found = found.get(key, {})
    return isinstance(found, dict) and all(isinstance(number, int | float) for number in found.values())


NUMBERS_IF_ANY = (
    "n_parameters",
    "time",
    "data.n_tokens",
    "data.n_documents",
    "data.n_bytes",
    "data.languages",
    "data.ledger",
)
"""Tables of run.json that verbs count with."""
CURVE_NAMES = {
    "train/loss": "train_loss",
    "train/lr": "lr",
    "eval/loss": "valid_loss",
    "eval/bpb": "valid_bpb",
    "eval/accuracy": "valid_accuracy",
    "eval/f1": "valid_f1",
}


def _curve_point(line: dict[str, Any]) -> dict[str, float]:
    return {"step": line["step"]} | {ours: line[name] for name, ours in CURVE_NAMES.items() if name in line}


def pointer_to(step: int, progress: dict[str, Any]) -> dict[str, Any]:
    """What last.json or best.json says of a checkpoint."""
    return {"step": step, "checkpoint": f"checkpoints/{folder_name(step)}", "valid_loss": progress.get("valid_loss")}


def loss_at(progress: dict[str, Any]) -> float:
    loss = progress.get("valid_loss")
    return math.inf if loss is None else float(loss)


def hashes_of(folder: Path) -> dict[str, list[str]]:
    """For run.json, written after them: each visible file of a folder -> the sha256 it may have."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return {path.name: [sha256_of(path)] for path in files if path.name not in ("run.json", "lock")}


def open_run(name: str | Path) -> Run:
    """Open whatever RUN may be here: a run folder, a checkpoint folder in it, or a name under ./runs."""
    path = Path(name)
    if not path.exists() and (Path("runs") / path).exists():
        path = Path("runs") / path
    if (path / "manifest.json").is_file() and (path.parent.parent / "run.json").is_file():
        return Run.open(path.parent.parent, checkpoint=path.name.removeprefix("step-"))
    return Run.open(path)


def list_runs(folder: Path | str) -> Runs:
    """The runs of a folder, newest first; a run that cannot be read is named, with the reason; others are no runs."""
    folder = Path(folder)
    if folder.is_file():
        raise RunError("this is a file, not a folder of runs", where=str(folder), hint="`textmill ls` lists runs/")
    if not folder.is_dir():
        raise RunError("there is no such folder of runs", where=str(folder), hint="Train one: textmill train PATH")
    lines = []
    unreadable = {}
    for path in folder.iterdir():
        if not (path / "run.json").is_file():
            continue
        try:
            lines.append(_line_of(path))
        except TextmillError as error:
            unreadable[path.name] = str(error)
    newest_first = sorted(lines, key=lambda line: line.modified, reverse=True)
    return Runs(dir=str(folder), runs=newest_first, unreadable=dict(sorted(unreadable.items())))


def _line_of(path: Path) -> RunLine:
    run = Run.open(path)
    evaluation = run.evaluation()
    return RunLine(
        name=run.name,
        status=run.status,
        task=run.config.task.name,
        arch=run.arch,
        step=run.step,
        steps=run.config.train.steps,
        bpb=evaluation.metrics.get("bpb") if evaluation else None,
        accuracy=evaluation.metrics.get("accuracy") if evaluation else None,
        f1=evaluation.metrics.get("f1") if evaluation else None,
        modified=datetime.fromtimestamp((path / "run.json").stat().st_mtime).isoformat(timespec="seconds"),
    )
