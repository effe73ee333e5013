"""metrics.jsonl: one object a logged step, cut back to the checkpoint's step when a run goes on. Room: runs/."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textmill.files import fsync_file, fsync_folder, full_disk_named, json_of, name_aside, write_atomically


class MetricsLog:
    """Appends {"step": n, "train/loss": …}; each step stands once."""

    def __init__(self, path: Path):
        self.path = path
        self.hashed, self.n_hashed = hashlib.sha256(), 0

    def write(self, step: int, values: dict[str, Any]) -> None:
        """Append a line at once: a reader of the living run sees it. Raises NoSpace."""
        line = json.dumps({"step": step, **values}, allow_nan=False) + "\n"
        with full_disk_named(self.path), self.path.open("a") as file:
            file.write(line)

    def keep(self) -> None:
        """Make the lines so far survive a power cut: before the checkpoint that goes on from them. Raises NoSpace."""
        if self.path.exists():
            with full_disk_named(self.path):
                fsync_file(self.path)
                fsync_folder(self.path.parent)

    def read(self) -> list[dict[str, Any]]:
        """All whole lines up to the first that is damaged; a last line that was cut by a crash is left out."""
        lines: list[dict[str, Any]] = []
        if not self.path.exists():
            return lines
        for text in self.path.read_bytes().split(b"\n")[:-1]:
            line = line_of(text)
            if line is None:
                break
            lines.append(line)
        return lines

    def seal(self) -> dict[str, Any]:
        """Length and sha256 of what is written so far: a checkpoint holds it. Only what is new is read."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self.n_hashed)
                new = file.read()
            self.hashed.update(new)
            self.n_hashed += len(new)
        return {"bytes": self.n_hashed, "sha256": self.hashed.hexdigest()}

    def cut_back(
        self, step: int, seal: dict[str, Any] | None = None, notice: Callable[[str], None] = lambda text: None
    ) -> None:
        """Keep the lines up to a step: the run is about to repeat what came after it.

        seal: what the checkpoint of that step holds. Where these lines are not what was written, those that can be
        read are kept, the file as it was stays beside it under another name, and notice is told.
        """
        content = self.path.read_bytes() if self.path.exists() else b""
        if seal is not None and seal_of(content[: seal["bytes"]]) == seal:
            kept = content[: seal["bytes"]]
        else:
            kept, damaged = readable_lines(content, step)
            if step and (seal is not None or damaged is not None):
                self._tell_damage(content, damaged, step, notice)
        if kept != content:
            write_atomically(self.path, kept)
        self.hashed, self.n_hashed = hashlib.sha256(kept), len(kept)

    def _tell_damage(self, content: bytes, damaged: int | None, step: int, notice: Callable[[str], None]) -> None:
        if not self.path.exists():
            notice(
                f"{self.path} is missing: what was logged up to step {step} is lost; the weights do not depend on it"
            )
            return
        aside = name_aside(self.path)
        write_atomically(aside, content)
        where = f"{self.path}:{damaged}" if damaged else str(self.path)
        notice(
            f"{where}: what was logged up to step {step} is not what was written; the lines that can be read are kept, "
            f"and the file as it was is {aside}"
        )


def readable_lines(content: bytes, step: int) -> tuple[bytes, int | None]:
    """The lines of a log up to a step, and the number of the first that is damaged: no object, or out of order."""
    kept: list[bytes] = []
    last, damaged = 0, None
    for number, text in enumerate(content.split(b"\n")[:-1], start=1):
        line = line_of(text)
        if line is None or line["step"] <= last:
            damaged = damaged or number
        elif line["step"] <= step:
            kept.append(text + b"\n")
            last = line["step"]
    return b"".join(kept), damaged


def line_of(text: bytes) -> dict[str, Any] | None:
    """A line of a log; None where it is none."""
    try:
        line = json_of(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("step"), int) else None


def seal_of(content: bytes) -> dict[str, Any]:
    """Length and sha256 of the beginning of a log."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
