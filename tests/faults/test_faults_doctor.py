"""`textmill doctor`: every damage to every file of a run is found and named, and nothing is changed or made up."""

from __future__ import annotations

import json
import re
import shutil
import signal
from pathlib import Path

import pytest
from faults_kit import (
    NEVER_ENDS,
    STEPS,
    InProcess,
    flip_a_bit,
    last_step,
    names,
    refused,
    start_command,
    training,
    tree,
    wait_until,
)

from textmill.files import has_no_seal, seal_holds, sha256_of, write_json

FILES = [
    *(
        "run.json",
        "config.toml",
        "tokenizer.json",
        "tokenizer.textmill.json",
        "metrics.jsonl",
        "last.json",
        "best.json",
    ),
    *(f"checkpoints/step-00000006/{name}" for name in ("model.safetensors", "optimizer.safetensors")),
    *(f"checkpoints/step-00000006/{name}" for name in ("state.safetensors", "progress.json", "manifest.json")),
    *("checkpoints/step-00000004/model.safetensors", "eval/test.json"),
    *(f"floor/{name}" for name in ("run.json", "config.toml", "tokenizer.json", "model.json", "model.safetensors")),
    *("floor/bytes/run.json", "floor/bytes/model.safetensors"),
]
PREPARED = [
    *("ledger.json", "tokenizer.json", "tokenizer.textmill.json"),
    *(f"train/{name}.bin" for name in ("tokens", "starts", "document_bytes", "document_chars", "sources")),
    *("train/source_starts.bin", "train/store.json", "valid/tokens.bin", "test/store.json"),
]
HARMS = ["deleted", "cut", "lengthened", "flipped"]


def harm(path: Path, kind: str) -> None:
    content = path.read_bytes()
    if kind == "deleted":
        path.unlink()
    elif kind == "cut":
        path.write_bytes(content[:-5])
    elif kind == "lengthened":
        path.write_bytes(content + b"\n")
    else:
        flip_a_bit(path)


def document(said_out: str) -> dict[str, object]:
    [line] = said_out.splitlines()
    return dict(json.loads(line))


def test_a_whole_run_has_no_finding(mill: InProcess, geese: Path) -> None:
    before = tree(geese.parent)

    said = mill("doctor", "runs/geese", "--json")

    assert said.code == 0, said.out
    found = document(said.out)
    assert (found["whole"], found["findings"], found["resumes_from"]) == (True, [], 6)
    assert found["best"] == json.loads((geese / "best.json").read_bytes())["step"]
    assert tree(geese.parent) == before


@pytest.mark.parametrize("name", FILES + [f"PREPARED/{name}" for name in PREPARED])
def test_any_damage_to_any_file_is_found_and_named(mill: InProcess, geese: Path, name: str) -> None:
    [prepared] = [path for path in (geese.parent / ".data").iterdir() if path.is_dir()]
    path = prepared / name.removeprefix("PREPARED/") if name.startswith("PREPARED/") else geese / name
    content, missed = path.read_bytes(), []

    for kind in HARMS:
        harm(path, kind)
        before = tree(geese.parent)
        said = mill("doctor", "runs/geese", "--json")
        findings = document(said.out)["findings"]
        assert isinstance(findings, list)
        damages = [finding for finding in findings if finding["severity"] == "damaged"]
        # A pointer to a checkpoint that cannot be read, or a log that is held against it, is not told a second time.
        named = any(path.name in finding["where"] and path.parent.name in finding["where"] for finding in damages)
        if said.code != 1 or not named or not all(finding["remedy"] for finding in damages):
            missed.append((kind, said))
        assert tree(geese.parent) == before
        path.write_bytes(content)

    assert missed == []


