"""The Python of the READMEs runs, and leaves the folder that the page on run folders draws."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import blocks, text_of

TEXT = "".join(
    f"The {'old' if i % 3 else 'young'} miller counted {i % 7} sacks on day {i * i % 11}, and the boat came late.\n"
    for i in range(120)
)
CHINESE = "".join(f"老磨坊主在第{i * i % 11}天数了{i % 7}袋面粉，船来得很晚。\n" for i in range(150))


@pytest.mark.ci
@pytest.mark.parametrize(("readme", "text"), [("README.md", TEXT), ("README.zh.md", CHINESE)])
def test_the_python_of_a_readme_runs(readme: str, text: str, tmp_path: Path) -> None:
    program, n_shortened = re.subn(r'"steps": \d+', '"steps": 3', "\n".join(blocks(text_of(readme), "python")))
    assert n_shortened == 1
    (tmp_path / "novel.txt").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 4

    folder = tmp_path / "runs/from-python"
    drawn = [re.compile(pattern) for pattern in drawn_files()]
    there = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    strangers = [path for path in there if not path.startswith("floor/") and not any(p.fullmatch(path) for p in drawn)]
    assert strangers == []
    absent = [pattern.pattern for pattern in drawn if not any(pattern.fullmatch(path) for path in there)]
    assert [pattern for pattern in absent if not any(word in pattern for word in ("average", "start"))] == []


def drawn_files() -> list[str]:
    """The files of the first drawing of docs/run-folder.md, as patterns: any step, any number, any plot."""
    drawing = blocks(text_of("docs/run-folder.md"), "")[0].splitlines()[1:]
    found, folder = list[str](), ""
    for line in drawing:
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        if indent == 2:
            folder = ""
        if name.endswith("/"):
            folder = folder + name
        else:
            pattern = re.sub(r"\d+", r"\\d+", re.escape(folder + name))
            found.append(re.sub(r"^plots/.*", r"plots/\\w+\\.(svg|png)", pattern.replace(r"\-", "-")))
    return [pattern for pattern in found if not pattern.startswith("floor/")]
