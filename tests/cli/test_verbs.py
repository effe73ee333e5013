"""Each verb against rooms that answer at once: what it asks of them, and what it prints."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import (
    DEMO,
    EVALUATION,
    INFO,
    LINE,
    LOOK,
    PLAN,
    REPORTED,
    SCORED,
    TRAINED,
    Shell,
    fake_room,
    tree,
)

from textmill import results
from textmill.config.layers import load_config


class Writing:
    """Writes each prompt on with the words it was asked with."""

    def __init__(self, prompts: list[str], seed: int, n: int, settings: Any):
        self.results: list[results.Generated] = []
        self.pieces = [f"{seed}", f" {settings.max_new_tokens}\n", "山"]
        self.prompts, self.seed, self.n = prompts, seed, n

    def __iter__(self) -> Iterator[SimpleNamespace]:
        for piece in self.pieces:
            yield SimpleNamespace(row=0, text=piece)
        self.results = [
            results.Generated(
                prompt=self.prompts[0],
                text="".join(self.pieces),
                finish_reason="length",
                seed=self.seed,
                n_prompt_tokens=1,
                n_tokens=3,
            )
        ] * self.n

    def finish(self) -> list[results.Generated]:
        list(self)
        return self.results


class WithoutTemplate(str):
    """A tokenizer of a model that no chat template belongs to."""

    chat_template = None


class Run:
    """A run that is there, and remembers how it was opened."""

    keeps_results = True
    notices: tuple[str, ...] = ()

    path = Path("runs/a")
    kind = "network"
    tokenizer = WithoutTemplate("tokenizer")
    default_checkpoint = "best"

    def __init__(self) -> None:
        self.config = load_config({"run.seed": "4", "generate.max_new_tokens": "9", "eval.window": "64"}).config
        self.asked: list[Any] = []
        self.info = {"form": "decoder"}

    def model(self, checkpoint: str | None, device: str) -> str:
        self.asked.append((checkpoint, device))
        return "model"

    def summary(self) -> results.Info:
        return INFO

    def trained(self) -> results.Trained:
        return TRAINED

    def report(self) -> str:
        return "gathered"


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    Path("runs/a").mkdir(parents=True)
    Path("runs/a/run.json").write_text("{}")
    return Shell(capsys)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The run behind every RUN; the rooms write down what they are asked in run.asked."""
    run = Run()

    def write(
        model: object, tokenizer: object, prompts: list[str], settings: Any, *, seed: int, n: int = 1, **more: Any
    ) -> Writing:
        run.asked.append((prompts, settings, seed, n, more["begin_mark"]))
        return Writing(prompts, seed, n, settings)

    def score(model: object, tokenizer: object, text: str, **more: Any) -> results.Scored:
        run.asked.append((text, more))
        return SCORED

    def evaluate(opened: Run, **more: Any) -> results.Evaluation:
        run.asked.append(more)
        return EVALUATION

    def render(report: object, folder: Path, lang: str) -> results.Reported:
        run.asked.append((report, folder, lang))
        return REPORTED

    fake_room(
        monkeypatch,
        "textmill.runs",
        open_run=lambda path: run,
        list_runs=lambda path: results.Runs(dir=str(path), runs=[LINE]),
    )
    fake_room(monkeypatch, "textmill.hub", open_run=lambda path: run)
    fake_room(monkeypatch, "textmill.generation", write=write, score=score)

    def save_evaluation(path: Path, found: results.Evaluation) -> None:
        run.asked.append(("saved", path))

    fake_room(monkeypatch, "textmill.evaluation", evaluate=evaluate, save_evaluation=save_evaluation)
    fake_room(monkeypatch, "textmill.report", render=render)
    return run


