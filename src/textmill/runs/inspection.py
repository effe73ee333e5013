"""Whether a run folder is what was written, file by file; it reads and changes nothing. Room: runs/.

Called by training.examine (`textmill doctor`). What each file is held against:
    checkpoints/step-N/                         its manifest
    last.json, best.json                        what the checkpoints say of themselves
    run.json, eval/*.json, ledger.json          their own seal
    config.toml, the tokenizer, the floor       hashes in run.json
    metrics.jsonl                               its length and sha256 in each checkpoint
    the prepared text                           store.json, and hashes in ledger.json
What was written before there were seals and hashes is told as not checked.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textmill.errors import Damaged, RunError, TextmillError
from textmill.files import TEMPORARY, has_no_seal, json_of, seal_holds, sha256_of
from textmill.messages import Message, message
from textmill.results import NOT_CHECKED, Evaluation, Finding, finding
from textmill.runs.checkpoint import checkpoints_of, progress_of
from textmill.runs.folder import facts_lacking, pointer_to
from textmill.runs.lock import is_locked
from textmill.runs.metrics_log import seal_of
from textmill.runs.prepared import PARTS
from textmill.runs.retention import DELETED
from textmill.tokens import TokenStore

MARKS_OF_A_RUN = ("run.json", "config.toml", "checkpoints", "last.json", "best.json", "metrics.jsonl")
N_LOOKS, BETWEEN_LOOKS_S = 3, 0.5
MISSING, CHANGED = message("the file is missing"), message("the file is not what was written")
PART_TITLES = dict(zip(PARTS, ("train", "validation", "test"), strict=True))
FROM_A_COPY = message(
    "Put the file back from a copy of the run, if there is one; the weights do not depend on it. Without one the curve "
    "of these steps is lost."
)


@dataclass
class Inspection:
    """What a look at a run folder found. Steps are None where there is no such checkpoint that holds."""

    status: str
    resumes_from: int | None
    best: int | None
    findings: list[Finding]


def inspect(folder: Path) -> Inspection:
    """Every file of a run, held against what was written. Raises RunError where this is no run folder.

    A run that is training changes while it is read: only what is seen again and again is called damaged then.
    """
    if not folder.is_dir() or not any((folder / name).exists() for name in MARKS_OF_A_RUN):
        raise RunError(
            "this is no run folder (it has no run.json)", where=str(folder), hint="`textmill ls` lists runs."
        )
    was_trained = is_locked(folder)
    seen = Look(folder, was_trained).inspection()
    for _ in range(N_LOOKS - 1):
        if all(finding.severity != "damaged" for finding in seen.findings):
            break
        if not (was_trained or is_locked(folder)):
            break
        time.sleep(BETWEEN_LOOKS_S)
        was_trained = is_locked(folder)
        before, seen = seen, Look(folder, was_trained).inspection()
        known = {(finding.what, finding.where) for finding in before.findings}
        seen.findings = [f for f in seen.findings if f.severity != "damaged" or (f.what, f.where) in known]
    return seen


class Look:
    """One look at a folder. Each method gives the findings of one kind of file."""

    def __init__(self, folder: Path, is_trained: bool):
        self.folder, self.is_trained = folder, is_trained
        self.info = _read_json(folder / "run.json") or {}
        self.is_unsealed = bool(self.info) and has_no_seal((folder / "run.json").read_bytes())
        self.is_network = self.info.get("kind", "network") == "network"
        self.of_classes = self.info.get("form") == "encoder"
        self.has_floor = not {"mask", "span"} & set(self.info.get("heads") or {})  # what is beside them has no weights
        self.is_finished = bool(self.info.get("finished"))
        self.is_smaller = "smaller" in self.info  # a copy in fewer bits: log, measurements and floor are the original's
        self.progress: dict[int, dict[str, Any]] = {}  # of the checkpoints that hold, by step
        command = str(self.info.get("command") or "")
        self.repeat = (
            message("Repeat the training command: %(command)s", command=command)
            if command
            else message("Repeat the training command")
        )

    def inspection(self) -> Inspection:
        findings = [*self.of_run_json(), *self.of_hashed_files()]
        if self.is_network:
            findings += [*self.of_checkpoints(), *self.of_pointers(), *self.of_metrics(), *self.of_evaluations()]
            findings += [*self.of_floor(), *self.of_prepared()]
        if not self.is_trained:
            findings += self.of_leftovers()
        status = "finished" if self.is_finished else "training" if self.is_trained else "unfinished"
        best = _read_json(self.folder / "best.json") or {}
        return Inspection(
            status=status if self.info else "unknown",
            resumes_from=max(self.progress, default=None),
            best=best["step"] if best.get("step") in list(self.progress) else None,
            findings=findings,
        )

    # one kind of file each

    def of_run_json(self) -> Iterator[Finding]:
        path = self.folder / "run.json"
        remedy = message(
            "Put it back from a copy of the run. Without one, move the folder away and repeat the training command: "
            "the checkpoints stay readable as safetensors."
        )
        yield from _sealed_file(path, remedy)

    def of_hashed_files(self) -> Iterator[Finding]:
        """What run.json has the hashes of: config.toml and the tokenizer; in a floor, the counts as well."""
        hashes = _hashes_of(self.info)
        if hashes is None:  # run.json is told already: are they there at least?
            hashes = {"config.toml": [], "tokenizer.json": []}
        for name, allowed in hashes.items():
            copy = self._prepared_folder() / name if name.startswith("tokenizer") else None
            if copy is not None and copy.is_file():
                remedy = message("Copy it from %(path)s. No verb can open the run before.", path=copy)
            else:
                remedy = message("Put it back from a copy. No verb can open the run before.")
            yield from _hashed_file(self.folder / name, allowed, remedy)
            if not allowed and self.is_unsealed and (self.folder / name).is_file():
                yield _unsealed(self.folder / name)

    def of_checkpoints(self) -> Iterator[Finding]:
        damaged: list[tuple[str, str]] = []
        for path in checkpoints_of(self.folder / "checkpoints"):
            try:
                progress = progress_of(path)
                self.progress[int(progress["step"])] = progress
                if not _is_as_written(path / "manifest.json"):
                    damaged.append((str(path / "manifest.json"), message("its manifest is not what was written")))
            except Damaged as error:
                damaged.append((error.where or str(path), error.message))
            except OSError as error:
                damaged.append((str(path), str(error)))
        for where, why in damaged:  # the remedy is known once all were looked at
            what = message("a checkpoint is damaged: %(why)s", why=why)
            yield _damage(what, where, _size(Path(where)), self._remedy_of_checkpoint())

    def of_pointers(self) -> Iterator[Finding]:
        newest = max(self.progress, default=None)
        were_best = [step for step, progress in self.progress.items() if progress.get("is_best")]
        for which in ("last", "best"):
            path = self.folder / f"{which}.json"
            pointer = _read_json(path)
            remedy = message("%(repeat)s. It looks at the checkpoints and writes the pointer anew.", repeat=self.repeat)
            if pointer is None:
                if path.exists():
                    yield _damage(message("the pointer cannot be read"), str(path), _size(path), remedy)
                elif newest is not None and (which == "last" or were_best):
                    evidence = message("checkpoints are there, and nothing names %(file)s", file=path.name)
                    yield _damage(MISSING, str(path), evidence, remedy)
                continue
            named = self.folder / str(pointer.get("checkpoint", ""))
            if not pointer.get("checkpoint") or not named.is_dir():
                evidence = message("it names %(checkpoint)s", checkpoint=pointer.get("checkpoint"))
                what = message("the pointer names a checkpoint that is not there")
                yield _damage(what, str(path), evidence, remedy)
            elif (step := _step_of(named)) in self.progress:
                expected = pointer_to(step, self.progress[step])
                content = json.dumps(expected, ensure_ascii=False, indent=2) + "\n"
                if path.read_bytes() != content.encode():
                    evidence = message(
                        "it says %(said)s, the checkpoint says %(expected)s", said=pointer, expected=expected
                    )
                    yield _damage(message("the pointer is not what was written"), str(path), evidence, remedy)
                elif which == "last" and newest is not None and step < newest and not self.is_trained:
                    evidence = message(
                        "it names step %(step)s; step %(newest)s is there and holds", step=step, newest=newest
                    )
                    yield _note(
                        message("a stop came between a checkpoint and its pointer"), str(path), evidence, remedy
                    )

    def of_metrics(self) -> Iterator[Finding]:
        path = self.folder / "metrics.jsonl"
        remedy = FROM_A_COPY
        newest = max(self.progress, default=0)
        if not path.is_file():
            if (self.progress or self.is_finished) and not self.is_smaller:
                evidence = message("%(n)s steps were trained", n=newest)
                yield _damage(MISSING, str(path), evidence, remedy)
            return
        content = path.read_bytes()
        whole, _, rest = content.rpartition(b"\n")
        if rest and self.is_finished:
            evidence = message("it ends in %(end)s", end=repr(rest[-40:]))
            yield _damage(message("the last line has no end"), str(path), evidence, remedy)
        elif rest and not self.is_trained:
            evidence = message("it ends in %(end)s", end=repr(rest[-40:]))
            yield _note(message("a stop cut the last line"), str(path), evidence, self._repeated)
        last = 0
        for number, line in enumerate(whole.split(b"\n") if whole else [], start=1):
            step = _step_of_line(line)
            if step is None or step <= last:
                if step is None:
                    what = message("line %(n)s is no object with a step", n=number)
                else:
                    what = message("line %(n)s has step %(step)s, after step %(last)s", n=number, step=step, last=last)
                yield _damage(what, f"{path}:{number}", repr(line[:80])[1:], remedy)
                return
            last = step
        for step, progress in sorted(self.progress.items()):
            seal = progress.get("log")
            n_sealed = seal.get("bytes") if isinstance(seal, dict) else None
            if seal and (type(n_sealed) is not int or seal_of(content[:n_sealed]) != seal):
                evidence = message(
                    "its first %(sealed)s bytes have another sha256; it has %(n)s bytes",
                    sealed=f"{n_sealed:,}" if type(n_sealed) is int else repr(n_sealed)[:40],
                    n=f"{len(content):,}",
                )
                what = message("what was logged up to step %(step)s is not what was written", step=step)
                yield _damage(what, str(path), evidence, remedy)
                return
        if self.progress and not any(progress.get("log") for progress in self.progress.values()):
            yield _unsealed(path)
        there = max((_step_of(path) for path in checkpoints_of(self.folder / "checkpoints")), default=0)
        evidence = message(
            "the last line is of step %(last)s, the last checkpoint of step %(newest)s", last=last, newest=newest
        )
        if self.is_finished and self.progress and last > max(newest, there):  # what is damaged was saved, too
            yield _damage(message("it goes on after the last checkpoint"), str(path), evidence, remedy)
        elif last > newest and not self.is_trained and not self.is_finished:
            what = message("steps after the last checkpoint are repeated")
            yield _note(what, str(path), evidence, self._repeated)

    def of_evaluations(self) -> Iterator[Finding]:
        remedy = message("Measure again: %(command)s", command=f"textmill eval {self.folder}")
        for path in sorted((self.folder / "eval").glob("*.json")):
            yield from _sealed_file(path, remedy)
            if seal_holds(path.read_bytes()) or has_no_seal(path.read_bytes()):
                try:
                    Evaluation.model_validate_json(path.read_bytes())
                except ValueError as error:
                    yield _damage(message("this is no measurement"), str(path), str(error).partition("\n")[0], remedy)
        held_out = [part for part in ("test", "validation") if self._n_tokens().get(part)]
        if (
            self.is_finished
            and held_out
            and not self.is_smaller
            and not (self.folder / "eval" / f"{held_out[0]}.json").is_file()
        ):
            path = self.folder / "eval" / f"{held_out[0]}.json"
            evidence = message("a finished run has its final measurement; this one has no %(file)s", file=path.name)
            yield _damage(MISSING, str(path), evidence, remedy)

    def of_floor(self) -> Iterator[Finding]:
        floor = self.folder / "floor"
        remedy = message(
            "Move %(floor)s away: %(command)s counts it anew each time, from the prepared text.",
            floor=floor,
            command=f"textmill eval {self.folder}",
        )
        inner = [] if self.of_classes else [floor / "bytes"]
        for path in (floor, *inner):
            if (self.is_finished and self.has_floor and not self.is_smaller) or floor.is_dir():
                found = list(_sealed_file(path / "run.json", remedy))
                yield from found
                lacking = facts_lacking(_read_json(path / "run.json"))
                if lacking and not any(one.severity == "damaged" for one in found):  # such as one without a seal
                    yield _damage(CHANGED, str(path / "run.json"), f"- {', '.join(lacking)}", remedy)
                yield from _named_files(path / "run.json", remedy)

    def of_prepared(self) -> Iterator[Finding]:
        folder = self._prepared_folder()
        if not self.info or self.is_smaller:
            return
        if not folder.is_dir():
            evidence = message("it is safe to delete, and somebody did")
            remedy = message(
                "Nothing, unless the run is to be measured or trained on. It is prepared again then. %(repeat)s.",
                repeat=self.repeat,
            )
            yield _note(message("the prepared text is not there"), str(folder), evidence, remedy)
            return
        remedy = message(
            "Delete %(folder)s: it is made anew from the files. %(repeat)s.", folder=folder, repeat=self.repeat
        )
        yield from _sealed_file(folder / "ledger.json", remedy)
        yield from _named_files(folder / "ledger.json", remedy)
        for part, title in PART_TITLES.items():
            try:
                if self._n_tokens().get(title) or (folder / part).is_dir():
                    TokenStore(folder / part).verify()
                    if not _is_as_written(folder / part / "store.json"):
                        raise Damaged(CHANGED, where=str(folder / part / "store.json"))
            except TextmillError as error:
                where = error.where or str(folder / part)
                what = message("the prepared text is damaged: %(why)s", why=error.message)
                yield _damage(what, where, _size(Path(where)), remedy)

    def of_leftovers(self) -> Iterator[Finding]:
        for path in sorted(self.folder.rglob(f".*{TEMPORARY}")) + sorted(self.folder.rglob(f".*{DELETED}")):
            what = message("something half-written or half-deleted was left")
            evidence = message("a process was stopped while it wrote or deleted")
            remedy = message("Training removes it when it goes on; it may be deleted.")
            yield _note(what, str(path), evidence, remedy)
        when_nobody_needs_it = message("Delete it when nobody needs it.")
        for path in sorted((self.folder / "checkpoints").glob("step-*.damaged*")):
            evidence = message("it did not match its manifest when training went on")
            yield _note(message("a damaged checkpoint was set aside"), str(path), evidence, when_nobody_needs_it)
        for path in sorted(self.folder.glob("metrics.jsonl.damaged*")):
            evidence = message(
                "it was not what was written when training went on; metrics.jsonl has the lines that can be read"
            )
            yield _note(message("a damaged log was kept"), str(path), evidence, when_nobody_needs_it)

    # what they share

    def _n_tokens(self) -> dict[str, int]:
        data = self.info.get("data")
        n_tokens = data.get("n_tokens") if isinstance(data, dict) else None
        return n_tokens if isinstance(n_tokens, dict) else {}

    def _prepared_folder(self) -> Path:
        data = self.info.get("data")
        name = str(data.get("prepared", "")) if isinstance(data, dict) else ""
        folders = [parent / ".data" / name for parent in self.folder.resolve().parents]
        return next((folder for folder in folders if folder.is_dir()), folders[0])

    @property
    def _repeated(self) -> Message:
        return message("%(repeat)s.", repeat=self.repeat)

    def _remedy_of_checkpoint(self) -> Message:
        if not self.progress:
            return message(
                "No checkpoint is whole: put one back from a copy, or begin anew with --fresh (nothing is deleted)."
            )
        return message(
            "%(repeat)s. It sets the damaged checkpoint aside and goes on from step %(step)s.",
            repeat=self.repeat,
            step=max(self.progress),
        )


def _sealed_file(path: Path, remedy: str) -> Iterator[Finding]:
    """The finding of a file that holds its own hash, if there is one."""
    if not path.is_file():
        yield _damage(MISSING, str(path), message("it is written before the run is of use"), remedy)
    elif has_no_seal(path.read_bytes()):
        yield _unsealed(path)
    elif not seal_holds(path.read_bytes()):
        evidence = message("its seal does not hold; %(size)s", size=_size(path))
        yield _damage(CHANGED, str(path), evidence, remedy)


def _named_files(path: Path, remedy: str) -> Iterator[Finding]:
    """The findings of the files beside a JSON file that has their hashes; of itself, where these make no sense."""
    info = _read_json(path) or {}
    hashes = _hashes_of(info)
    if hashes is None and "hashes" in info:
        yield _damage(CHANGED, str(path), repr(info["hashes"])[:80], remedy)
    for name, allowed in (hashes or {}).items():
        yield from _hashed_file(path.parent / name, allowed, remedy)


def _hashes_of(info: dict[str, Any]) -> dict[str, list[str]] | None:
    """File -> the hashes that it may have; one that no file has, where none are said. None where there is no table."""
    hashes = info.get("hashes")
    if not isinstance(hashes, dict):
        return None
    return {name: allowed if isinstance(allowed, list) else [str(allowed)] for name, allowed in hashes.items()}


def _hashed_file(path: Path, allowed: list[str], remedy: str) -> Iterator[Finding]:
    """The finding of a file whose hash is kept elsewhere, if there is one. allowed: empty where it is not known."""
    if path.name in ("", ".", "..") or not path.is_file():
        yield _damage(MISSING, str(path), message("it was written when the run began"), remedy)
    elif allowed and sha256_of(path) not in allowed:
        yield _damage(CHANGED, str(path), message("its sha256 differs; %(size)s", size=_size(path)), remedy)


def _unsealed(path: Path) -> Finding:
    evidence = message("no sha256 of it is kept: it was written before Textmill kept one")
    return _note(NOT_CHECKED, str(path), evidence, message("Nothing: a run made now has seals."))


def _is_as_written(path: Path) -> bool:
    """Whether a JSON file whose values hold is, to the byte, what files.write_json makes of them."""
    content = path.read_bytes()
    try:
        return content == (json.dumps(json_of(content), ensure_ascii=False, indent=2) + "\n").encode()
    except ValueError:  # such as half a character, which has no bytes
        return False


def _read_json(path: Path) -> dict[str, Any] | None:
    """None where there is none, or no object."""
    try:
        value = json_of(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _step_of_line(line: bytes) -> int | None:
    try:
        value = json_of(line)
    except ValueError:
        return None
    step = value.get("step") if isinstance(value, dict) else None
    return step if type(step) is int and step > 0 else None


def _step_of(checkpoint: Path) -> int:
    digits = checkpoint.name.removeprefix("step-")
    return int(digits) if digits.isdecimal() else -1


def _size(path: Path) -> Message:
    if not path.is_file():
        return message("it is not there")
    return message("it has %(n)s bytes", n=f"{path.stat().st_size:,}")


def _damage(what: str, where: str, evidence: str, remedy: str) -> Finding:
    return finding(what, where, "damaged", evidence, remedy)


def _note(what: str, where: str, evidence: str, remedy: str) -> Finding:
    return finding(what, where, "note", evidence, remedy)
