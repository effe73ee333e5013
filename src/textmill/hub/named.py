"""What a word in RUN's place names, told without opening it: loads no torch. Room: hub/."""

from __future__ import annotations

from pathlib import Path

HUB = "hf:"
PACKAGE = "pypi:"
MARKS_OF_OURS = ("run.json", "manifest.json")
SUFFIX_OF_GGUF = ".gguf"


def is_run(path: Path) -> bool:
    """Whether there is a model at `path`, ours or another's."""
    return is_foreign(path) or any((path / name).is_file() for name in MARKS_OF_OURS)


def is_foreign(path: Path) -> bool:
    """Whether there is something at `path` that is none of our runs, and looks like another's model."""
    if path.is_file():
        return True
    if not path.is_dir() or any((path / name).is_file() for name in MARKS_OF_OURS):
        return False
    return (path / "config.json").exists() or any(
        file.suffix in (".safetensors", ".bin", SUFFIX_OF_GGUF) for file in path.iterdir()
    )
