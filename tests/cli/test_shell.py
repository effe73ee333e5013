"""Exit codes, streams, hints: what is the same for all verbs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from fakes import EVALUATION, LOOK, Shell, fake_room

import textmill
from textmill.cli import main
from textmill.cli.output import for_terminal, show_error, table, width
from textmill.errors import Diverged, InputError, Interrupted
from textmill.tables import VERBS, load


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(capsys)


def look_that_raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def look(data: object, **_: object) -> None:
        raise error

    fake_room(monkeypatch, "textmill.training", look=look)


def test_the_bare_command_prints_six_examples(shell: Shell) -> None:
    said = shell()

    assert said.code == 0
    assert len([line for line in said.out.splitlines() if line.startswith("  textmill ")]) == 6
    assert said.err == ""


def test_the_version_is_the_packages(shell: Shell) -> None:
    assert shell("--version").out == f"textmill {textmill.__version__}\n"


def test_the_overview_shows_every_verb_with_its_line(shell: Shell) -> None:
    out = shell("--help").out

    for name, (_, line) in VERBS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", out, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_opens_with_examples_of_it(shell: Shell, verb: str) -> None:
    said = shell(verb, "--help")

    lines = said.out.splitlines()
    assert said.code == 0
    assert lines[0] == "Examples:"
    assert f"textmill {verb}" in lines[1]
    assert said.out.index("Usage:") > said.out.index(lines[1])
    assert said.err == ""


def commands() -> list[list[str]]:
    """Every command there is, subverbs included."""
    found = []
    for name in VERBS:
        command = load(VERBS[name][0])
        if isinstance(command, click.Group):
            found += [[name, inner] for inner in command.list_commands(click.Context(command))]
        else:
            found.append([name])
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_the_common_options_are_everywhere(shell: Shell, command: list[str]) -> None:
    out = shell(*command, "--help").out

    for option in ("--json", "-q, --quiet", "-v, --verbose", "--no-color", "-c, --config"):
        assert option in out


@pytest.mark.parametrize("verb", ["look", "train", "report", "demo"])
def test_a_verb_that_writes_has_a_dry_run(shell: Shell, verb: str) -> None:
    assert "-n, --dry-run" in shell(verb, "--help").out


@pytest.mark.parametrize("arguments", [[], ["--help"], *([verb, "--help"] for verb in VERBS)], ids=" ".join)
def test_help_loads_neither_torch_nor_transformers_nor_matplotlib(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom textmill.cli import main\n"
        f"assert main({arguments!r}) == 0\n"
        "heavy = {'torch', 'transformers', 'matplotlib', 'numpy', 'tokenizers', 'rich', 'pydantic'}\n"
        "heavy = (heavy | {'textmill.results'}) & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "line", "hint"),
    [
        (["trian"], "error: no verb 'trian'", "did you mean 'train'?"),
        (["config", "shwo"], "error: no verb 'config shwo'", "did you mean 'show'?"),
        (["frobnicate"], "error: no verb 'frobnicate'", "`textmill --help` shows examples"),
        (["train", "x", "--stpes", "3"], "error: no option '--stpes' in textmill train", "did you mean '--steps'?"),
        (["train", "x", "--train.lrr", "3"], "no option '--train.lrr'", "did you mean '--train.lr'?"),
        (["train", "x", "--model.lr", "3"], "no option '--model.lr'", "did you mean '--train.lr'?"),
        (["train", "x", "--train.zzz", "3"], "no option '--train.zzz'", "`textmill train --help` shows examples"),
        (["train", "x", "--steps", "3", "--epochs", "3"], "both say how long to train", "Drop --epochs to train so"),
        (
            ["train", "x", "--steps", "3", "--minutes", "3"],
            "train.minutes (--minutes) both say how long",
            "Drop --minutes",
        ),
        (
            ["train", "x", "--epochs", "3", "--minutes", "3"],
            "train.epochs (--epochs) and train.minutes",
            "or --epochs to",
        ),
        (["train", "x", "--minutes", "0"], "train.minutes (--minutes) must be a number, above 0", ""),
        (["train", "x", "--steps", "1e20"], "at most 1,000,000,000", ""),
        (["look", "x", "--jsn"], "no option '--jsn' in textmill look", "did you mean '--json'?"),
        (["--json", "look"], "no option '--json' before the verb", "textmill VERB --json"),
        (["look"], "error: textmill look: missing argument", "`textmill look --help` shows examples"),
        (["train"], "error: there is no PATH to train on", "textmill train my_texts/"),
        (["train", "x", "--steps"], "error: textmill train: option '--steps' requires an argument", "--help"),
        (["train", "x", "--steps", "y"], "error: train.steps (--steps) must be a whole number", ""),
        (["train", "x", "--arch", "gru", "--model.n_heads", "2"], "model.n_heads belongs to transformer", ""),
        (["train", "x", "--arch", "grru"], "no architecture 'grru'", "did you mean 'gru'?"),
        (["look", "x", "--strict", "--data.strict", "no"], "error: say --strict or --data.strict, not both", ""),
        (["train", "x", "--data.paths", "y"], "error: say PATH or --data.paths, not both", ""),
        (["config", "show", "-c", "none.toml"], "error: none.toml: no such file", ""),
        (["generate", "runs/nothing"], "error: runs/nothing: there is no such run", "`textmill train PATH`"),
        (["generate", "x", "--n", "0"], "error: textmill generate: invalid value for '--n'", ""),
        (["eval", "x", "--checkpoint", "lst"], "--checkpoint must be best, last or the number", "did you mean 'last'?"),
    ],
)
def test_a_wrong_command_line_is_one_clear_line_and_exit_2(
    shell: Shell, arguments: list[str], line: str, hint: str
) -> None:
    said = shell(*arguments)

    first, *rest = said.err.splitlines()
    assert said.code == 2
    assert first.startswith("error: ")
    assert line in first
    assert hint in "\n".join(rest)
    assert said.out == ""
    assert "Traceback" not in said.err


def test_a_wrong_key_in_the_project_file_names_its_line(shell: Shell) -> None:
    Path("textmill.toml").write_text("[train]\nlr = 1e-3\nstep = 3\n")

    said = shell("config", "show")

    assert said.code == 2
    assert said.err == (
        "error: textmill.toml:3: unknown config key 'train.step'\n"
        "  did you mean 'train.steps'? `textmill config keys` lists all knobs\n"
    )


def test_a_run_that_is_not_there_is_answered_with_its_neighbours(shell: Shell) -> None:
    for name in ("novel", "notes"):
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "run.json").write_text("{}")

    assert "did you mean 'runs/novel'?" in shell("info", "runs/nvel").err
    assert "did you mean 'runs/novel'?" in shell("info", "novle").err
    assert "there are: runs/notes, runs/novel" in shell("info", "zzz").err


def test_an_error_shows_where_what_and_what_to_do(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    error = InputError(
        "no column 'sentiment' (there are: id, text, sentment)",
        where="reviews.csv:1",
        hint="did you mean 'sentment'? Choose it with: --data.label sentment",
    )
    look_that_raises(monkeypatch, error)

    said = shell("look", "reviews.csv")

    assert said.err == (
        "error: reviews.csv:1: no column 'sentiment' (there are: id, text, sentment)\n"
        "  did you mean 'sentment'? Choose it with: --data.label sentment\n"
    )
    assert (said.code, said.out) == (2, "")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("missing"), 2),
        (Diverged(3, "the loss is not finite", float("nan"), 1.0, 0.1, "stopped"), 1),
        (Interrupted("saved at step 3", signal_number=2), 130),
        (Interrupted("saved at step 3", signal_number=15), 143),
        (KeyboardInterrupt(), 130),
        (PermissionError(13, "Permission denied", "secret.txt"), 2),
        (OSError(28, "No space left on device", "runs/a"), 2),
        (ValueError("odd"), 70),
        (FileNotFoundError(2, "No such file or directory", "ours"), 70),
    ],
    ids=repr,
)
def test_every_end_has_its_exit_code(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    look_that_raises(monkeypatch, error)

    said = shell("look", "x.txt")

    assert said.code == code
    assert said.out == ""
    assert "Traceback" not in said.err


def test_a_bug_of_ours_leaves_its_traceback_in_a_file_whose_path_is_printed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    look_that_raises(monkeypatch, ZeroDivisionError("division by zero\nand more"))

    said = shell("look", "my file.txt")

    assert said.code == 70
    assert said.err.startswith("error: a bug of Textmill, not of your input: ZeroDivisionError: division by zero\n")
    [log] = tmp_path.glob("textmill-bug-*.log")
    assert str(log) in said.err
    text = log.read_text(encoding="utf-8")
    assert "in look\n" in text and "my file.txt" in text and textmill.__version__ in text


def test_a_message_of_an_interruption_is_no_error(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    look_that_raises(monkeypatch, Interrupted("saved at step 3", signal_number=2, hint="The same command goes on."))

    assert shell("look", "x").err == "saved at step 3\n  The same command goes on.\n"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    code = "import sys\nfrom textmill.cli import main\nsys.exit(main(['config', 'keys']))"
    reader = "import sys; sys.stdin.readline()"
    with (
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer,
        subprocess.Popen([sys.executable, "-c", reader], stdin=writer.stdout),
    ):
        assert writer.stdout is not None and writer.stderr is not None
        writer.stdout.close()
        complaint = writer.stderr.read()

    assert complaint == b""
    assert writer.returncode == 0


def test_a_pipe_that_broke_before_the_first_word_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "textmill", "--version"], stdout=write, stderr=subprocess.PIPE, timeout=60
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (0, b"")


def colours_of(error_from: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """What an error looks like to click.echo, before it leaves colours out for want of a terminal."""
    lines: list[str] = []
    monkeypatch.setattr("textmill.cli.output.click.echo", lambda text, err: lines.append(text))
    error_from()
    return "\n".join(lines)


def test_colours_are_declined_by_no_color_and_by_the_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    error = InputError("missing")

    assert "\x1b[" in colours_of(lambda: show_error(error), monkeypatch)
    assert "\x1b[" not in colours_of(lambda: show_error(error, ["look", "--no-color"]), monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in colours_of(lambda: show_error(error), monkeypatch)


def test_quiet_leaves_only_the_result_and_stdout_is_the_same(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_room(monkeypatch, "textmill.training", look=lambda data, **_: LOOK)

    assert shell("look", "x").out == shell("look", "x", "-q").out
    assert shell("look", "x", "-q").err == ""


def test_columns_of_a_table_stand_under_each_other() -> None:
    assert table([["a", "1"], ["山水", "22"]], right=(1,)) == "a      1\n山水  22"
    assert width("山a\u0301") == 3


def test_a_terminal_is_shown_control_characters_and_does_not_obey_them() -> None:
    assert for_terminal("a\x1b[2J\n\t山\r") == "a\\x1b[2J\n\t山\\r"


def test_a_file_name_that_is_no_unicode_is_printed_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = b"caf\xe9.toml"
    done = subprocess.run(
        [sys.executable, "-m", "textmill", "config", "show", "-c", name],
        capture_output=True,
        timeout=60,
        cwd=tmp_path,
        env=os.environ | {"PYTHONUTF8": "1"},
    )

    assert done.returncode == 2
    assert b"no such file" in done.stderr


def test_main_returns_a_number(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_room(monkeypatch, "textmill.training", look=lambda data, **_: LOOK)

    assert main(["look", "x"]) == 0
    assert EVALUATION.schema_ == "textmill.eval/1"


@pytest.mark.parametrize(
    ("verb", "door", "words"),
    [
        ("look", "look", "\nstopped\n"),
        ("train", "train", "\nstopped: the same command begins again, or goes on with a run that it had begun\n"),
    ],
)
def test_only_what_trains_is_said_to_go_on(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, verb: str, door: str, words: str
) -> None:
    """`look`, when it was stopped, once spoke of a run that it had begun."""

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    fake_room(monkeypatch, "textmill.training", **{door: stopped})

    said = shell(verb, "x.txt")

    assert (said.code, said.err) == (130, words)
