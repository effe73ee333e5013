"""[machine] and [run]: where a run is computed, and where it lies."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from textmill.config.section import Section, knob


class MachineConfig(Section):
    """Where a run is computed."""

    device: Literal["auto", "cpu", "cuda", "mps"] = knob("auto", flag="--device", on_resume="warn")
    """auto: cuda, else mps, else cpu."""
    threads: int | None = knob(None, ge=1, flag="--threads", on_resume="warn")
    """Processor threads. Default: the processors this process may use, never the load."""


class RunConfig(Section):
    """Where a run lies, and its seed."""

    name: str | None = knob(None, flag="--name", on_resume="take")
    """Folder of the run. Default: the stem of the first PATH."""
    dir: str = knob("runs", flag="--runs", on_resume="take")
    """Folder of all runs."""
    seed: int = knob(0, ge=0, flag="--seed")
    """Of weights, order, dropout and samples."""

    @field_validator("name")
    @classmethod
    def name_is_a_folder_name(cls, name: str | None) -> str | None:
        if name is not None and (not name or name in {".", ".."} or any(c in name for c in "/\\\0") or len(name) > 100):
            raise ValueError(f"{name!r} is no folder name")
        return name
