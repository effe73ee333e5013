"""What stands under RUNS/.data beside the prepared text."""

from __future__ import annotations

import os
import time
from pathlib import Path

from textmill.config.layers import load_config
from textmill.files import ABANDONED_AFTER_S, TEMPORARY
from textmill.tasks.prepare import prepare


def test_a_killed_preparation_is_cleared_away_once_nobody_can_be_writing_it(tmp_path: Path) -> None:
    """A SIGKILL in the middle once left its half of the text for ever."""
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"Line {n} tells of {n} geese." for n in range(200)))
    into = tmp_path / ".data"
    old, new = into / f".abandoned.7{TEMPORARY}", into / f".in-the-making.8{TEMPORARY}"
    for folder in (old, new):
        (folder / "train").mkdir(parents=True)
        (folder / "train" / "tokens.bin").write_bytes(b"half")
    long_ago = time.time() - ABANDONED_AFTER_S - 60
    for path in (old / "train" / "tokens.bin", old / "train", old):
        os.utime(path, (long_ago, long_ago))
    os.utime(new, (long_ago, long_ago))  # its file is fresh: somebody writes it
    said: list[str] = []
    prepared, _ = prepare(load_config({"data.paths": (str(text),)}, None).config, into, said.append)
    assert not old.exists() and (new / "train" / "tokens.bin").read_bytes() == b"half"
    assert any(old.name in line for line in said)
    assert prepared.train.n_tokens
