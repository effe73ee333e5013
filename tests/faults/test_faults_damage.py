"""A flipped bit, a lost pointer, half a folder: found, said, and nothing is deleted."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from faults_kit import (
    ONE_SAVE,
    InProcess,
    flip_a_bit,
    logged_steps,
    names,
    outcome,
    refused,
    training,
    tree,
)

from textmill.errors import Damaged
from textmill.runs import Run, checkpoint
from textmill.runs.checkpoint import load_checkpoint, verify_checkpoint

FILES = ["model.safetensors", "optimizer.safetensors", "state.safetensors", "progress.json", "manifest.json"]


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_of_the_only_checkpoint_stops_every_reader(mill: InProcess, young: Path, name: str) -> None:
    flip_a_bit(young / "checkpoints/step-00000002" / name)
    before = tree(young.parent)

    refused(mill("eval", "runs/geese"), "runs/geese/checkpoints/step-00000002")
    refused(mill("generate", "runs/geese", "Line"), "runs/geese/checkpoints/step-00000002")
    refused(mill("score", "runs/geese", "Line"), "runs/geese/checkpoints/step-00000002")
    refused(mill("chat", "runs/geese"), "runs/geese/checkpoints/step-00000002")

    assert tree(young.parent) == before


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_of_the_only_checkpoint_is_set_aside_by_training(mill: InProcess, young: Path, name: str) -> None:
    flip_a_bit(young / "checkpoints/step-00000002" / name)
    before = tree(young)
    command = training(steps=ONE_SAVE)

    first = mill(*command)
    refused(first, "no checkpoint of this run is whole any more; nothing was deleted", "--fresh")
    assert "step-00000002.damaged: " in first.err and name in first.err
    again = mill(*command)
    refused(again, "no checkpoint of this run is whole any more")

    renamed = {
        key.replace("checkpoints/step-00000002", "checkpoints/step-00000002.damaged"): value
        for key, value in before.items()
    }
    assert tree(young) == renamed
    assert mill(*command, "--fresh").code == 0
    assert "step-00000002.damaged" in names(next((young.parent / ".replaced").iterdir()) / "checkpoints")


def test_a_damaged_last_checkpoint_costs_only_its_own_steps(
    mill: InProcess, tmp_path: Path, geese: Path, trained_once: Path
) -> None:
    flip_a_bit(geese / "checkpoints/step-00000006/model.safetensors")

    said = mill(*training())

    assert said.code == 0, said.err
    assert "damaged checkpoint set aside as runs/geese/checkpoints/step-00000006.damaged" in said.err
    assert "continuing runs/geese at step 4 of 6" in said.err
    assert outcome(geese) == outcome(trained_once)
    assert names(geese / "checkpoints") == ["step-00000004", "step-00000006", "step-00000006.damaged"]


def test_no_single_bit_of_a_checkpoint_changes_it_unseen(young: Path) -> None:
    folder = young / "checkpoints/step-00000002"
    whole = {name: (folder / name).read_bytes() for name in names(folder)}
    manifest = [("manifest.json", bit) for bit in range(8 * len(whole["manifest.json"]))]
    draw = random.Random(20)
    others = [(name, draw.randrange(8 * len(content))) for name, content in whole.items() for _ in range(6)]
    unseen = []

    for name, bit in draw.sample(manifest, 240) + others:
        content = bytearray(whole[name])
        content[bit // 8] ^= 1 << bit % 8
        (folder / name).write_bytes(bytes(content))
        try:
            verify_checkpoint(folder)
            unseen.append((name, bit))
        except Damaged:
            pass
        (folder / name).write_bytes(whole[name])

    assert unseen == []
    assert load_checkpoint(folder).step == 2


@pytest.mark.parametrize("name", ["last.json", "best.json"])
@pytest.mark.parametrize("content", [b"", b'{"step": 6', b"[]", b"\xff"], ids=["empty", "cut", "a list", "no text"])
def test_a_spoilt_pointer_is_named_to_readers_and_mended_by_training(
    mill: InProcess, geese: Path, trained_once: Path, name: str, content: bytes
) -> None:
    (geese / name).write_bytes(content)
    before = tree(geese)

    which = name.removesuffix(".json")
    refused(mill("eval", "runs/geese", "--checkpoint", which), f"runs/geese/{name}", "Repeat the training command")
    assert tree(geese) == before
    assert mill(*training()).code == 0

    assert (geese / name).read_bytes() == (trained_once / name).read_bytes()


def test_pointers_that_a_kill_left_behind_are_put_right(mill: InProcess, geese: Path, trained_once: Path) -> None:
    # Killed between the last checkpoint's rename and its pointers: both still name step 4.
    for name in ("last.json", "best.json"):
        words = (geese / name).read_text().replace("step-00000006", "step-00000004").replace('"step": 6', '"step": 4')
        (geese / name).write_text(words)

    assert mill(*training()).code == 0

    assert outcome(geese) == outcome(trained_once)


def test_going_on_hashes_the_checkpoint_it_takes_and_the_best_once_and_no_other(
    mill: InProcess, geese: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mill(*training(steps=["--steps", "7", "--train.eval_every", "7"]), "--train.save_every", "1").code == 0
    assert mill(*training(steps=["--steps", "9", "--train.eval_every", "9"]), "--train.save_every", "1").code == 0
    best = json.loads((geese / "best.json").read_bytes())
    verified, verify = [], checkpoint.verify_checkpoint

    def watched(path: Path) -> dict[str, object]:
        verified.append(path.name)
        return verify(path)

    monkeypatch.setattr(checkpoint, "verify_checkpoint", watched)

    Run.open(geese).latest_good(print)

    assert sorted(verified) == sorted({"step-00000009", Path(best["checkpoint"]).name})
    assert len(names(geese / "checkpoints")) > len(verified)


def test_a_damaged_line_of_the_log_is_told_when_training_goes_on(mill: InProcess, geese: Path) -> None:
    lines = (geese / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (geese / "metrics.jsonl").write_bytes(b"".join([*lines[:2], b"spoilt\n", *lines[3:]]))

    said = mill(*training(steps=["--steps", "8", "--train.eval_every", "2"]))

    assert said.code == 0, said.err
    assert "runs/geese/metrics.jsonl:3: what was logged up to step 6 is not what was written" in said.err
    assert logged_steps(geese) == [1, 2, 4, 5, 6, 7, 8]
    assert "metrics.jsonl.damaged" in names(geese)
    assert "a damaged log was kept" in mill("doctor", "runs/geese").out


def test_leftovers_of_a_killed_save_are_swept_away_and_never_read(
    mill: InProcess, tmp_path: Path, geese: Path, trained_once: Path
) -> None:
    checkpoints = geese / "checkpoints"
    shutil.copytree(checkpoints / "step-00000006", checkpoints / ".step-00000008.77.tmp")
    shutil.copytree(checkpoints / "step-00000006", checkpoints / ".step-00000009.deleted")
    shutil.copytree(checkpoints / "step-00000006", checkpoints / "step-00000009.damaged")
    half = tmp_path / "runs/.data/.0123456789abcdef.77.tmp"
    half.mkdir()
    (half / "tokens.bin").write_bytes(b"half")
    (geese / ".run.json.77.tmp").write_bytes(b"half")

    for verb in ("eval", "generate", "info", "report"):
        assert mill(verb, "runs/geese", *(["Line"] if verb == "generate" else [])).code == 0
    assert "geese" in mill("ls").out
    assert mill(*training(steps=["--steps", "8", "--train.eval_every", "2"])).code == 0

    assert names(checkpoints) == ["step-00000006", "step-00000008", "step-00000009.damaged"]
    assert logged_steps(geese) == list(range(1, 9))
    assert half.is_dir()  # it may be another process's, just now


def test_a_run_that_was_killed_in_its_first_moment_begins_anew(
    mill: InProcess, geese: Path, trained_once: Path
) -> None:
    # tokenizer and config stand there, run.json, which comes last, does not.
    for path in geese.iterdir():
        if path.name not in ("lock", "config.toml", "tokenizer.json", "tokenizer.textmill.json"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    assert mill(*training()).code == 0

    assert outcome(geese) == outcome(trained_once)


def test_prepared_text_that_was_deleted_is_prepared_again(
    mill: InProcess, tmp_path: Path, geese: Path, trained_once: Path
) -> None:
    flip_a_bit(geese / "checkpoints/step-00000006/model.safetensors")
    shutil.rmtree(tmp_path / "runs/.data")

    assert mill(*training()).code == 0

    assert outcome(geese) == outcome(trained_once)


def test_a_finished_run_without_its_report_gets_it_from_one_verb(mill: InProcess, geese: Path) -> None:
    (geese / "report.html").unlink()

    assert mill("report", "runs/geese").code == 0

    assert (geese / "report.html").is_file()
    assert Run.open(geese).trained().report == str(geese / "report.html")
