"""stdout is the result alone, -n leaves no trace, and nobody is shown codes for a terminal that is not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from faults_kit import (
    COMMAND,
    STEPS,
    WAIT_S,
    InProcess,
    environment,
    run_anew,
    run_command,
    training,
    tree,
)

# Every verb on the run `runs/geese`, in a way that makes it warn on stderr where it can.
VERBS = {
    "look": ["look", "mixed"],
    "train, finished": training(),
    "train, new": training("mixed"),
    "train -n": [*training("mixed"), "-n"],
    "train -n, continues": [*training(), "-n"],
    "eval": ["eval", "runs/geese"],
    "eval --data": ["eval", "runs/geese", "--data", "geese.txt"],
    "eval -n": ["eval", "runs/geese", "-n"],
    "eval floor": ["eval", "runs/geese/floor"],
    "generate": ["generate", "runs/geese", "Line " * 20, "--max-new-tokens", "20"],
    "score": ["score", "runs/geese", "Line 8 飞"],
    "info": ["info", "runs/geese"],
    "doctor": ["doctor", "runs/geese"],
    "ls": ["ls"],
    "report": ["report", "runs/geese"],
    "report -n": ["report", "runs/geese", "-n"],
    "demo -n": ["demo", "-n"],
    "config show": ["config", "show"],
    "config keys": ["config", "keys"],
}


@pytest.fixture
def place(geese: Path) -> Path:
    """A working folder with a run, and a folder of texts that is worth a warning."""
    mixed = geese.parent.parent / "mixed"
    mixed.mkdir()
    for number in range(3):
        (mixed / f"{number}.txt").write_text(f"Text {number}. " * 60)
    (mixed / "table.jsonl").write_text('{"text": "good"}\n{"text"\n')
    (mixed / "latin.txt").write_bytes(b"\xe9t\xe9")
    (mixed / ".hidden").write_bytes(b"x")
    return mixed.parent


@pytest.mark.parametrize("arguments", VERBS.values(), ids=VERBS)
def test_json_stands_alone_on_stdout(mill: InProcess, place: Path, arguments: list[str]) -> None:
    said = mill(*arguments, "--json")

    assert said.code == 0, said.err
    said.documents()
    assert "\x1b" not in said.out + said.err


@pytest.mark.parametrize("arguments", VERBS.values(), ids=VERBS)
def test_quiet_says_nothing_on_stderr(mill: InProcess, place: Path, arguments: list[str]) -> None:
    said = mill(*arguments, "-q")

    assert (said.code, said.err) == (0, "")
    assert said.out and "\x1b" not in said.out


@pytest.mark.parametrize("name", [name for name in VERBS if "-n" in name.split()] + ["look", "info", "score"])
def test_a_dry_run_writes_nothing(mill: InProcess, place: Path, name: str) -> None:
    before = tree(place)

    assert mill(*VERBS[name]).code == 0
    assert mill(*VERBS[name], "--json").code == 0

    assert tree(place) == before


def test_dry_runs_of_a_finished_or_refused_run_write_nothing(mill: InProcess, place: Path) -> None:
    before = tree(place)

    assert mill(*training(), "-n", "--fresh").code == 0
    assert mill(*training(steps=["--steps", "9"]), "-n").code == 0
    assert mill(*training(), "-n", "--seed", "3").code == 2
    assert mill(*training("missing.txt"), "-n").code == 2

    assert tree(place) == before


@pytest.mark.ci
def test_a_new_run_in_a_process_of_its_own_warns_on_stderr_only(place: Path) -> None:
    said = run_anew(place, *training("mixed"), "--json", "-v")

    assert said.code == 0, said.err
    [document] = said.documents()
    assert (document["schema"], document["run"], document["step"]) == ("textmill.train/1", "runs/mixed", 6)
    assert "latin.txt" in said.err and "step 2/6" in said.err
    assert "\x1b" not in said.out + said.err and "\r" not in said.err


@pytest.mark.ci
@pytest.mark.parametrize("name", ["generate", "config keys", "ls"])
def test_a_reader_that_leaves_early_is_left_in_peace(place: Path, name: str) -> None:
    command = [*COMMAND, *VERBS[name]]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=place, env=environment()
    ) as writer:
        head = subprocess.run(["head", "-c", "1"], stdin=writer.stdout, capture_output=True, timeout=WAIT_S)
        assert writer.stdout is not None and writer.stderr is not None
        writer.stdout.close()
        code, err = writer.wait(WAIT_S), writer.stderr.read().decode()

    assert code == 0
    assert len(head.stdout) == 1
    assert "Broken" not in err and "Traceback" not in err and "Exception" not in err and "error" not in err


@pytest.mark.ci
def test_training_goes_on_where_nobody_reads_its_progress(place: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, *training("mixed", steps=STEPS), "-v"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        cwd=place,
        env=environment(),
    ) as trainer:
        assert trainer.stderr is not None
        trainer.stderr.read(1)
        trainer.stderr.close()
        code = trainer.wait(WAIT_S)

    assert code == 0
    assert (place / "runs/mixed/report.html").is_file()


@pytest.mark.ci
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_result_that_cannot_be_written_is_told(place: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "config", "keys"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            timeout=WAIT_S,
        )

    assert done.returncode == 2
    assert done.stderr == "error: No space left on device\n"


@pytest.mark.ci
@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0)])
def test_closed_streams_are_no_fault(place: Path, closed: str, code: int) -> None:
    words = " ".join([*COMMAND, *training(steps=["--steps", "8", "--train.eval_every", "2"])])

    done = subprocess.run(["sh", "-c", f"{words} {closed}"], cwd=place, env=environment(), timeout=WAIT_S)

    assert done.returncode == code
    assert '"step": 8' in (place / "runs/geese/last.json").read_text()


def test_a_bug_whose_traceback_has_no_place_is_still_one_line(
    mill: InProcess, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **more: object) -> object:
        raise ValueError("odd")

    monkeypatch.setattr("textmill.cli.config.keys_text", broken)
    monkeypatch.setattr("tempfile.tempdir", str(place / "nowhere"))

    said = mill("config", "keys")

    assert (said.code, said.out) == (70, "")
    assert said.err.startswith(
        "error: a bug of Textmill, not of your input: ValueError: odd\n  The traceback could not"
    )


@pytest.mark.ci
def test_no_color_holds_at_a_terminal_too(place: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    seen = {}
    for name, more in (("plain", {"NO_COLOR": "1"}), ("dumb", {"TERM": "dumb"}), ("coloured", {"TERM": "xterm"})):
        child = pexpect.spawn(
            sys.executable, [*COMMAND[1:], "trian"], cwd=str(place), env=environment() | more, timeout=WAIT_S
        )
        child.expect(pexpect.EOF)
        child.close()
        seen[name] = (child.exitstatus, b"\x1b" in child.before)

    assert seen == {"plain": (2, False), "dumb": (2, False), "coloured": (2, True)}


@pytest.mark.ci
def test_a_text_from_standard_input_is_kept_once_and_its_run_goes_on(tmp_path: Path) -> None:
    text = "".join(f"Goose {i} flew over {i * i} hills.\n" for i in range(99)).encode()
    first = run_command(tmp_path, *training("-"), stdin=text)
    again = run_command(tmp_path, *training("-"), stdin=text)
    other = run_command(tmp_path, *training("-"), stdin=text.replace(b"Goose", b"Crane"))

    assert (first.code, again.code, other.code) == (0, 0, 2), other.err
    assert "nothing to do" in again.err
    assert "another --name" in other.err or "--name NEW" in other.err
