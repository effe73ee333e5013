"""metrics.jsonl: one object a logged step, cut back to the checkpoint's step when a run goes on. Room: runs/."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from textmill.files import fsync_file, fsync_folder, full_disk_named, json_of, write_atomically


class MetricsLog:
    """Appends {"step": n, "train/loss": …}; each step stands once."""

    def __init__(self, path: Path):
        self.path = path

    def write(self, step: int, values: dict[str, float]) -> None:
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
        """All whole lines; a last line that was cut by a crash is left out."""
        return [line for line, _ in self._whole_lines()]

    def seal(self) -> dict[str, Any]:
        """Length and sha256 of what is written so far: a checkpoint holds it."""
        if not self.path.exists():
            return seal_of(b"")
        return seal_of(self.path.read_bytes())

    def cut_back(self, step: int) -> None:
        """Keep the lines up to a step: the run is about to repeat what came after it."""
        kept = [text for line, text in self._whole_lines() if line["step"] <= step]
        if self.path.exists():
            write_atomically(self.path, b"".join(kept))

    def _whole_lines(self) -> list[tuple[dict[str, Any], bytes]]:
        lines: list[tuple[dict[str, Any], bytes]] = []
        if not self.path.exists():
            return lines
        for text in self.path.read_bytes().split(b"\n")[:-1]:
            try:
                line = json_of(text)
            except ValueError:
                break
            if not isinstance(line, dict) or not isinstance(line.get("step"), int):
                break
            lines.append((line, text + b"\n"))
        return lines


def seal_of(content: bytes) -> dict[str, Any]:
    """Length and sha256 of the beginning of a log."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
