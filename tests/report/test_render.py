"""render: four kinds of files, whole or not at all, and no heavy import."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from textmill.errors import ConfigError, NoSpace, RunError
from textmill.report import render
from textmill.results import Report

from .conftest import bare

FILES = ["README.md", "report.html"]
PLOTS = [f"plots/{name}.{ending}" for name in ("floors", "ledger", "loss") for ending in ("png", "svg")]


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_report_is_a_page_a_card_and_six_pictures(english: Report, tmp_path: Path) -> None:
    reported = render(english, tmp_path / "new" / "folder")

    assert files_in(tmp_path / "new" / "folder") == sorted(FILES + PLOTS)
    assert reported.run == "runs/python-docs" and reported.report == str(tmp_path / "new/folder/report.html")
    assert all(Path(path).is_file() for path in [reported.report, reported.card, *reported.plots])
    assert len(reported.plots) == 6 and reported.notes == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_rendering_twice_changes_no_byte(chinese: Report, tmp_path: Path, lang: str) -> None:
    for name in ("one", "two"):
        render(chinese, tmp_path / name, lang)

    assert [(tmp_path / "one" / file).read_bytes() for file in FILES + PLOTS] == [
        (tmp_path / "two" / file).read_bytes() for file in FILES + PLOTS
    ]


def test_pictures_of_numbers_that_are_gone_do_not_stay(english: Report, stopped: Report, tmp_path: Path) -> None:
    """A run begun afresh must not show the floors of the one before."""
    render(english, tmp_path)

    reported = render(stopped, tmp_path)

    assert files_in(tmp_path) == ["README.md", "plots/loss.png", "plots/loss.svg", "report.html"]
    assert reported.plots == [str(tmp_path / "plots/loss.svg"), str(tmp_path / "plots/loss.png")]


def test_a_full_disk_is_named_and_leaves_what_was_there(
    stopped: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render(stopped, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoSpace, match=r"loss\.svg: the disk is full"):
        render(stopped.model_copy(update={"step": 4}), tmp_path)

    assert {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)} == before


def test_a_folder_that_is_a_file_is_named(stopped: Report, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")

    with pytest.raises(RunError, match="taken"):
        render(stopped, tmp_path / "taken")
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"


def test_another_language_is_refused_before_anything_is_written(stopped: Report, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'de'"):
        render(stopped, tmp_path, "de")
    assert files_in(tmp_path) == []


def test_the_report_of_a_run_that_has_nothing_can_be_written(tmp_path: Path) -> None:
    for lang in ("en", "zh"):
        assert render(bare(), tmp_path, lang).plots == []


def test_half_a_surrogate_pair_in_a_path_is_no_crash(tmp_path: Path) -> None:
    """File names on Linux may be no UTF-8; Python hands them on with lone surrogates."""
    report = bare(data={"paths": ["caf\udce9.txt"]}, config={"data": {"paths": ["caf\udce9.txt"]}})

    reported = render(report, tmp_path)

    assert "caf\\udce9.txt" in Path(reported.report).read_text(encoding="utf-8").replace("</span>", "").replace(
        '<span class="hidden-character" title="U+DCE9">', ""
    )


def test_drawing_imports_neither_torch_nor_pyplot_and_importing_draws_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, json, pathlib, textmill.report\n"
        "assert not {'matplotlib', 'jinja2', 'torch'} & set(sys.modules)\n"
        "from textmill.results import Report\n"
        "report = Report.model_validate_json(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "textmill.report.render(report, pathlib.Path(sys.argv[2]))\n"
        "assert not {'torch', 'matplotlib.pyplot'} & set(sys.modules)\n"
    )
    (tmp_path / "report.json").write_text(bare(curve=[{"step": 1, "train_loss": 1.0}]).to_json(), encoding="utf-8")

    subprocess.run(
        [sys.executable, "-W", "error", "-c", program, tmp_path / "report.json", tmp_path], check=True, timeout=120
    )


def test_a_users_own_matplotlib_settings_change_nothing_and_stay(english: Report, tmp_path: Path) -> None:
    import matplotlib

    render(english, tmp_path / "plain")
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30, "svg.fonttype": "path"}):
        render(english, tmp_path / "loud")
        assert matplotlib.rcParams["font.size"] == 30

    for name in PLOTS:
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "loud" / name).read_bytes()
