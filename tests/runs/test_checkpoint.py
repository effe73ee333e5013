"""A checkpoint is whole or not there, and one flipped bit is found."""

import json
from pathlib import Path

import pytest
import torch

from textmill.errors import Damaged
from textmill.runs.checkpoint import (
    Checkpoint,
    checkpoints_of,
    load_checkpoint,
    save_checkpoint,
    set_aside,
    verify_checkpoint,
)


def a_checkpoint(step: int = 40) -> Checkpoint:
    torch.manual_seed(step)
    return Checkpoint(
        step=step,
        model={"head.weight": torch.randn(5, 3), "norm": torch.randn(3)},
        optimizer={"0/head.weight/step": torch.tensor(7.0), "0/head.weight/exp_avg": torch.randn(5, 3)},
        state={"0/layer0": torch.randn(2, 3)},
        progress={"best": 1.25, "window": {"total": 0.1 + 0.2, "count": 3}},
    )


def test_what_is_saved_is_loaded_bit_for_bit(tmp_path: Path) -> None:
    saved = a_checkpoint()
    loaded = load_checkpoint(save_checkpoint(tmp_path, saved))

    for group in ("model", "optimizer", "state", "average"):
        before, after = getattr(saved, group), getattr(loaded, group)
        assert before.keys() == after.keys()
        assert all(
            torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before
        )
    assert loaded.step == 40
    assert loaded.progress["window"] == saved.progress["window"]


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.safetensors", "progress.json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "lengthen", "delete"])
def test_any_damage_to_any_file_is_found_and_named(tmp_path: Path, name: str, harm: str) -> None:
    path = save_checkpoint(tmp_path, a_checkpoint())
    file = path / name
    data = bytearray(file.read_bytes())
    if harm == "flip":
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif harm == "cut":
        file.write_bytes(data[:-1])
    elif harm == "lengthen":
        file.write_bytes(data + b"\0")
    else:
        file.unlink()

    with pytest.raises(Damaged, match="checkpoint") as error:
        load_checkpoint(path)
    assert name in str(error.value)


def test_a_manifest_that_is_cut_is_damage(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, a_checkpoint())
    manifest = path / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:-20])
    with pytest.raises(Damaged, match="manifest"):
        verify_checkpoint(path)


def test_a_manifest_cannot_point_outside_its_folder(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, a_checkpoint())
    (tmp_path / "outside").write_bytes(b"x")
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["sha256"]["../outside"] = "0" * 64
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Damaged):
        verify_checkpoint(path)


def test_only_exact_step_folders_are_checkpoints_and_they_sort_by_step(tmp_path: Path) -> None:
    for step in (100, 20, 3):
        save_checkpoint(tmp_path, a_checkpoint(step))
    set_aside(tmp_path / "step-00000100")
    (tmp_path / ".step-00000200.1.tmp").mkdir()
    (tmp_path / "step-300").mkdir()
    assert [path.name for path in checkpoints_of(tmp_path)] == ["step-00000003", "step-00000020"]
    assert (tmp_path / "step-00000100.damaged").is_dir()


def test_a_crash_while_writing_leaves_the_older_checkpoint_and_no_half_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, a_checkpoint(1))

    def fails(*args: object, **kwargs: object) -> None:
        raise RuntimeError("power")

    monkeypatch.setattr("textmill.runs.checkpoint.write_json", fails)
    with pytest.raises(RuntimeError):
        save_checkpoint(tmp_path, a_checkpoint(2))
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]
    assert load_checkpoint(tmp_path / "step-00000001").step == 1
