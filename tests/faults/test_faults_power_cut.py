"""A power cut: what was not fsynced is gone, and still the run goes on to the same bits.

A real training is watched call by call. After each call, what a disk would still have is laid out in a folder, and
training goes on from there: a disk that kept only what was fsynced, and others that had written more of it already.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from faults_disk import (
    Choice,
    Disk,
    by_chance,
    half_written,
    materialise,
    names_first,
    number_of,
    only_fsynced,
    watched,
)
from faults_kit import InProcess, logged_steps, outcome, some_text, training

from textmill.files import fsync_folder, write_atomically
from textmill.runs import Checkpoint, Run
from textmill.runs.checkpoint import checkpoints_of, verify_checkpoint

ARCHITECTURES = ["rnn", "lstm", "gru", "transformer"]
STEPS = ["--steps", "6", "--train.eval_every", "2"]
SEED = "power 3"
DISKS: dict[str, Callable[[int], Choice]] = {
    "only what was fsynced": lambda call: only_fsynced,
    "names first": lambda call: names_first,
    "half written": lambda call: half_written,
    "by chance": lambda call: by_chance(f"{SEED} {call}"),
}


@dataclass
class Cut:
    """The power fails after this call, with this step announced as saved."""

    after: str
    announced: int
    finished: bool
    survivors: dict[str, dict[str, bytes | None]] = field(default_factory=dict)


@dataclass
class Watched:
    """A training of which every call to the disk is known, and what it came to."""

    command: list[str]
    cuts: list[Cut]
    whole: dict[str, Any]

    def survivors(self, disks: list[str], wanted: Callable[[Cut], bool]) -> dict[str, tuple[Cut, str]]:
        """The different folders that cuts leave, each with the last cut that leaves it."""
        return {number_of(cut.survivors[disk]): (cut, disk) for cut in self.cuts if wanted(cut) for disk in disks}


@pytest.fixture
def mill(mill: InProcess, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """The command without the drawing of its page, which takes longer than all the rest of so small a run."""
    monkeypatch.setattr("textmill.training.closing.render", lambda report, folder, lang: None)
    return mill


def watch(mill: InProcess, place: Path, command: list[str]) -> Watched:
    """Train in `place`, the working folder."""
    (place / "geese.txt").write_text(some_text(), encoding="utf-8")
    disk, cuts = Disk(place), []
    announced = 0

    def cut_here(after: str, finished: bool = False) -> None:
        made = {name: disk.survivor(choice(len(cuts))) for name, choice in DISKS.items()}
        cuts.append(Cut(after, announced, finished, made))

    def told(call: str, path: Path, when: str) -> None:
        if when != "before":
            disk.follow(call, path)
            cut_here(f"{when} {call} {path.relative_to(disk.path)}")

    save = Run.save

    def save_and_say(self: Run, checkpoint: Checkpoint, **more: Any) -> None:
        nonlocal announced
        save(self, checkpoint, **more)
        announced = checkpoint.step

    with pytest.MonkeyPatch.context() as patch, watched(place, told):
        patch.setattr(Run, "save", save_and_say)
        said = mill(*command)
    assert said.code == 0, said.err
    cut_here("the end", finished=True)
    return Watched(command, cuts, outcome(place / "runs/geese"))


def goes_on_after(mill: InProcess, place: Path, cut: Cut, disk: str, seen: Watched) -> None:
    """What was announced is there, and the same command comes to the same bits."""
    told = f"{disk}, power cut after {cut.after}, step {cut.announced} announced"
    materialise(cut.survivors[disk], place)
    run = place / "runs/geese"
    if cut.announced:
        steps = [verify_checkpoint(path)["step"] for path in checkpoints_of(run / "checkpoints")]
        assert max(steps, default=0) >= cut.announced, told
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        said = mill(*seen.command)

    assert said.code == 0, f"{told}\n{said.err}"
    assert ("nothing to do" in said.err) or not cut.finished, told
    assert outcome(run) == seen.whole, told
    assert logged_steps(run) == list(range(1, 7)), told
    shutil.rmtree(place)


def survives(mill: InProcess, place: Path, seen: Watched, disks: list[str], wanted: Callable[[Cut], bool]) -> int:
    """How many different folders were gone on from."""
    found = seen.survivors(disks, wanted)
    for number, (cut, disk) in enumerate(found.values()):
        goes_on_after(mill, place / f"cut-{number}", cut, disk, seen)
    return len(found)


@pytest.mark.ci
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_what_was_announced_as_saved_outlives_the_loss_of_all_that_was_not_fsynced(
    mill: InProcess, tmp_path: Path, arch: str
) -> None:
    seen = watch(mill, tmp_path, training(arch=arch, steps=STEPS))
    last_moment = [cut for cut in seen.cuts if cut.announced == 2][-9:]

    n = survives(mill, tmp_path, seen, ["only what was fsynced"], lambda cut: cut in last_moment or cut.finished)

    assert n >= 3


@pytest.mark.ci
def test_a_save_goes_on_from_whatever_a_disk_had_written_of_it(mill: InProcess, tmp_path: Path) -> None:
    seen = watch(mill, tmp_path, training(steps=STEPS))
    saving = [cut for cut in seen.cuts if "step-00000004" in cut.after or "last.json" in cut.after]
    some = saving[1::5]

    n = survives(mill, tmp_path, seen, list(DISKS), lambda cut: cut in some)

    assert n >= 10


@pytest.mark.slow
@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("disk", DISKS)
def test_every_cut_of_a_whole_training_is_gone_on_from(mill: InProcess, tmp_path: Path, disk: str, arch: str) -> None:
    seen = watch(mill, tmp_path, training(arch=arch, steps=STEPS))

    assert survives(mill, tmp_path, seen, [disk], lambda cut: True) >= 30


@pytest.mark.ci
def test_the_order_of_a_save_is_log_data_manifest_rename_folder_pointers(mill: InProcess, tmp_path: Path) -> None:
    seen = watch(mill, tmp_path, training(steps=STEPS))
    calls = [re.sub(r"[.][0-9]+(-[0-9a-f]+)?[.]tmp", ".tmp", cut.after) for cut in seen.cuts if cut.announced == 2]
    place, folder = "runs/geese/checkpoints/.step-00000004.tmp", "runs/geese/checkpoints"

    def when(call: str) -> int:
        assert call in calls, f"{call} is not among\n" + "\n".join(calls)
        return calls.index(call)

    data = [f"after fsync {place}/{name}" for name in ("model.safetensors", "optimizer.safetensors", "progress.json")]
    order = [
        max(when("after fsync runs/geese/metrics.jsonl"), when("after fsync runs/geese/samples")),
        when(f"after mkdir {place}"),
        min(map(when, data)),
        max(map(when, data)),
        when(f"after fsync {place}/.manifest.json.tmp"),
        when(f"after replace {place}/manifest.json"),
        when(f"after rename {folder}/step-00000004"),
        when(f"after fsync {folder}"),
        when("after replace runs/geese/last.json"),
    ]
    assert order == sorted(order), calls
    assert calls[-1] == "after fsync runs/geese"


def test_the_disk_of_these_tests_forgets_what_was_not_fsynced(tmp_path: Path) -> None:
    # The model itself: a rename without fsync of the file, or of the folder, is no promise.
    (tmp_path / "there").write_bytes(b"old")
    disk = Disk(tmp_path)
    with watched(tmp_path, lambda call, path, when: when == "before" or disk.follow(call, path)):
        (tmp_path / "new").write_bytes(b"new, not fsynced")
        (tmp_path / "new").replace(tmp_path / "there")
        assert disk.survivor(only_fsynced) == {"there": b"old"}
        assert disk.survivor(names_first) == {"there": b""}
        assert disk.survivor(half_written) == {"there": b"new, not"}
        fsync_folder(tmp_path)
        assert disk.survivor(only_fsynced) == {"there": b""}
        write_atomically(tmp_path / "there", b"newer")

    assert disk.survivor(only_fsynced) == disk.survivor(half_written) == {"there": b"newer"}
