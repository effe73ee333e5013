"""The real command beside others: stopped from outside, killed from outside, two at once, read while it lives."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM

import psutil
import pytest
from faults_kit import (
    COMMAND,
    InProcess,
    ended,
    environment,
    last_step,
    logged_steps,
    names,
    outcome,
    refused,
    run_anew,
    run_command,
    some_text,
    start_command,
    training,
    tree,
    wait_until,
)

from textmill.errors import RunError
from textmill.runs.lock import is_locked, locked

SOME = ["--steps", "60", "--train.eval_every", "20", "--train.save_every", "10"]
# test_faults_instants sends both to processes, too.
SHORT_OF_BOTH = [SIGINT, pytest.param(SIGTERM, marks=pytest.mark.slow)]
ENDLESS = ["--steps", "1000000", "--train.eval_every", "10"]


def put_text(folder: Path) -> Path:
    (folder / "geese.txt").write_text(some_text(), encoding="utf-8")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return put_text(tmp_path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = put_text(tmp_path_factory.mktemp("undisturbed"))
    assert run_command(place, *training(steps=SOME)).code == 0
    return place / "runs/geese"


# -- signals and kills from outside ------------------------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.parametrize("number", SHORT_OF_BOTH)
def test_a_stop_in_the_midst_of_the_steps_leaves_no_child_and_goes_on(
    place: Path, undisturbed: Path, number: int
) -> None:
    process = start_command(place, *training(steps=SOME))
    run = place / "runs/geese"
    wait_until(lambda: last_step(run) >= 1, process)
    children = psutil.Process(process.pid).children(recursive=True)

    process.send_signal(number)
    stopped = ended(process, place)

    assert (stopped.code, stopped.out) == (128 + number, ""), stopped
    assert "stopping after this step (again: leave at once)\n" in stopped.err
    assert "saved at step" in stopped.err and "The same command goes on" in stopped.err
    assert "Traceback" not in stopped.err
    assert not [child for child in children if child.is_running()]
    assert not is_locked(run)
    assert run_command(place, *training(steps=SOME)).code == 0
    assert outcome(run) == outcome(undisturbed)
    assert logged_steps(run) == list(range(1, 61))


@pytest.mark.ci
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc to see a library being loaded")
@pytest.mark.parametrize("number", SHORT_OF_BOTH)
def test_a_stop_while_it_starts_up_is_said_without_a_traceback(place: Path, undisturbed: Path, number: int) -> None:
    # From the first library on, the command has the word (before, it is Python that starts): an exception that is
    # raised within an import may come out as another one.
    draw = random.Random(11)
    for delay in [0.0, *(draw.uniform(0.0, 1.2) for _ in range(5))]:
        process = start_command(place, *training(steps=SOME))
        wait_until(lambda process=process: "numpy" in Path(f"/proc/{process.pid}/maps").read_text(), process)
        time.sleep(delay)
        process.send_signal(number)
        stopped = ended(process, place)
        assert stopped.code in (128 + number, 0), stopped  # 0: a fast machine was through with it
        assert "Traceback" not in stopped.err and "error:" not in stopped.err, stopped
        assert stopped.code == 0 or "ame command" in stopped.err, stopped

    assert run_command(place, *training(steps=SOME)).code == 0
    assert outcome(place / "runs/geese") == outcome(undisturbed)


@pytest.mark.ci
def test_a_second_signal_quits_a_save_and_what_was_saved_before_is_whole(place: Path) -> None:
    process = start_command(place, *training(steps=ENDLESS))
    run = place / "runs/geese"
    wait_until(lambda: (run / "best.json").exists(), process)

    process.send_signal(SIGINT)
    process.send_signal(SIGTERM)
    stopped = ended(process, place)

    # Both may be there before Python looks: then it saves, or it quits; either way within the guard.
    assert stopped.code in (130, 143), stopped
    assert run_command(place, "eval", "runs/geese").code == 0


@pytest.mark.ci
def test_killed_from_outside_at_random_moments_the_run_is_the_same(place: Path, undisturbed: Path) -> None:
    draw, seed = random.Random(5), 5
    print(f"seed {seed}")
    run = place / "runs/geese"
    repeated = []
    for _ in range(4):
        before = last_step(run)
        process = start_command(place, *training(steps=SOME))
        target = min(58, before + draw.randrange(1, 20))
        wait_until(lambda process=process, target=target: process.poll() is not None or last_step(run) >= target)
        process.kill()
        assert ended(process, place).code in (-SIGKILL, 0)
        err = (place / ".err").read_text()
        if "continuing" in err:
            repeated.append(before - int(err.split("continuing runs/geese at step ")[1].split()[0]))

    done = run_command(place, *training(steps=SOME))

    assert done.code == 0, done.err
    assert outcome(run) == outcome(undisturbed)
    assert logged_steps(run) == list(range(1, 61))
    assert all(steps <= 10 for steps in repeated), repeated
    assert [name for name in names(run / "checkpoints") if name.startswith(".")] == []


# -- two at once -------------------------------------------------------------------------------------------------------


@pytest.mark.ci
def test_a_second_trainer_is_refused_and_readers_disturb_nothing(place: Path) -> None:
    process = start_command(place, *training(steps=ENDLESS))
    run = place / "runs/geese"
    try:
        wait_until(lambda: (run / "best.json").exists(), process)
        began = time.monotonic()
        second = run_command(place, *training(steps=ENDLESS))
        fresh = run_command(place, *training(steps=ENDLESS), "--fresh")
        took = time.monotonic() - began

        assert second.code == fresh.code == 2, second
        assert f"error: runs/geese: another process trains this run (pid {process.pid})" in second.err
        assert f"(pid {process.pid})" in fresh.err
        assert second.out == "" and took < 60
        for arguments in (
            ["eval", "runs/geese", "--json"],
            ["generate", "runs/geese", "Line", "--max-new-tokens", "3", "--json"],
            ["info", "runs/geese", "--json"],
            ["ls", "--json"],
            ["report", "runs/geese", "--json"],
        ):
            said = run_command(place, *arguments)
            assert said.code == 0, said.err
            [document] = said.documents()
            if arguments[0] == "info":
                assert document["status"] == "training"
            if arguments[0] == "ls":
                assert [(line["name"], line["status"]) for line in document["runs"]] == [("geese", "training")]
        assert process.poll() is None, (place / ".err").read_text()
    finally:
        process.send_signal(SIGINT)
        stopped = ended(process, place)

    assert stopped.code == 130, stopped.err
    steps = logged_steps(run)
    assert steps == list(range(1, len(steps) + 1))


@pytest.mark.ci
@pytest.mark.parametrize(
    "arguments", [pytest.param([], id="train"), pytest.param(["--fresh"], id="fresh", marks=pytest.mark.slow)]
)
def test_a_second_trainer_is_refused_while_the_first_prepares_and_loads_no_torch(
    place: Path, arguments: list[str]
) -> None:
    # Standard input that does not end: the first is still about its text.
    command = [*training("-", steps=SOME), "--name", "geese"]
    with (place / ".err").open("w") as err:
        first = subprocess.Popen(
            [*COMMAND, *command], stdin=subprocess.PIPE, stdout=err, stderr=err, cwd=place, env=environment()
        )
    run = place / "runs/geese"
    try:
        wait_until(lambda: (run / "lock").is_file() and (run / "lock").read_text(), first)
        began = time.monotonic()
        second = run_anew(place, *training(steps=SOME), *arguments)
        took = time.monotonic() - began
        watched = run_anew(place, *training(steps=SOME), *arguments, PYTHONPROFILEIMPORTTIME="1")

        assert (second.code, second.out) == (2, "")
        assert second.err.startswith(f"error: runs/geese: another process trains this run (pid {first.pid})\n")
        assert took < 25, took  # promised: 5 s on an idle machine
        assert watched.code == 2 and "textmill.runs.lock" in watched.err
        assert not [line for line in watched.err.splitlines() if line.split("|")[-1].strip() == "torch"]
        assert names(run) == ["lock"]
        assert run_command(place, "ls", "--json").documents()[0]["runs"] == []
    finally:
        first.terminate()
        first.communicate(timeout=60)

    assert first.returncode == 143, (place / ".err").read_text()
    assert names(place) == [".err", "geese.txt", "runs"]
    assert not run.exists()


@pytest.mark.ci
def test_of_trainers_that_start_at_the_same_instant_one_begins(place: Path) -> None:
    (place / "out").mkdir()
    begun = []
    for number in range(4):
        with (place / f"out/{number}").open("w") as told:
            command = [*COMMAND, *training(steps=ENDLESS), *(["--fresh"] if number == 3 else [])]
            begun.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=told, cwd=place, env=environment()))
    try:
        wait_until(lambda: sum(process.poll() is not None for process in begun) >= 3)
        [winner] = [process for process in begun if process.poll() is None]
        for number, process in enumerate(begun):
            if process is not winner:
                assert process.returncode == 2
                assert f"another process trains this run (pid {winner.pid})" in (place / f"out/{number}").read_text()
        assert not (place / "runs/.replaced").exists()
    finally:
        for process in begun:
            process.terminate()
        for process in begun:
            process.wait(60)
    assert winner.returncode == 143


def test_a_start_that_fails_leaves_nothing_and_moves_nothing(mill: InProcess, geese: Path) -> None:
    (geese.parent.parent / "short.txt").write_text("Too short.")
    before = tree(geese.parent)

    refused(mill(*training("short.txt"), "--runs", "elsewhere/deep"), "short.txt")
    refused(mill(*training("short.txt"), "--name", "short"), "short.txt")
    refused(mill(*training("short.txt"), "--name", "geese", "--fresh"), "short.txt")

    assert tree(geese.parent) == before
    assert names(geese.parent.parent) == ["geese.txt", "runs", "short.txt"]


@pytest.mark.ci
def test_two_runs_of_one_text_begun_together_share_what_they_prepare(place: Path) -> None:
    short = ["--steps", "4", "--train.eval_every", "2"]
    both = [
        subprocess.Popen(
            [*COMMAND, *training(arch=arch, steps=short), "--name", arch],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=place,
            env=environment(),
            text=True,
        )
        for arch in ("gru", "lstm")
    ]
    said = [process.communicate(timeout=120) for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert len(names(place / "runs/.data")) == 1


def test_text_that_another_run_prepared_in_the_meantime_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from textmill.config.layers import load_config
    from textmill.runs import Prepared
    from textmill.tasks.prepare import prepare
    from textmill.text import SplitPlan
    from textmill.training.progress import Quiet
    from textmill.training.session import prepared_text

    put_text(tmp_path)
    config = load_config({"data.paths": (str(tmp_path / "geese.txt"),), "tokens.kind": "bytes"}).config
    documents, others = SplitPlan.documents, []

    def other_first(self: SplitPlan, part: str) -> object:
        if not others:  # in the midst of our own preparation, another's is finished
            others.append(part)
            prepare(config, tmp_path / "runs/.data")
        return documents(self, part)  # type: ignore[arg-type]

    monkeypatch.setattr(SplitPlan, "documents", other_first)
    prepared, _ = prepared_text(config, tmp_path / "runs", Quiet())

    assert others == ["train"]
    assert isinstance(prepared, Prepared)
    assert names(tmp_path / "runs/.data") == [prepared.path.name]


# -- the lock ----------------------------------------------------------------------------------------------------------


def test_a_glance_of_a_reader_does_not_refuse_a_trainer(tmp_path: Path) -> None:
    import fcntl
    import threading

    (tmp_path / "run.json").write_text("{}")
    with locked(tmp_path):
        pass
    glance = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(glance, fcntl.LOCK_SH)
    timer = threading.Timer(0.05, os.close, [glance])
    timer.start()

    with locked(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(RunError, match=f"pid {os.getpid()}"), locked(tmp_path):
            pass
    timer.join()


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/lock").symlink_to(tmp_path / "target")

    with pytest.raises(RunError, match="the lock cannot be opened"), locked(tmp_path / "run"):
        pass

    assert (tmp_path / "target").read_text() == "precious"


def test_a_checkpoint_that_goes_while_it_is_read_is_looked_up_again(
    geese: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from textmill.runs import Run, folder

    # A living run: best.json is read, then a save moves the pointer on and deletes what it named.
    old = (geese / "best.json").read_text()
    gone = json.loads(old) | {"checkpoint": "checkpoints/step-00000002", "step": 2}
    (geese / "best.json").write_text(json.dumps(gone))
    load = folder.load_checkpoint

    def saved_meanwhile(path: Path) -> object:
        (geese / "best.json").write_text(old)
        return load(path)

    monkeypatch.setattr(folder, "load_checkpoint", saved_meanwhile)

    assert Run.open(geese).load("best").step == json.loads(old)["step"]


# -- the shell's own handling of signals -------------------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_a_verb_that_saves_nothing_ends_with_the_signals_code_and_leaves_nothing(
    place: Path, number: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    temporary = tmp_path_factory.mktemp("temporary")
    reader = subprocess.Popen(
        [*COMMAND, "look", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=place,
        env=environment() | {"TMPDIR": str(temporary)},
    )
    try:
        # It waits for standard input, which does not end, with a file to keep it in. Python first tries the place out.
        wait_until(lambda: any(temporary.glob("textmill-*/*")), reader)
        reader.send_signal(number)
        _, err = reader.communicate(timeout=60)
    finally:
        reader.kill()
        reader.wait()

    assert reader.returncode == 128 + number, err
    assert err.strip() == b"stopped"
    assert names(temporary) == []


def test_handlers_are_put_back(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from textmill.cli import main

    before = [signal.getsignal(number) for number in (SIGINT, SIGTERM)]
    monkeypatch.chdir(place)

    assert main(["look", "geese.txt"]) == 0
    assert main(training(steps=["--steps", "2", "--train.eval_every", "2"])) == 0

    assert [signal.getsignal(number) for number in (SIGINT, SIGTERM)] == before
