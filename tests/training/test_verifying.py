"""--verify: a run is what its config makes, or it is said where it is not; nothing of it is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch

from textmill.config.layers import load_config
from textmill.errors import Damaged, RunError
from textmill.files import sha256_of
from textmill.runs import Run
from textmill.training import train, verify_run

pytestmark = pytest.mark.ci

TINY = {
    "tokens.kind": "bytes",
    "model.d_model": 16,
    "model.n_layers": 1,
    "model.seq_len": 16,
    "train.batch": 4,
    "train.steps": 5,
    "train.eval_every": 2,
    "train.log_every": 1,
    "train.sample_tokens": 0,
    "eval.resamples": 100,
    "machine.threads": 1,
}
ARCHITECTURES = ["rnn", "lstm", "gru", "transformer"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("textmill.training.closing.render", lambda report, folder, lang: None)
    Path("geese.txt").write_text("".join(f"Line {i}: {i * i % 97} geese flew by.\n" for i in range(120)))
    return tmp_path


def trained(arch: str = "gru", **more: object) -> Run:
    heads = {"model.n_heads": 2} if arch == "transformer" else {}
    return train(load_config({"data.paths": ("geese.txt",), "model.arch": arch, **TINY, **heads, **more}))


def named(path: str = "runs/geese", **more: object) -> object:
    return load_config({"data.paths": (path,), **more})


def tree(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def change_a_weight(run: Run, by: float) -> str:
    """In the last checkpoint, whose manifest then holds again: no damage, another run."""
    folder = run.path / "checkpoints/step-00000005"
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    name = sorted(tensors)[0]
    tensors[name].view(-1)[3] += by
    safetensors.torch.save_file(tensors, folder / "model.safetensors")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["sha256"]["model.safetensors"] = sha256_of(folder / "model.safetensors")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return name


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_run_is_equal_to_its_repetition_and_stays_as_it_was(place: Path, arch: str) -> None:
    trained(arch, **{"train.average": 0.9})
    before = tree(place)

    found = verify_run(named())

    assert (found.equal, found.differences) == (True, [])
    assert (found.first_step, found.last_step, found.n_logged) == (5, 5, 1)
    assert found.compared_with == "the checkpoint of step 5"
    assert found.n_tensors > 20
    assert tree(place) == before


def test_the_text_names_the_run_as_in_training_and_one_checkpoint_is_repeated_from_the_first_step(place: Path) -> None:
    trained(**{"train.eval_every": 5, "train.save_every": 5})

    found = verify_run(named("geese.txt"))

    assert (found.equal, found.first_step, found.last_step, found.n_logged) == (True, 1, 5, 5)


def test_fewer_steps_than_the_stretch_are_done_twice(place: Path) -> None:
    trained(**{"train.eval_every": 5, "train.save_every": 5})

    found = verify_run(named(), 3)

    assert (found.equal, found.last_step, found.n_logged) == (True, 3, 3)
    assert found.compared_with == "a second repetition"


def test_a_run_that_was_given_more_steps_and_other_rhythms_later_is_still_equal(place: Path) -> None:
    trained()
    trained(**{"train.steps": 9, "train.log_every": 3, "train.eval_tokens": 64, "train.eval_every": 4})

    assert verify_run(named()).differences == []


def test_a_weight_that_differs_is_named_with_by_how_much(place: Path) -> None:
    name = change_a_weight(trained(), by=0.25)

    found = verify_run(named())

    assert not found.equal
    [difference] = found.differences
    assert difference.what == f"model: {name}"
    assert difference.by == pytest.approx(0.25, rel=1e-6)


def test_a_loss_that_differs_from_the_log_is_named_with_its_step(place: Path) -> None:
    run = trained()
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    lines[-1]["train/loss"] += 0.5
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    [difference] = verify_run(named()).differences

    assert difference.what == "step 5, train/loss in metrics.jsonl"
    assert difference.by == pytest.approx(0.5)


def test_what_cannot_be_verified_is_told(place: Path) -> None:
    run = trained()

    with pytest.raises(RunError, match=r"run\.seed: 0 -> 4"):
        verify_run(named("geese.txt", **{"run.seed": 4}))
    with pytest.raises(RunError, match="counts are not trained"):
        verify_run(named("runs/geese/floor"))
    with pytest.raises(RunError, match="there is no such run"):
        verify_run(named("others.txt"))
    (run.path / "checkpoints/step-00000005/model.safetensors").write_bytes(b"other")
    with pytest.raises(Damaged, match="sha256 differs"):
        verify_run(named())


def test_the_verb_says_it_and_leaves_with_0_or_1(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from textmill.cli import main

    run = trained()
    capsys.readouterr()
    assert main(["train", "runs/geese", "--verify"]) == 0
    assert "are equal to the checkpoint of step 5" in capsys.readouterr().out
    name = change_a_weight(run, by=1.0)
    assert main(["train", "runs/geese", "--verify", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["differences"][0]["what"] == f"model: {name}"
    assert main(["train", "runs/geese", "--verify"]) == 1
    assert f"first in model: {name}, by 1" in capsys.readouterr().out
    assert main(["train", "--verify", "runs/geese"]) == 2
    assert "textmill train RUN --verify" in capsys.readouterr().err
    assert main(["train", "runs/geese", "--fresh", "--verify"]) == 2
