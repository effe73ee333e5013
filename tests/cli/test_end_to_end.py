"""Every verb on a run that is really trained, in processes of their own: what a person types, and what comes back."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pexpect
import pytest
from fakes import tree

from forked import textmill
from textmill import results

pytestmark = pytest.mark.ci

TEXTMILL = [sys.executable, "-m", "textmill"]
WAIT_S = 240
TINY = [
    *("--model.d_model", "16", "--model.n_layers", "1", "--model.n_heads", "2", "--model.seq_len", "32"),
    *("--train.batch", "8", "--tokens.kind", "bytes", "--train.sample_tokens", "20", "--eval.resamples", "100"),
]
STEPS = ["--steps", "6", "--train.eval_every", "2", "--train.log_every", "1"]


def some_text(n_lines: int, seed: int) -> str:
    """Sentences of a small grammar, a line each."""
    draw = random.Random(seed)
    who, what = ["The miller", "A river", "山中人", "The old wheel"], ["turns", "sings", "看水", "waits"]
    return "".join(f"{draw.choice(who)} {draw.choice(what)} {draw.randrange(1000)} times.\n" for _ in range(n_lines))


@dataclass
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def documents(self, kind: type[results.Document]) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.out.splitlines()]
        for document in found:
            jsonschema.validate(document, kind.model_json_schema(by_alias=True))
        assert found
        return found


@dataclass
class Place:
    """A working folder with texts and a trained run."""

    folder: Path

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        done = textmill(self.folder, *arguments, stdin=stdin.encode(), env=environment())
        assert b"Traceback" not in done.stderr
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *arguments: str, stdin: str = "") -> Done:
        done = self(*arguments, stdin=stdin)
        assert done.code == 0, done.err
        return done

    def anew(self, *arguments: str) -> Done:
        """As a person types it: Python itself starts."""
        done = subprocess.run(
            [*TEXTMILL, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.folder,
            env=environment(),
            timeout=WAIT_S,
        )
        assert done.returncode == 0, done.stderr.decode()
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1", "TEXTMILL_LANG": "en"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("place")
    (folder / "texts").mkdir()
    for number in range(6):
        (folder / "texts" / f"{number}.txt").write_text(some_text(60, seed=number), encoding="utf-8")
    (folder / "novel.txt").write_text(some_text(400, seed=9), encoding="utf-8")
    place = Place(folder)
    [trained] = place.anew("train", "texts", *TINY, *STEPS, "--json").documents(results.Trained)
    assert (trained["run"], trained["step"]) == ("runs/texts", 6)
    assert trained["report"] == "runs/texts/report.html"
    return place


def test_look_suggests_a_command_that_can_be_run(place: Place) -> None:
    before = tree(place.folder)

    [found] = place.ok("look", "texts", "--json").documents(results.Look)
    place.ok("look", "texts")
    [piped] = place.ok("look", "-", "--json", stdin=some_text(300, seed=3)).documents(results.Look)

    assert found["suggestion"] == "textmill train texts"
    assert sum(found["ledger"].values()) == found["bytes"]
    assert piped["files"][0]["path"] == "-"
    assert tree(place.folder) == before


def test_text_prepared_ahead_is_found_again(place: Place) -> None:
    (place.folder / "ahead.txt").write_text(some_text(200, seed=5), encoding="utf-8")
    words = ("prepare", "ahead.txt", "--tokens.kind", "bytes")
    before = tree(place.folder)
    [plan] = place.ok(*words, "-n", "--json").documents(results.Plan)
    assert tree(place.folder) == before

    [made] = place.ok(*words, "--json").documents(results.PreparedText)
    again = place.ok(*words)

    assert [made["folder"]] == plan["writes"] and not made["reused"]
    assert f"{made['folder']}: was there already and is whole" in again.out
    assert "textmill train ahead.txt --tokens.kind bytes" in again.err


def test_a_dry_run_of_train_leaves_no_trace(place: Place) -> None:
    before = tree(place.folder)

    place.ok("train", "novel.txt", *TINY, "-n", "--json").documents(results.Plan)
    place.ok("train", "novel.txt", "-n")
    place.ok("report", "runs/texts", "-n", "--json").documents(results.Plan)
    place.ok("demo", "-n", "--json").documents(results.Plan)

    assert tree(place.folder) == before


def test_the_same_command_on_a_finished_run_does_nothing_and_says_so(place: Place) -> None:
    done = place.ok("train", "texts", *TINY, *STEPS)

    assert "nothing to do" in done.err
    assert "runs/texts, step 6" in done.out


def test_another_setting_is_refused_and_shown(place: Place) -> None:
    done = place("train", "texts", *TINY, *STEPS, "--train.lr", "0.5", "--seed", "3")

    assert done.code == 2
    assert done.err.startswith("error: ")
    assert "train.lr: " in done.err and "run.seed: 0 -> 3" in done.err and "--name NEW or --fresh" in done.err


def test_eval_prints_one_document(place: Place) -> None:
    [found] = place.ok("eval", "runs/texts", "--json").documents(results.Evaluation)
    [floor] = place.ok("eval", "runs/texts/floor", "--json").documents(results.Evaluation)
    text = place.ok("eval", "runs/texts")

    assert found["metrics"]["bpb"] > 0
    assert found["metrics"]["n_bytes"] == floor["metrics"]["n_bytes"]
    assert "bits per byte" in text.out and "uniform" in text.out


def test_eval_measures_other_texts(place: Place) -> None:
    [found] = place.ok("eval", "runs/texts", "--data", "novel.txt", "--json").documents(results.Evaluation)

    size = (place.folder / "novel.txt").stat().st_size
    assert found["metrics"]["n_bytes"] == size


@pytest.mark.parametrize("run", ["runs/texts", "texts", "runs/texts/floor", "CHECKPOINT"])
def test_every_form_of_run_is_opened(place: Place, run: str) -> None:
    checkpoints = sorted((place.folder / "runs/texts/checkpoints").glob("step-*"))
    run = str(checkpoints[-1].relative_to(place.folder)) if run == "CHECKPOINT" else run

    if run != "texts" or not (place.folder / "texts").exists():
        [found] = place.ok("score", run, "The miller", "--json").documents(results.Scored)
        assert len(found["tokens"]) == len("The miller")
        assert found["total_logprob"] == pytest.approx(sum(token["logprob"] for token in found["tokens"]))


def test_generate_repeats_itself_with_its_seed(place: Place) -> None:
    arguments = ["generate", "runs/texts", "The", "--max-new-tokens", "12", "--seed", "5"]

    found = place.ok(*arguments, "--n", "2", "--json").documents(results.Generated)
    again = place.ok(*arguments, "--n", "2", "--json").documents(results.Generated)
    piped = place.ok("generate", "runs/texts", "--max-new-tokens", "12", "--seed", "5", "--json", stdin="The\n")

    assert found == again
    assert len(found) == 2
    assert piped.documents(results.Generated)[0]["text"] == found[0]["text"]
    assert place.ok(*arguments).out == found[0]["text"] + "\n"


def test_a_chat_answers_each_line(place: Place) -> None:
    done = place.ok("chat", "runs/texts", "--max-new-tokens", "5", "--json", stdin="Hello\n/set top_k 1\nagain\n")

    assert [answer["prompt"] for answer in done.documents(results.Chatted)] == ["Hello", "again"]


def test_info_ls_report_and_config_know_the_run(place: Place) -> None:
    [info] = place.ok("info", "runs/texts", "--json").documents(results.Info)
    [listed] = place.ok("ls", "--json").documents(results.Runs)
    [report] = place.ok("report", "runs/texts", "--json").documents(results.Reported)
    shown = place.ok("config", "show", "-c", "runs/texts/config.toml")

    assert (info["status"], info["step"], info["arch"]) == ("finished", 6, "transformer")
    assert "texts" in [run["name"] for run in listed["runs"]]
    assert (place.folder / report["report"]).is_file()
    assert shown.out == (place.folder / "runs/texts/config.toml").read_text(encoding="utf-8")
    for arguments in (["info", "runs/texts"], ["ls"], ["report", "runs/texts"]):
        assert place.ok(*arguments).out


def test_ctrl_c_saves_and_the_same_command_goes_on(place: Place) -> None:
    command = ["train", "novel.txt", *TINY, "--arch", "gru", "--train.eval_every", "5", "--steps"]
    command = [word for word in command if word not in ("--model.n_heads", "2")]
    training = subprocess.Popen(
        [*TEXTMILL, *command, "100000"],
        cwd=place.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert training.stderr is not None
    while not training.stderr.readline().startswith("step "):
        assert training.poll() is None
    training.send_signal(signal.SIGINT)
    out, err = training.communicate(timeout=WAIT_S)

    assert training.returncode == 130, err
    assert out == ""
    [info] = place.ok("info", "runs/novel", "--json").documents(results.Info)
    assert info["status"] == "unfinished"
    refused = place(*command, "2")
    assert refused.code == 2 and "(may only grow)" in refused.err
    place.ok("train", "novel.txt", "--name", "novel", "-n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["look", "missing.txt"], "missing.txt"),
        (["train", "missing.txt"], "missing.txt"),
        (["train", "empty.txt"], "empty.txt"),
        (["train", "binary.txt"], "binary.txt"),
        (["train", "latin.txt", "--encoding", "latin-9000"], "no encoding 'latin-9000'"),
        (["look", "table.csv", "--data.text", "txt"], "table.csv:1"),
        (["train", "table.csv", "--data.text", "txt"], "did you mean 'text'?"),
        (["train", "strict.jsonl", "--strict"], "strict.jsonl:2"),
        (["info", "texts"], "texts"),
        (["eval", "runs/txts"], "did you mean 'runs/texts'?"),
        (["eval", "runs/texts", "--data", "missing.txt"], "missing.txt"),
        (["eval", "runs/texts", "--checkpoint", "3"], "there is no checkpoint of step 3"),
        (["generate", "runs/texts", "x", "--top-p", "2"], "generate.top_p (--top-p)"),
        (["ls", "nowhere"], "nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_clear_line_and_leaves_no_trace(place: Place, arguments: list[str], words: str) -> None:
    bad = {
        "empty.txt": b"",
        "binary.txt": bytes(range(256)) * 20,
        "latin.txt": "Le café est fermé.\n".encode("latin-1") * 50,
        "table.csv": b"id,text\n1,one\n2,two\n",
        "strict.jsonl": b'{"text": "one"}\n{"text"\n{"text": "two"}\n',
    }
    for name, content in bad.items():
        (place.folder / name).write_bytes(content)
    before = tree(place.folder)

    done = place(*arguments)

    assert done.code == 2, done.err
    assert done.out == ""
    [line] = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert words in done.err
    assert line
    assert {name: content for name, (_, content) in tree(place.folder).items()} == {
        name: content for name, (_, content) in before.items()
    }


def test_a_terminal_sees_a_prompt_and_the_text_as_it_comes(place: Place) -> None:
    child = pexpect.spawn(
        TEXTMILL[0],
        [*TEXTMILL[1:], "chat", "runs/texts", "--max-new-tokens", "5"],
        cwd=str(place.folder),
        env=environment(),
        encoding="utf-8",
        codec_errors="replace",
        timeout=WAIT_S,
    )
    child.expect_exact(">>> ")
    child.sendline("Hello")
    child.expect_exact(">>> ")
    child.sendintr()
    child.expect_exact("leaves")
    child.sendline("/bye")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
