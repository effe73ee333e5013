"""--keep: the disk is bounded, one checkpoint at least can be loaded, pointers never dangle, a failure goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from textmill.config import Config
from textmill.errors import Damaged
from textmill.runs import Checkpoint, Run
from textmill.runs.checkpoint import checkpoints_of
from textmill.runs.retention import prune, sweep


def a_run(folder: Path, keep: int) -> Run:
    folder.mkdir()
    return Run(folder, Config(train={"keep": keep}), {})


def save(run: Run, step: int, notices: list[str], best: bool = False, planned: bool = True) -> None:
    weights = {"w": torch.full((4,), float(step))}
    run.save(
        Checkpoint(step, weights, progress={"planned": planned}),
        best=best,
        valid_loss=1 / step if best else 9.0,
        notice=notices.append,
    )


def steps(run: Run) -> list[int]:
    return [int(path.name[5:]) for path in checkpoints_of(run.checkpoints)]


@pytest.mark.parametrize("keep", [1, 2, 5])
@pytest.mark.parametrize("best_at", [1, 4, 12])
def test_the_last_ones_and_the_best_stay_and_both_pointers_can_be_loaded(
    tmp_path: Path, keep: int, best_at: int
) -> None:
    run, notices = a_run(tmp_path / "r", keep), list[str]()

    for step in range(1, 13):
        save(run, step, notices, best=step in (1, best_at))
        best = best_at if step >= best_at else 1
        assert steps(run) == sorted({*range(max(1, step - keep + 1), step + 1), best})
        assert (run.load("last").step, run.load("best").step) == (step, best)
        assert len(list(run.checkpoints.iterdir())) <= keep + 1

    assert notices == []


@pytest.mark.parametrize("keep", [1, 2])
def test_what_a_signal_saved_pushes_out_no_planned_checkpoint_and_goes_with_the_next_save(
    tmp_path: Path, keep: int
) -> None:
    run, notices = a_run(tmp_path / "r", keep), list[str]()
    for step in (10, 20, 30):
        save(run, step, notices, best=step == 30)
    planned = [20, 30][-keep:]

    for step in (31, 32, 33):  # a signal each
        save(run, step, notices, planned=False)
        assert steps(run) == [*planned, step]
    save(run, 40, notices)

    assert steps(run) == [30, 40] and notices == []


def test_a_rollback_forgets_what_a_signal_saved_since_the_plan_did(tmp_path: Path) -> None:
    run, notices = a_run(tmp_path / "r", 1), list[str]()
    save(run, 5, notices, planned=False)
    run.forget_unplanned(notices.append)
    assert run.latest_good(notices.append) is None  # nothing planned yet: it begins anew
    assert notices == []

    save(run, 10, notices)
    save(run, 11, notices, planned=False)
    run.forget_unplanned(notices.append)
    saved = run.latest_good(notices.append)
    assert saved is not None and saved.step == run.step == 10 and steps(run) == [10]
    assert run.load("best").step == 10 and notices == []


def test_a_rollback_forgets_nothing_where_the_planned_checkpoint_is_damaged(tmp_path: Path) -> None:
    run, notices = a_run(tmp_path / "r", 1), list[str]()
    save(run, 10, notices, best=True)
    save(run, 11, notices, planned=False)
    (run.checkpoints / "step-00000010/model.safetensors").write_bytes(b"spoilt")

    with pytest.raises(Damaged, match="nothing was deleted"):
        run.forget_unplanned(notices.append)

    assert steps(run) == [11] and "step-00000010.damaged" in notices[0]


def test_a_checkpoint_that_cannot_be_renamed_is_told_and_goes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, notices = a_run(tmp_path / "r", 1), list[str]()
    save(run, 1, notices, best=True)
    save(run, 2, notices)
    with monkeypatch.context() as patch:
        rename = Path.rename

        def refuses(self: Path, target: Path) -> Path:
            if str(target).endswith(".deleted"):
                raise PermissionError(13, "Permission denied", str(self))
            return rename(self, target)

        patch.setattr(Path, "rename", refuses)
        save(run, 3, notices)

    assert len(notices) == 1 and "step-00000002: Permission denied" in notices[0]
    assert steps(run) == [1, 2, 3] and run.load("last").step == 3
    save(run, 4, notices)
    assert steps(run) == [1, 4] and len(notices) == 1


def test_a_checkpoint_that_can_be_deleted_only_in_part_is_no_checkpoint_and_goes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, notices = a_run(tmp_path / "r", 1), list[str]()
    save(run, 1, notices, best=True)
    save(run, 2, notices)
    with monkeypatch.context() as patch:

        def in_part(path: Path) -> None:
            (path / "manifest.json").unlink()
            raise OSError(16, "Device or resource busy")

        patch.setattr(shutil, "rmtree", in_part)
        save(run, 3, notices)

    assert len(notices) == 1 and ".step-00000002.deleted" in notices[0]
    assert steps(run) == [1, 3] and run.load("last").step == 3
    save(run, 4, notices)
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["step-00000001", "step-00000004"]


def test_what_a_kill_left_is_swept_and_checkpoints_are_not(tmp_path: Path) -> None:
    for name in (".step-00000004.12-ab.tmp", ".step-00000002.deleted", "step-00000003", "step-00000001.damaged"):
        (tmp_path / name).mkdir()
    sweep(tmp_path, notice=pytest.fail)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000001.damaged", "step-00000003"]
    prune(tmp_path, keep=1, best=None, notice=pytest.fail)
    assert (tmp_path / "step-00000001.damaged").is_dir()


@pytest.mark.parametrize("spoilt", ["the checkpoint", "the pointer", "both"])
def test_going_on_points_best_at_one_that_holds(tmp_path: Path, spoilt: str) -> None:
    run, notices = a_run(tmp_path / "r", 2), list[str]()
    for step in (1, 2, 3, 4):
        save(run, step, notices, best=step in (1, 2))
    if spoilt != "the pointer":
        (run.checkpoints / "step-00000002/model.safetensors").write_bytes(b"spoilt")
    if spoilt != "the checkpoint":
        (run.path / "best.json").unlink()

    saved = run.latest_good(notices.append)

    assert saved is not None and saved.step == 4
    expected = 2 if spoilt == "the pointer" else 3  # the first of those with the least loss
    assert run.load("best").step == expected
    assert json.loads((run.path / "best.json").read_bytes())["step"] == expected
    assert any("set aside" in text for text in notices) == (spoilt != "the pointer")
    assert any("best.json names step 3 now" in text for text in notices) == (spoilt == "the checkpoint")


def test_a_whole_best_is_left_alone(tmp_path: Path) -> None:
    run, notices = a_run(tmp_path / "r", 1), list[str]()
    save(run, 1, notices, best=True)
    save(run, 2, notices)
    before = (run.path / "best.json").stat().st_mtime_ns

    run.latest_good(notices.append)

    assert notices == [] and (run.path / "best.json").stat().st_mtime_ns == before