def test_no_single_bit_of_the_small_files_changes_unseen(mill: InProcess, geese: Path) -> None:
    unseen = []
    for name in ("run.json", "config.toml", "last.json", "best.json", "metrics.jsonl", "eval/test.json"):
        content = (geese / name).read_bytes()
        for place in range(3, len(content), max(1, len(content) // 12)):
            spoilt = bytearray(content)
            spoilt[place] ^= 1 << place % 8
            (geese / name).write_bytes(bytes(spoilt))
            if mill("doctor", "runs/geese").code != 1:
                unseen.append((name, place))
        (geese / name).write_bytes(content)

    assert unseen == []


def test_a_damaged_checkpoint_is_told_with_what_would_be_used_and_the_command(mill: InProcess, geese: Path) -> None:
    flip_a_bit(geese / "checkpoints/step-00000006/model.safetensors")

    said = mill("doctor", "runs/geese")

    assert said.code == 1
    assert "Training would go on from the checkpoint of step 4" in said.out
    assert "runs/geese/checkpoints/step-00000006/model.safetensors" in said.out
    assert "goes on from step 4" in said.out
    assert "metrics.jsonl" not in said.out  # its last lines belong to the checkpoint that is damaged
    assert mill(*training()).code == 0  # what the remedy says
    mended = mill("doctor", "runs/geese", "--json")
    assert mended.code == 0, mended.out
    assert "step-00000006.damaged" in mended.out


def test_a_lost_checkpoint_leaves_a_pointer_that_is_named(mill: InProcess, geese: Path) -> None:
    shutil.rmtree(geese / "checkpoints/step-00000006")

    said = mill("doctor", "runs/geese")

    assert said.code == 1
    assert "the pointer names a checkpoint that is not there" in said.out and "runs/geese/last.json" in said.out


def test_a_floor_a_checkpoint_folder_and_a_name_are_runs_and_other_folders_are_none(
    mill: InProcess, geese: Path
) -> None:
    assert mill("doctor", "runs/geese/floor").code == 0
    assert mill("doctor", "runs/geese/checkpoints/step-00000006").code == 0
    assert mill("doctor", "geese").code == 0
    refused(mill("doctor", "runs/gees"), "there is no such run")
    refused(mill("doctor", "runs/.data"), "this is no run folder")


def test_deleted_prepared_text_is_no_damage(mill: InProcess, geese: Path) -> None:
    shutil.rmtree(geese.parent / ".data")

    said = mill("doctor", "runs/geese")

    assert said.code == 0
    assert "note: the prepared text is not there" in said.out


def test_a_log_with_a_step_twice_is_damage(mill: InProcess, geese: Path) -> None:
    log = geese / "metrics.jsonl"
    log.write_bytes(log.read_bytes() + log.read_bytes().splitlines(keepends=True)[-1])

    said = mill("doctor", "runs/geese")

    assert said.code == 1
    assert "has step 6, after step 6" in said.out


def test_a_config_that_was_taken_on_resume_is_whole(mill: InProcess, geese: Path) -> None:
    assert mill(*training(steps=[*STEPS[2:], "--steps", "8"]), "--train.log_every", "2").code == 0

    said = mill("doctor", "runs/geese", "--json")

    assert said.code == 0, said.out
    assert document(said.out)["findings"] == []


def without_seals(run: Path) -> None:
    """A run as it was written before there were seals, hashes and a log that checkpoints hold."""
    [ledger] = (run.parent / ".data").glob("*/ledger.json")
    for path in [*run.rglob("run.json"), *run.glob("eval/*.json"), ledger]:
        value = json.loads(path.read_bytes())
        write_json(path, {key: part for key, part in value.items() if key not in ("seal", "hashes")})
    for folder in (run / "checkpoints").iterdir():
        manifest, progress = (json.loads((folder / name).read_bytes()) for name in ("manifest.json", "progress.json"))
        write_json(folder / "progress.json", {key: part for key, part in progress.items() if key != "log"})
        manifest["sha256"]["progress.json"] = sha256_of(folder / "progress.json")
        write_json(folder / "manifest.json", manifest)


def test_a_run_from_before_there_were_seals_is_not_called_damaged(mill: InProcess, geese: Path) -> None:
    without_seals(geese)
    before = tree(geese.parent)

    said = mill("doctor", "runs/geese")
    found = document(mill("doctor", "runs/geese", "--json").out)["findings"]

    assert said.code == 0, said.out
    assert "finished; no damage was found, but not every file has a seal" in said.out
    assert isinstance(found, list)
    unchecked = [finding["where"].rpartition("/")[2] for finding in found if finding["what"] == "no seal: not checked"]
    for name in ("run.json", "config.toml", "tokenizer.json", "metrics.jsonl", "test.json", "ledger.json"):
        assert name in unchecked
    assert "validation.json" not in unchecked
    assert tree(geese.parent) == before

    flip_a_bit(geese / "checkpoints/step-00000006/model.safetensors")
    assert mill("doctor", "runs/geese").code == 1


def test_a_spoilt_seal_is_damage_and_no_old_file(mill: InProcess, geese: Path) -> None:
    content = (geese / "run.json").read_bytes()
    start = content.rindex(b'"seal"') + 1
    for place in (start, start + 3, start + 10, len(content) - 5):
        for bit in range(8):
            spoilt = bytearray(content)
            spoilt[place] ^= 1 << bit
            assert not has_no_seal(bytes(spoilt)), (place, bit)
            assert not seal_holds(bytes(spoilt))
    (geese / "run.json").write_bytes(content.replace(b'"seal"', b'"seam"'))

    said = mill("doctor", "runs/geese")

    assert said.code == 1
    assert "damaged: the file is not what was written\n  runs/geese/run.json" in said.out


@pytest.mark.ci
@pytest.mark.parametrize("ending", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_run_that_trains_is_not_called_damaged_nor_one_that_was_killed(
    mill: InProcess, tmp_path: Path, geese: Path, ending: int
) -> None:
    shutil.rmtree(geese)
    process = start_command(tmp_path, *training(steps=NEVER_ENDS))
    try:
        wait_until(lambda: last_step(geese) > 20, process)
        for _ in range(5):
            said = mill("doctor", "runs/geese", "--json")
            found = document(said.out)
            assert (said.code, found["whole"], found["status"]) == (0, True, "training"), said.out
        process.send_signal(ending)
        process.wait(60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()

    said = mill("doctor", "runs/geese", "--json")
    assert said.code == 0, (said.out, names(geese))
    found = document(said.out)
    assert found["status"] == "unfinished"
    step = found["resumes_from"]
    assert isinstance(step, int) and step >= 5


def test_doctor_speaks_chinese(mill: InProcess, geese: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTMILL_LANG", "zh")
    flip_a_bit(geese / "metrics.jsonl")
    (geese / "best.json").unlink()
    (geese / "checkpoints/step-00000002.damaged").mkdir()

    said = mill("doctor", "runs/geese")

    assert said.code == 1
    assert said.out.startswith("runs/geese：已完成；有文件损坏\n") and "\n损坏：文件缺失\n" in said.out
    assert "\n说明：一个损坏的检查点已移到一旁\n" in said.out
    names_alone = re.compile(r"runs/\S+|：textmill [^。]*|(metrics\.jsonl|best\.json|sha256|b?'.*')|[0-9]")
    assert not re.findall("[A-Za-z]+ [a-z]+", names_alone.sub("", said.out)), said.out
    assert "messages" in document(mill("doctor", "runs/geese", "--json").out)["findings"][0]