def pipe_in(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


def test_look_hands_on_the_paths_and_prints_facts_and_the_next_command(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    fake_room(monkeypatch, "textmill.training", look=lambda data, **_: asked.append(data) or LOOK)

    said = shell("look", "a.txt", "二.csv", "--data.text", "body", "--valid", "v.txt", "--valid", "w,x.txt", "--strict")

    assert said.code == 0
    assert (asked[0].paths, asked[0].text, asked[0].strict) == (("a.txt", "二.csv"), ("body",), True)
    assert asked[0].valid == ("v.txt", "w,x.txt")
    assert said.out.rstrip().splitlines()[-1] == "next: textmill train a.txt 二.csv"
    assert "One\\tline" in said.out
    assert shell("look", "a.txt", "--json").documents(results.Look) == [json.loads(LOOK.to_json())]


def test_look_reads_standard_input_from_a_file_that_does_not_stay(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Path] = []

    def keep_stdin(into: Path) -> Path:
        kept.append(into / "stdin.txt")
        kept[0].write_text("text")
        return kept[0]

    def look(data: Any, **_: Any) -> results.Look:
        assert Path(data.paths[0]).read_text() == "text"
        file = LOOK.files[0].model_copy(update={"path": data.paths[0]})
        return LOOK.model_copy(update={"files": [file], "suggestion": f"textmill train {data.paths[0]}"})

    fake_room(monkeypatch, "textmill.text", keep_stdin=keep_stdin)
    fake_room(monkeypatch, "textmill.training", look=look)

    [found] = shell("look", "-", "--json").documents(results.Look)

    assert (found["files"][0]["path"], found["suggestion"]) == ("-", "textmill train -")
    assert not kept[0].exists()


def test_train_hands_on_the_layers_and_ends_with_the_numbers(
    shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def train(loaded: Any, *, fresh: bool, listener: Any) -> Run:
        asked.append((loaded, fresh))
        listener.notice("a notice")
        return run

    fake_room(monkeypatch, "textmill.training", train=train)

    said = shell("train", "a.txt", "--arch", "lstm", "--steps", "20", "--train.lr", "1e-3", "--fresh")

    loaded, fresh = asked[0]
    assert fresh
    assert loaded.said == {"data.paths", "model.arch", "train.steps", "train.lr"}
    assert (loaded.config.model.arch, loaded.config.train.lr) == ("lstm", 1e-3)
    assert said.code == 0
    assert "a notice\n" in said.err
    assert said.err.endswith("next:\n  textmill train a.txt --steps 40\n  textmill generate runs/a Once\n")
    assert "Worse than the floor: so says the test.\n" in said.out
    assert "report: runs/a/report.html" in said.out
    assert "a notice" not in said.out
    assert shell("train", "a.txt", "--json", "-q").documents(results.Trained) == [json.loads(TRAINED.to_json())]
    assert shell("train", "a.txt", "--json", "-q").err == ""


def test_train_takes_its_text_from_a_config(shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    fake_room(monkeypatch, "textmill.training", train=lambda loaded, **_: asked.append(loaded) or run)
    Path("run.toml").write_text('data.paths = ["a.txt"]')

    assert shell("train", "-c", "run.toml").code == 0
    assert asked[0].origins["data.paths"] == "run.toml:1"


@pytest.mark.parametrize("arguments", [["train", "a.txt"], ["report", "runs/a"], ["demo"]], ids=" ".join)
def test_a_dry_run_prints_a_plan_and_writes_nothing(
    shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], tmp_path: Path
) -> None:
    fake_room(monkeypatch, "textmill.training", plan_run=lambda loaded: PLAN)
    fake_room(monkeypatch, "textmill.training.demo", DEMO_STEPS=7)
    before = tree(tmp_path)

    said = shell(*arguments, "-n")
    [plan] = shell(*arguments, "-n", "--json").documents(results.Plan)

    assert said.code == 0
    assert said.out.endswith("nothing was written\n")
    for path in plan["writes"]:
        assert path in said.out
    assert tree(tmp_path) == before


def test_eval_measures_with_what_is_said_now_over_what_the_run_says(shell: Shell, run: Run) -> None:
    said = shell("eval", "runs/a", "--data", "b.txt", "--eval.stride", "32", "--checkpoint", "last")

    assert run.asked == [{"data": "b.txt", "checkpoint": "last", "abstain": None}]
    assert (run.config.eval.window, run.config.eval.stride) == (64, 32)
    assert re.search(r"95% interval +1\.950 to 2\.070\n", said.out)
    assert "bits per byte" in said.out and "5-gram" in said.out and "Better than the floor." in said.out
    assert ("saved", run.path) not in run.asked


def test_eval_in_the_runs_own_way_is_kept_and_in_another_is_not(shell: Shell, run: Run) -> None:
    [found] = shell("eval", "runs/a", "--json").documents(results.Evaluation)
    assert found["metrics"]["bpb"] == 2.01
    assert run.asked[-1] == ("saved", run.path)
    run.asked.clear()
    shell("eval", "runs/a", "--checkpoint", "last", "--json")
    assert ("saved", run.path) not in run.asked


def test_generate_writes_the_text_alone(shell: Shell, run: Run) -> None:
    said = shell("generate", "runs/a", "Once", "--top-k", "3", "--stop", ",", "--seed", "8", "--threads", "1")

    assert said.out == "8 9\n山\n"
    assert said.err == ""
    prompts, settings, seed, n, begin_mark = run.asked[1]
    assert (prompts, settings.top_k, settings.stop, seed, n, begin_mark) == (["Once"], 3, (",",), 8, 1, True)


def test_generate_prints_a_line_of_json_for_each_text(shell: Shell, run: Run) -> None:
    found = shell("generate", "runs/a", "Once", "--n", "3", "--json").documents(results.Generated)

    assert [document["text"] for document in found] == ["4 9\n山"] * 3


@pytest.mark.parametrize("arguments", [["-"], []])
def test_a_prompt_can_be_piped_in_and_loses_only_its_last_line_end(
    shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    pipe_in(monkeypatch, "Once\nupon 山\n\n".encode())

    shell("generate", "runs/a", *arguments)

    assert run.asked[1][0] == ["Once\nupon 山\n"]


def test_an_empty_prompt_is_a_prompt(shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe_in(monkeypatch, b"not read")

    shell("generate", "runs/a", "")

    assert run.asked[1][0] == [""]


def test_text_that_is_no_utf_8_is_refused_with_its_line(
    shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe_in(monkeypatch, b"one\ntwo \xff")
    said = shell("generate", "runs/a", "-")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: standard input:2: is no UTF-8")

    assert shell("generate", "runs/a", "caf\udce9").code == 2


def test_score_shows_every_token(shell: Shell, run: Run) -> None:
    said = shell("score", "runs/a", "a\n", "--alternatives", "5", "--eval.window", "8")

    text, more = run.asked[1]
    assert (text, more["n_alternatives"], more["window"], more["stride"]) == ("a\n", 5, 8, None)
    assert "'\\n'" in said.out
    assert said.out.rstrip().endswith("2 tokens, ln P = -2.0000 nats, perplexity 2.718")
    assert shell("score", "runs/a", "a", "--json").documents(results.Scored)[0]["total_logprob"] == -2.0


def test_info_ls_and_report_print_what_the_run_says(shell: Shell, run: Run) -> None:
    assert "1,234,567" in shell("info", "runs/a").out
    assert shell("info", "runs/a", "--json").documents(results.Info)[0]["arch"] == "gru"

    assert shell("ls").out.splitlines()[1].split() == [
        "a",
        "finished",
        "lm",
        "gru",
        "20/20",
        "2.010",
        *LINE.modified.split("T"),
    ]
    assert shell("ls", "elsewhere", "--json").documents(results.Runs)[0]["dir"] == "elsewhere"
    assert shell("ls", "--runs", "there", "--json").documents(results.Runs)[0]["dir"] == "there"

    said = shell("report", "runs/a", "--out", "page", "--lang", "zh")
    assert run.asked[-1] == ("gathered", Path("page"), "zh")
    assert said.out.splitlines()[0] == "runs/a/report.html"
    assert shell("report", "runs/a", "--json").documents(results.Reported)


def test_the_report_speaks_the_language_of_the_locale(shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTMILL_LANG", "zh_CN.UTF-8")
    shell("report", "runs/a")
    assert run.asked[-1][2] == "zh"

    monkeypatch.setenv("TEXTMILL_LANG", "en")
    shell("report", "runs/a")
    assert run.asked[-1][2] == "en"


def test_a_run_is_a_folder_or_a_name_under_runs(
    shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Path] = []
    fake_room(monkeypatch, "textmill.hub", open_run=lambda path: asked.append(path) or run)
    Path("a").mkdir()  # the text that the run was made of

    assert shell("info", "runs/a").code == shell("info", str(tmp_path / "runs/a")).code == 0
    refused = shell("info", "a")
    Path("a").rmdir()
    assert shell("info", "a").code == 0

    assert asked == [Path("runs/a"), tmp_path / "runs/a", Path("runs/a")]
    assert refused.code == 2
    assert refused.err == "error: a: this is no run (there is no run.json in it)\n  did you mean 'runs/a'?\n"


@pytest.mark.parametrize(("beats", "code"), [(True, 0), (False, 1)])
def test_the_demo_says_no_where_the_model_does_not_beat_both_floors(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, beats: bool, code: int
) -> None:
    asked: list[Any] = []

    def demo(listener: Any, steps: int | None, runs_dir: str) -> results.Demo:
        asked.append((steps, runs_dir))
        return DEMO.model_copy(update={"beats_floors": beats})

    fake_room(monkeypatch, "textmill.training", demo=demo)

    said = shell("demo", "--steps", "50", "--runs", "there")

    assert asked == [(50, "there")]
    assert said.code == code
    assert "5-gram over bytes" in said.out and "textmill chat runs/demo" in said.out
    assert shell("demo", "--json").documents(results.Demo)[0]["beats_floors"] is beats


def test_config_show_is_a_file_that_repeats_itself(shell: Shell) -> None:
    Path("textmill.toml").write_text("[train]\nlr = 0.25\n")
    said = shell("config", "show", "--arch", "gru", "--seed", "3")
    Path("run.toml").write_text(said.out, encoding="utf-8")
    Path("textmill.toml").unlink()

    assert shell("config", "show", "-c", "run.toml").out == said.out


def test_config_show_origin_names_the_source_of_each_value(shell: Shell) -> None:
    Path("textmill.toml").write_text("[train]\nlr = 0.25\n")

    said = shell("config", "show", "--origin", "--size", "small", "--seed", "3")

    lines = {line.split()[0]: line.split(None, 2)[1:] for line in said.out.splitlines()}
    assert lines["train.lr"] == ["0.25", "textmill.toml:2"]
    assert lines["run.seed"] == ["3", "command line"]
    assert lines["model.d_model"] == ["264", "size small"]
    assert lines["model.norm"] == ["rms_weightless", "preset modern"]
    assert lines["train.batch"] == ["none", "default"]

    [found] = shell("config", "show", "--json").documents(results.Knobs)
    origins = {knob["key"]: knob["origin"] for knob in found["knobs"]}
    assert origins["train.lr"] == "textmill.toml:2"


def test_config_keys_lists_what_may_be_said(shell: Shell) -> None:
    said = shell("config", "keys")

    assert "train.steps  --steps\n" in said.out
    assert "one of rnn, lstm, gru, transformer" in said.out
    keys = [knob["key"] for knob in shell("config", "keys", "--json").documents(results.Knobs)[0]["knobs"]]
    assert "model.n_heads" in keys


def talk(shell: Shell, monkeypatch: pytest.MonkeyPatch, *lines: str, json: bool = False) -> Any:
    pipe_in(monkeypatch, "".join(f"{line}\n" for line in lines).encode())
    return shell("chat", "runs/a", *(["--json"] if json else []))


def test_a_chat_goes_on_from_all_that_was_said(shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    said = talk(shell, monkeypatch, "Hello", '"""two', 'lines"""', "", "/clear", "Anew", "/bye", "never read")

    asked = [entry for entry in run.asked if isinstance(entry[0], list)]
    assert [entry[0][0] for entry in asked] == [
        "Hello\n",
        "Hello\n4 9\n山\ntwo\nlines\n",
        "Anew\n",
    ]
    assert [entry[2] for entry in asked] == [4, 5, 6]  # each answer has a seed of its own
    assert said.code == 0
    assert said.out == "4 9\n山\n5 9\n山\n6 9\n山\n"


def test_turns_are_labelled_where_that_is_asked_for(shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe_in(monkeypatch, b"Hello\nagain\n")

    shell("chat", "runs/a", "--style", "turns", "--stop", "END")

    prompts, settings, *_ = run.asked[-1]
    assert prompts == ["User: Hello\nAssistant: 4 9\n  山\nUser: again\nAssistant:"]
    assert settings.stop == ("END", "\nSystem:", "\nUser:", "\nAssistant:")


def test_each_answer_is_a_line_of_json(shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = talk(shell, monkeypatch, "Hello", "again", json=True).documents(results.Chatted)

    assert [document["prompt"] for document in found] == ["Hello", "again"]


def test_a_chat_by_the_template_of_a_model_that_has_none_is_refused(shell: Shell, run: Run) -> None:
    said = shell("chat", "runs/a", "--style", "template")

    assert said.code == 2
    assert "no chat template" in said.err and "--style turns" in said.err


def test_settings_change_within_a_chat(shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    said = talk(shell, monkeypatch, "/set temperature 0", "/set seed 70", "/set topk 3", "/set", "/sett top_k 3", "x")

    _, settings, seed, _, _ = run.asked[-1]
    assert (settings.temperature, seed) == (0.0, 70)
    assert "unknown config key 'generate.topk'\n  did you mean 'generate.top_k'?" in said.err
    assert "/set takes a key and a value" in said.err
    assert "unknown /sett\n  did you mean '/set'?" in said.err
    assert said.code == 0


def test_a_chat_is_saved_but_never_over_a_file(shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("there.txt").write_text("mine")

    said = talk(shell, monkeypatch, "Hello", "/save there.txt", "/save new.txt", "/save no/where.txt", "/save", "/?")

    assert Path("there.txt").read_text() == "mine"
    assert Path("new.txt").read_text(encoding="utf-8") == "Hello\n4 9\n山\n"
    assert "there.txt: this file is there already" in said.err
    assert "no/where.txt: cannot be written" in said.err
    assert "/clear" in said.err


def test_ctrl_c_stops_the_answer_and_keeps_what_stands_there(
    shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Writing) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(row=0, text="half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Writing, "__iter__", interrupted)
    said = talk(shell, monkeypatch, "Hello", "again")

    assert said.code == 0
    assert said.out == "half\nhalf\n"
    assert run.asked[-1][0] == ["Hello\nhalf\nagain\n"]


def test_a_chat_greets_with_the_word_that_lists_the_others(
    shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert talk(shell, monkeypatch, "/bye").err.startswith("runs/a: say something; /? lists what else can be said")
    assert talk(shell, monkeypatch, "Hello", json=True).err == ""


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("/temperature 0.5", "did you mean '/set temperature'?"),
        ("/top-k 3", "did you mean '/set top_k'?"),
        ("/temprature", "did you mean '/set temperature'?"),
        ("/seed 4", "did you mean '/set seed'?"),
        ("/sav x", "did you mean '/save'?"),
        ("/zzz", "/? lists what there is"),
    ],
)
def test_an_unknown_word_of_a_chat_is_answered_with_the_one_that_sets_it(
    shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch, line: str, hint: str
) -> None:
    assert hint in talk(shell, monkeypatch, line).err


def test_a_prompt_that_is_no_utf_8_is_clipped_and_its_byte_is_named(
    shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prompt of nine thousand characters was once echoed whole."""
    said = shell("generate", "runs/a", "山" * 10 + "\udce9" + "x" * 9000)

    assert said.code == 2
    assert "is no UTF-8 at byte 30" in said.err
    assert len(said.err) < 150 and "山山" in said.err
    pipe_in(monkeypatch, b"one\ntwo \xff")
    assert "standard input:2: is no UTF-8 at byte 8" in shell("generate", "runs/a", "-").err


def test_eval_in_full_is_words_and_rounded_numbers(shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`eval -v` once printed {'ngram': [0.1234567890123, …]}."""
    convention = {
        "begin_mark": True,
        "stride": None,
        "window": "whole documents",
        "resamples": 1000,
        "confidence": 0.95,
        "seed": 12345,
        "bpb_minus_floor": {"ngram": [-0.123456789, 0.0456789], "ngram_bytes": [0.1111111, 4.25]},
    }
    found = EVALUATION.model_copy(update={"convention": convention})
    fake_room(monkeypatch, "textmill.evaluation", evaluate=lambda run, **more: found, save_evaluation=lambda *_: None)

    rows = [re.split(r"  +", line) for line in shell("eval", "runs/a", "-v").out.splitlines()]

    for row in (
        ["begin mark", "yes"],
        ["stride", "–"],
        ["window", "whole documents"],
        ["resamples", "1,000"],
        ["confidence", "95.0 %"],
        ["seed", "12345"],
        ["bits per byte, model minus floor", "-0.123 to +0.046: 5-gram over the same tokens"],
        ["bits per byte, model minus floor", "+0.111 to +4.250: 5-gram over bytes"],
    ):
        assert row in rows


def test_info_says_units_shares_and_times(shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    info = INFO.model_copy(
        update={
            "data": {
                "by_blocks": True,
                "languages": {"zh": 0.0, "en": 0.754, "other": 0.246},
                "n_documents": {"train": 1},
                "duplicates": {"n_documents": 1, "exact": 0, "normalised": 0, "examples": []},
            },
            "made": {"seed": 20240, "time": {"train": 2.4567, "evaluate": 75.2}},
        }
    )
    monkeypatch.setattr(Run, "summary", lambda self: info)

    rows = dict(re.split(r"  +", line) for line in shell("info", "runs/a").out.splitlines())

    assert rows["data: split"] == "one document, cut into contiguous blocks"
    assert rows["data: languages"] == "en 75.4 %, other 24.6 %"
    assert rows["data: repeats"] == "0 exact, 0 after normalisation, of 1 document"
    assert rows["made: time spent"] == "train 2.5 s, evaluate 1 min 15 s"
    assert rows["made: seed"] == "20240"
    assert rows["numbers: bits per byte"] == "2.010"
    assert rows["status"] == "finished, step 20 of 20"


def test_a_floor_has_no_steps_and_one_kind(shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It once said "kind ngram, ngram" and "step 0 of 30"."""
    floor = INFO.model_copy(update={"kind": "ngram", "arch": "ngram", "step": 0, "steps": None})
    monkeypatch.setattr(Run, "summary", lambda self: floor)

    out = shell("info", "runs/a").out

    assert re.search(r"^kind +n-gram: counts, no training steps$", out, re.MULTILINE)
    assert re.search(r"^status +finished$", out, re.MULTILINE)


def test_look_shows_the_largest_files_and_counts_the_others(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder once printed a row for each of its 655 files."""
    files = [results.FileLook(path=f"f{n}.txt", bytes=n, encoding="utf-8", ledger={"train": n}) for n in range(1, 26)]
    found = LOOK.model_copy(update={"files": files})
    fake_room(monkeypatch, "textmill.training", look=lambda data, **_: found)

    out = shell("look", "texts").out

    shown = re.findall(r"^f(\d+)\.txt", out, re.MULTILINE)
    assert shown == [str(n) for n in range(25, 5, -1)]
    assert "\nand 5 more (these are the largest; --json lists all)\n" in out
    assert len(shell("look", "texts", "--json").documents(results.Look)[0]["files"]) == 25


def test_look_shows_all_of_a_few_files_in_their_order(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [results.FileLook(path=f"f{n}.txt", bytes=n, encoding="utf-8", ledger={}) for n in range(20)]
    fake_room(monkeypatch, "textmill.training", look=lambda data, **_: LOOK.model_copy(update={"files": files}))

    out = shell("look", "texts").out

    assert re.findall(r"^f(\d+)\.txt", out, re.MULTILINE) == [str(n) for n in range(20)]
    assert "more" not in out


def test_ls_of_a_file_says_that_it_is_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "novel.txt").write_text("text")

    said = Shell(capsys)("ls", str(tmp_path / "novel.txt"))

    assert (said.code, said.out) == (2, "")
    assert "novel.txt: this is a file, not a folder of runs" in said.err


def test_a_plan_gives_sizes_with_their_units(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = PLAN.model_copy(update={"plan": {"lr": 0.02, "cost_about": {"passes": 3.25, "memory_bytes": 12_345_678}}})
    fake_room(monkeypatch, "textmill.training", plan_run=lambda loaded: plan)

    assert "passes 3.25, memory 12.3 MB\n" in shell("train", "a.txt", "-n").out


MEASURED = LOOK.model_copy(
    update={
        "leaks": results.Leaks(
            by="document",
            naive=1.5,
            grouped=2.0,
            difference=0.5,
            interval=(0.25, 0.75),
            inflation=0.25,
            n_held=8,
            n_leaked=3,
            n_bytes=90,
            of_bytes=100,
            verdict="Of 8 documents, 3 leak.",
        ),
        "tokens": results.TokenCosts(
            tokenizers=[
                results.TokenizerCost(
                    kind=kind, vocab_size=1257, chosen=not run, run=run, total=cost, languages={"zh": cost}
                )
                for kind, run in (("char", None), ("bpe", "runs/b"))
                for cost in [results.LanguageTokens(tokens_per_character=0.5, bytes_per_token=4.0, n_characters=7)]
            ],
            n_bytes=90,
            of_bytes=90,
            notes=["Training would choose: characters."],
        ),
        "removals": results.Removals(path="out.jsonl", n=12, bytes=345),
        "cleaning": [results.Removed(rule="control", n=12, bytes=345, examples=["a.txt:1: \\x00"])],
    }
)


def test_look_measures_what_it_is_asked_to_and_shows_it(
    shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    fake_room(monkeypatch, "textmill.training", look=lambda data, **wished: asked.append(wished) or MEASURED)

    said = shell("look", "a.txt", "--leaks", "--tokens", "--tokens-of", "runs/a", "--removed", "out.jsonl")

    assert said.code == 0
    tokenizers = asked[0].pop("tokens")
    assert list(tokenizers) == ["runs/a"] and tokenizers["runs/a"] is run.tokenizer
    assert asked[0] == {
        "task": "lm", "against": (), "sample": None, "leaks": True, "removed": Path("out.jsonl")
    }  # fmt: skip
    for line in (
        "naive split 1.500 documents at random",
        "training's split 2.000 repeats on one side",
        "difference 0.500 0.250 to 0.750",
        "Of 8 documents, 3 leak.",
        "char (training's choice) 1,257 0.500 / 4.000 0.500 / 4.000",
        "bpe (runs/b) 1,257 0.500 / 4.000 0.500 / 4.000",
        "Training would choose: characters.",
        "removals: out.jsonl, 12 stretches, 345 B",
    ):
        assert line in [" ".join(shown.split()) for shown in said.out.splitlines()]
    assert shell("look", "a.txt", "--leaks", "--json").documents(results.Look) == [json.loads(MEASURED.to_json())]


def test_look_says_why_leaks_cannot_be_measured(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = results.Leaks(by="document", n_bytes=1, of_bytes=1, verdict="Nothing is held out.")
    found = LOOK.model_copy(update={"leaks": nothing})
    fake_room(monkeypatch, "textmill.training", look=lambda data, **wished: found)

    assert "\nleaks: Nothing is held out.\n" in shell("look", "a.txt", "--leaks").out


def test_look_writes_removals_into_a_new_file_and_with_n_says_what_it_would_write(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    held = {"removals": {"stretches": 3, "bytes": 1200}, "stretches_by_rule": {"control": 3}}
    fake_room(
        monkeypatch,
        "textmill.training",
        look=lambda data, **wished: asked.append(wished) or MEASURED,
        plan_removals=lambda data, removed, sample: held,
    )

    [plan] = shell("look", "a.txt", "--removed", "out.jsonl", "-n", "--json").documents(results.Plan)
    assert plan["writes"] == ["out.jsonl"] and plan["run"] is None
    assert plan["plan"]["removals"] == {"stretches": 3, "bytes": 1200}
    said = shell("look", "a.txt", "--removed", "out.jsonl", "-n").out
    assert "out.jsonl" in said and "stretches 3, bytes 1,200" in said
    assert not asked

    n_asked = len(asked)
    Path("there.jsonl").write_text("mine")
    for words, said in (
        (["a.txt", "--removed", "there.jsonl"], "there.jsonl: is there already, and is not overwritten"),
        (["a.txt", "--removed", "there.jsonl", "-n"], "is there already"),
        (["-", "--removed", "new.jsonl"], "standard input cannot be given back"),
        (["a.txt", "--removed", "no/new.jsonl"], "no: there is no such folder"),
    ):
        refused = shell("look", *words)
        assert refused.code == 2 and said in refused.err and not refused.out
    assert len(asked) == n_asked and Path("there.jsonl").read_text() == "mine"
