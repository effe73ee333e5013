"""`openai:NAME` in RUN's place, as a person types it; a server of one of our own n-gram runs answers."""

from __future__ import annotations

import io
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import Shell

sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))
from remote_server import Server, echoes_of, serving

from textmill import results
from textmill.config import Config
from textmill.evaluation.floor import save_as_run
from textmill.models.ngram import NGram
from textmill.runs import open_run
from textmill.tokens import Tokenizer

CANARY = "sk-canary-51d0"
TEXT = "the cat sat on the mat. 山重水复疑无路。the dog sat on 山.\n"
REVIEWS = """task = "classify"
instruction = "Is the review positive or negative?"
labels = ["positive", "negative"]
[[examples]]
text = "A fine film."
label = "positive"
[[examples]]
text = "Dull."
label = "negative"
"""


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An n-gram run over bytes: its tokens are parts of characters, the hardest to place."""
    folder = tmp_path_factory.mktemp("run") / "mill"
    folder.mkdir()
    tokenizer = Tokenizer.train("bytes", [], None, 0)
    model = NGram.fit([*tokenizer.encode(TEXT), tokenizer.mark] * 3, tokenizer.vocab_size, tokenizer.mark)
    save_as_run(folder, model, tokenizer, Config(), 0, kind="ngram", form="decoder", n_parameters=1, prepared="")
    return folder


@pytest.fixture
def server(mill: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving() as own:
        own.key, own.echoes = CANARY, echoes_of(open_run(mill))
        monkeypatch.setenv("OPENAI_BASE_URL", own.url)
        yield own


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], server: Server) -> Shell:
    return Shell(capsys)


def pipe_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))


# --- writing


def test_texts_go_to_stdout_and_what_they_cost_to_stderr(shell: Shell) -> None:
    said = shell("generate", "openai:mill", "abc", "--price-in", "1", "--price-out", "2")
    assert (said.code, said.out) == (0, " and on\n")
    assert said.err == "openai:mill: 1 request; 3 tokens in, 7 out; cost 1.7e-05\n"
    again = shell("generate", "openai:mill", "abc", "--price-in", "1", "--price-out", "2")
    assert again.out == said.out
    assert "0 requests, 1 answer from the cache" in again.err and again.err.endswith("cost 0\n")


def test_json_has_a_line_for_each_text_and_the_cost_once(shell: Shell) -> None:
    found = shell("generate", "openai:mill", "山", "--n", "2", "--json").documents(results.Generated)
    assert [one["text"] for one in found] == [" and on"] * 2
    assert [one["remote"] and one["remote"]["n_completion_tokens"] for one in found] == [14, None]


def test_at_a_terminal_the_text_comes_as_it_is_written(
    shell: Shell, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert shell("generate", "openai:mill", "abc").out == " and on\n"
    assert server.seen[-1][1]["stream"] is True


# --- probabilities: an outside proof, for the server's are those of a run of ours


def test_echoed_log_probabilities_are_those_of_the_run_that_is_served(shell: Shell, mill: Path) -> None:
    [ours] = shell("score", str(mill), "the 山 cat", "--json").documents(results.Scored)
    [theirs] = shell("score", "openai:mill", "the 山 cat", "--json").documents(results.Scored)
    assert theirs["unscored"] == "t"
    keys = ("text", "start", "end", "rank")
    assert [[one[key] for key in keys] for one in theirs["tokens"]] == [
        [one[key] if key != "rank" or one[key] <= 5 else None for key in keys] for one in ours["tokens"][1:]
    ]
    for one, other in zip(theirs["tokens"], ours["tokens"][1:], strict=True):
        assert one["logprob"] == pytest.approx(other["logprob"], abs=1e-6)
    assert theirs["total_logprob"] == pytest.approx(ours["total_logprob"] - ours["tokens"][0]["logprob"], abs=1e-6)


def test_a_server_that_always_writes_a_token_is_scored_alike(shell: Shell, server: Server) -> None:
    [before] = shell("score", "openai:mill", "a 山", "--json", "--no-cache").documents(results.Scored)
    server.no_empty_answers = True
    [after] = shell("score", "openai:mill", "a 山", "--json", "--no-cache").documents(results.Scored)
    assert after["tokens"] == before["tokens"]


def test_bits_per_byte_of_a_text_are_those_of_its_tokens_but_the_first(shell: Shell, mill: Path) -> None:
    Path("new.txt").write_text("山 the cat sat.", encoding="utf-8")
    [scored] = shell("score", str(mill), "山 the cat sat.", "--json").documents(results.Scored)
    [found] = shell("eval", "openai:mill", "--data", "new.txt", "--json").documents(results.Evaluation)
    nats = -sum(token["logprob"] for token in scored["tokens"][1:])
    metrics = found["metrics"]
    assert (metrics["n_tokens"], metrics["n_bytes"]) == (15, 15)  # 16 bytes, each a token
    assert metrics["bpb"] == pytest.approx(nats / 15 / 0.6931471805599453, abs=1e-9)
    assert metrics["n_chars"] == 13  # 山 begins in the token that is left out
    assert "1 tokens of 1 bytes" in found["convention"]["unscored"]


def test_behind_a_beginning_every_byte_has_its_price_and_a_comparison_is_paired(
    shell: Shell, mill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["the cat sat on 山.", "水复疑无路。", "the dog sat on the mat.", "on the dog."]
    Path("new.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    Path("c.toml").write_text('[data]\nunit = "line"\n')
    arguments = ("--data", "new.txt", "-c", "c.toml", "--begin", "\n", "--json")
    [found] = shell("eval", "openai:mill", *arguments).documents(results.Evaluation)
    assert found["metrics"]["n_bytes"] == sum(len(line.encode()) for line in lines)
    [one] = shell("score", str(mill), "\n" + lines[1], "--json").documents(results.Scored)
    row = next(row for row in found["documents"] if row["source"].endswith(":2"))
    assert row["nats"] == pytest.approx(-sum(token["logprob"] for token in one["tokens"][1:]), abs=1e-6)

    compared = shell("compare", "openai:mill", "openai:mill", *arguments).documents(results.Comparison)[0]
    assert compared["differences"]["bpb"] == {"value": 0.0, "interval": [0.0, 0.0]}
    assert len(compared["remote"]) == 2


def test_a_run_beside_a_remote_model_is_compared_on_the_same_documents(shell: Shell, mill: Path) -> None:
    lines = ["the cat sat on 山.", "水复疑无路。", "the dog sat on the mat."]
    Path("new.jsonl").write_text("".join(json.dumps({"text": line}) + "\n" for line in lines))
    arguments = ("--data", "new.jsonl", "--begin", "\n", "--json")
    [found] = shell("compare", str(mill), "openai:mill", *arguments).documents(results.Comparison)

    # the server's model is the run itself: what it spends behind a line end, the run spends there too
    n_bytes, nats = sum(len(line.encode()) for line in lines), 0.0
    for line in lines:
        [one] = shell("score", str(mill), "\n" + line, "--json").documents(results.Scored)
        nats -= sum(token["logprob"] for token in one["tokens"][1:])
    assert found["metrics"][1]["bpb"] == pytest.approx(nats / n_bytes / math.log(2), abs=1e-9)
    [alone] = shell("eval", str(mill), "--data", "new.jsonl", "--json").documents(results.Evaluation)
    assert found["metrics"][0]["bpb"] == alone["metrics"]["bpb"]
    difference = found["metrics"][1]["bpb"] - found["metrics"][0]["bpb"]
    assert found["differences"]["bpb"]["value"] == pytest.approx(difference, abs=1e-12)
    low, high = found["differences"]["bpb"]["interval"]
    assert low <= difference <= high and low < high
    assert found["n_documents"] == 3 and len(found["remote"]) == 1
    assert any("the end of each document" in note for note in found["notes"])


def test_pieces_of_a_long_text_are_all_of_it(shell: Shell, server: Server) -> None:
    Path("new.txt").write_text(TEXT * 3, encoding="utf-8")
    [found] = shell("eval", "openai:mill", "--data", "new.txt", "--piece", "20", "--json").documents(results.Evaluation)
    assert max(map(len, server.prompts())) <= 20
    n_pieces = len(found["documents"])
    assert found["metrics"]["n_tokens"] == len((TEXT * 3).encode()) - n_pieces
    assert found["intervals"]


@pytest.mark.parametrize("verb", [("score", "openai:mill", "abc"), ("eval", "openai:mill", "--data", "new.txt")])
@pytest.mark.parametrize("lack", ["no log-probabilities", "chat alone"])
def test_a_server_without_log_probabilities_is_refused_with_the_reason(
    shell: Shell, server: Server, verb: tuple[str, ...], lack: str
) -> None:
    Path("new.txt").write_text("the cat sat.\n")
    server.echoes = None
    if lack == "chat alone":
        server.endpoints = {"chat"}
    said = shell(*verb)
    assert (said.code, said.out) == (2, "")
    assert "gives no log-probabilities of a text" in said.err and "--prompts FILE" in said.err


# --- classes


def fine_is_positive(prompt: str) -> str:
    text = prompt.split("\n\n")[-1]
    return " Positive." if "fine" in text or "好" in text else " it depends" if "hm" in text else " negative"


def test_a_line_in_is_a_label_out_and_what_is_none_is_counted_not_guessed(
    shell: Shell, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = fine_is_positive
    Path("p.toml").write_text(REVIEWS)
    pipe_in(monkeypatch, "a fine one\n\nhm\n很好\nbad\n")
    said = shell("classify", "openai:mill", "--prompts", "p.toml")
    assert (said.code, said.out) == (0, "positive\n\n\npositive\nnegative\n")
    assert "none of the labels: 1; their places stay empty (first: line 3: 'it depends')" in said.err
    assert len(server.seen) == 4  # the empty line is not asked

    pipe_in(monkeypatch, "hm\n")
    [found] = shell("classify", "openai:mill", "--prompts", "p.toml", "--json").documents(results.Classified)
    assert (found["label"], found["labels"], found["said"]) == ("", [], " it depends")
    assert found["remote"]["n_cached"] == 1


def test_a_prompt_shows_instruction_labels_examples_and_the_text(shell: Shell, server: Server) -> None:
    Path("p.toml").write_text(REVIEWS + '[names]\ntext = "Review"\n')
    shell("classify", "openai:mill", "bad", "--prompts", "p.toml")
    assert server.prompts() == [
        "Is the review positive or negative?\nLabels: positive, negative\n\n"
        "Review: A fine film.\nLabel: positive\n\nReview: Dull.\nLabel: negative\n\nReview: bad\nLabel:"
    ]
    shell("classify", "openai:mill", "bad", "--prompts", "p.toml", "--endpoint", "chat")
    roles = [(one["role"], one["content"]) for one in server.seen[-1][1]["messages"]]
    assert roles[0] == ("system", "Is the review positive or negative?\nLabels: positive, negative")
    assert roles[1:3] == [("user", "Review: A fine film."), ("assistant", "positive")]
    assert roles[-1] == ("user", "Review: bad")


def test_labelled_texts_are_measured_by_what_is_answered(shell: Shell, server: Server) -> None:
    """By hand: right are 1, 2 and 5 of five; 4 is none of the labels."""
    server.answers = fine_is_positive
    Path("p.toml").write_text(REVIEWS)
    rows = ["a fine one,positive", "bad,negative", "dull and fine,negative", "hm,positive", "很好,positive"]
    Path("new.csv").write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    arguments = ("eval", "openai:mill", "--data", "new.csv", "--prompts", "p.toml")
    [found] = shell(*arguments, "--json").documents(results.Evaluation)
    metrics = found["metrics"]
    assert (metrics["n_texts"], metrics["n_unanswered"], metrics["accuracy"]) == (5, 1, 0.6)
    # positive: 2 right, 3 given, 3 had: 2/3; negative: 1 right, 1 given, 2 had: 2/3; none of the labels: 0
    assert metrics["f1_class.positive"] == metrics["f1_class.negative"] == pytest.approx(2 / 3)
    assert metrics["f1_macro"] == pytest.approx(4 / 9)
    assert found["baselines"]["majority"]["accuracy"] == 0.6
    assert set(found["baselines"]) == {"majority", "tfidf"}
    low, high = found["intervals"]["accuracy"]
    assert low < 0.6 < high
    assert [row["output"] for row in found["documents"]] == ["positive", "negative", "positive", "", "positive"]
    n_seen = len(server.seen)
    said = shell(*arguments)
    assert len(server.seen) == n_seen and "5 answers from the cache" in said.err
    assert "1 answer is none of the labels" in said.out

    [same] = shell("compare", "openai:mill", "openai:mill", *arguments[2:], "--json").documents(results.Comparison)
    assert same["differences"]["accuracy"]["value"] == same["differences"]["f1_macro"]["value"] == 0.0


def test_a_label_of_the_data_that_the_file_has_not_is_refused_before_anything_is_asked(
    shell: Shell, server: Server
) -> None:
    Path("p.toml").write_text(REVIEWS)
    Path("new.csv").write_text("text,label\na,positive\nb,positve\n")
    said = shell("eval", "openai:mill", "--data", "new.csv", "--prompts", "p.toml")
    assert said.code == 2 and "new.csv:3" in said.err and "did you mean 'positive'?" in said.err
    assert server.seen == []


def beginning_of_labels(prompt: str) -> dict[str, float]:
    """What a chat tells of its first token: by hand, of a text that begins with +, 0.9 of positive, else 0.2."""
    share = 0.9 if prompt.startswith("Text: +") else 0.2
    return {"I": math.log(0.5)} if prompt.endswith("hm") else {"pos": math.log(share), "neg": math.log(1 - share)}


def test_probabilities_of_labels_are_printed_and_measured(
    shell: Shell, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand: shares of positive 0.9 0.9 0.2 0.2, right positive, negative, negative, positive."""
    server.endpoints, server.odds = {"chat"}, beginning_of_labels
    Path("p.toml").write_text(REVIEWS)
    pipe_in(monkeypatch, "+ 好\n\nhm\ndull\n")
    said = shell("classify", "openai:mill", "--prompts", "p.toml", "--probabilities", "--json")
    found = said.documents(results.Classified)
    assert [one["label"] for one in found] == ["positive", "", "", "negative"]
    assert found[0]["probabilities"] == pytest.approx({"positive": 0.9, "negative": 0.1})
    assert (found[2]["probabilities"], found[2]["said"]) == ({}, "I")
    assert "none of the labels: 1" in said.err

    rows = ["+ a,positive", "+ b,negative", "c,negative", "d,positive"]
    Path("new.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    arguments = ("eval", "openai:mill", "--data", "new.csv", "--prompts", "p.toml", "--probabilities")
    [measured] = shell(*arguments, "--json").documents(results.Evaluation)
    squares = [0.1**2, 0.9**2, 0.2**2, 0.8**2]
    assert measured["metrics"]["brier"] == pytest.approx(2 * sum(squares) / 4)
    assert measured["metrics"]["ece"] == pytest.approx((abs(0.9 - 0.5) * 2 + abs(0.8 - 0.5) * 2) / 4)
    assert measured["metrics"]["accuracy"] == 0.5
    assert "not calibrated" in measured["convention"]["probabilities"]
    assert set(measured["intervals"]) >= {"ece", "brier"}
    assert shell(*arguments).code == 0

    Path("rest.csv").write_text("text,label\n+ a,positive\nhm,negative\n")
    [rest] = shell(*arguments[:3], "rest.csv", *arguments[4:], "--json").documents(results.Evaluation)
    assert rest["metrics"]["brier"] == pytest.approx(0.02) and rest["metrics"]["n_unanswered"] == 1
    assert any("those of the 1 texts that have probabilities" in note for note in rest["convention"]["notes"])


def test_probabilities_by_echo_are_what_the_run_behind_the_server_gives_the_labels(
    shell: Shell, server: Server, mill: Path
) -> None:
    """The server is an n-gram run of ours: its own score of each label behind the prompt says what is right."""
    server.endpoints = {"completions"}
    Path("p.toml").write_text(REVIEWS)
    [found] = shell("classify", "openai:mill", "山", "--prompts", "p.toml", "--probabilities", "--json").documents(
        results.Classified
    )
    assert [prompt.split("Label:")[-1] for prompt in server.prompts()] == [" positive", " negative"]
    nats = {}
    for prompt in server.prompts():
        label = prompt.split("Label: ")[-1]
        [own] = shell("score", str(mill), prompt, "--json").documents(results.Scored)
        nats[label] = sum(one["logprob"] for one in own["tokens"] if one["start"] >= len(prompt) - len(label) - 1)
    share = 1 / (1 + math.exp(nats["negative"] - nats["positive"]))
    assert found["probabilities"] == pytest.approx({"positive": share, "negative": 1 - share}, abs=1e-6)
    assert found["label"] == max(nats, key=lambda label: nats[label])
    assert found["remote"]["n_requests"] == 2


def test_probabilities_of_what_has_no_labels_are_refused(shell: Shell, server: Server) -> None:
    Path("new.txt").write_text("the cat sat.\n")
    said = shell("eval", "openai:mill", "--data", "new.txt", "--probabilities")
    assert (said.code, said.out, server.seen) == (2, "", []) and "--probabilities are of labels" in said.err


# --- a long file, stopped in its middle


@pytest.mark.parametrize(("verb", "number"), [("classify", signal.SIGKILL), ("translate", signal.SIGINT)])
def test_what_was_answered_before_a_stop_is_not_asked_again_and_the_key_is_in_no_list_of_processes(
    shell: Shell, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, number: int
) -> None:
    def slowly(prompt: str) -> str:
        time.sleep(0.02)
        return " negative" if verb == "classify" else prompt.split("Source: ")[-1].split("\n")[0].upper()

    server.answers = slowly
    translate = 'task = "translate"\ninstruction = "Shout."\n'
    Path("p.toml").write_text(REVIEWS if verb == "classify" else translate)
    Path("key.txt").write_text(CANARY)
    lines = [f"行 line {n}" for n in range(150)]
    Path("in.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = [verb, "openai:mill", "--prompts", "p.toml", "--api-key-file", "key.txt", "--at-once", "3"]
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    with Path("in.txt").open("rb") as given, Path("out.txt").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "textmill", *said], stdin=given, stdout=out, stderr=subprocess.PIPE, env=environment
        )
        deadline = time.monotonic() + 100
        while len(server.seen) < 80:  # the first 64 lines are out by then
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else -9)
    assert b"textmill" in shown and CANARY.encode() not in shown + err
    done = Path("out.txt").read_text(encoding="utf-8").splitlines()
    wanted = ["negative"] * 150 if verb == "classify" else [line.upper() for line in lines]
    assert 64 <= len(done) < 150 and done == wanted[: len(done)]

    n_seen = len(server.seen)
    pipe_in(monkeypatch, Path("in.txt").read_text(encoding="utf-8"))
    again = shell(*said)
    assert (again.code, again.out.splitlines()) == (0, wanted)
    asked = server.prompts()
    assert len(set(asked)) == 150
    assert len(asked) - 150 <= 3  # those that were on their way when it was stopped
    n_new = len(asked) - n_seen
    assert 0 < n_new < 80 and f"{n_new} requests, {150 - n_new} answers from the cache" in again.err


# --- a chat


@pytest.mark.parametrize("endpoint", ["chat", "completions"])
def test_a_chat_tells_all_turns_each_time_and_its_commands_are_those_of_every_chat(
    shell: Shell, server: Server, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    server.endpoints = {endpoint}
    server.answers = lambda prompt: " 好\n    x = 1" if "code" in prompt.splitlines()[-2:][0] else " so."
    typed = [
        "code",
        "more",
        "/system Be brief.",
        "/set temperature 0.5",
        "/clear",
        "anew",
        "/save said.txt",
        "/sytem",
        "/bye",
    ]
    pipe_in(monkeypatch, "\n".join(typed) + "\n")
    said = shell("chat", "openai:mill", "--system", "你是磨坊主。", "--max-new-tokens", "20")
    assert said.code == 0
    assert said.out == " 好\n    x = 1\n so.\n so.\n"
    assert "did you mean '/system'?" in said.err and "it is told: Be brief." in said.err
    bodies = [body for seen, body in server.seen if seen == endpoint]
    assert [body["temperature"] for body in bodies] == [0.8, 0.8, 0.5]
    assert [body["seed"] for body in bodies] == [0, 1, 2] and all(body["stream"] for body in bodies)
    if endpoint == "chat":
        told = [[(one["role"], one["content"]) for one in body["messages"]] for body in bodies]
        first = [("system", "你是磨坊主。"), ("user", "code")]
        assert told == [
            first,
            [*first, ("assistant", " 好\n    x = 1"), ("user", "more")],
            [("system", "Be brief."), ("user", "anew")],
        ]
        assert len(server.seen) == 3  # a chat is tried first
    else:
        assert bodies[1]["prompt"].startswith("System: 你是磨坊主。\nUser: code\nAssistant: 好\n")
        assert bodies[2]["prompt"] == "System: Be brief.\nUser: anew\nAssistant:"
        assert bodies[2]["stop"] == ["\nSystem:", "\nUser:", "\nAssistant:"]
        assert "its server has no chat of it" in said.err
    assert Path("said.txt").read_text(encoding="utf-8").startswith("User: anew\nAssistant:")


def test_a_chat_in_json_gives_a_document_an_answer_with_the_servers_reason(
    shell: Shell, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe_in(monkeypatch, "你好\nagain\n")
    found = shell("chat", "openai:mill", "--json").documents(results.Chatted)
    assert [(one["prompt"], one["text"], one["finish_reason"]) for one in found] == [
        ("你好", " and on", "stop"),
        ("again", " and on", "stop"),
    ]


def test_a_chat_whose_server_fails_ends_in_a_line_and_does_not_spoil_what_generate_asks(
    shell: Shell, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = [401]
    pipe_in(monkeypatch, "a\nb\n")
    said = shell("chat", "openai:mill")
    assert said.code == 2 and "refuses the key (401)" in said.err and len(server.seen) == 1
    pipe_in(monkeypatch, "a\n")
    assert shell("chat", "openai:mill").code == 0
    shell("generate", "openai:mill", "a")
    assert [endpoint for endpoint, _ in server.seen[1:]] == ["chat", "completions"]


@pytest.mark.parametrize("given", [("--style", "raw"), ("--checkpoint", "best")])
def test_a_chat_with_a_server_refuses_what_is_of_runs(shell: Shell, server: Server, given: tuple[str, str]) -> None:
    said = shell("chat", "openai:mill", *given)
    assert said.code == 2 and f"{given[0]} is not for a remote model" in said.err and server.seen == []


# --- translations


def test_lines_and_pairs_are_translated(shell: Shell, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    german = {"a red house stands here now": "ein rotes Haus steht jetzt hier", "the dog sleeps": "der Hund schläft"}
    server.answers = lambda prompt: " " + german.get(prompt.split("Source: ")[-1].split("\n")[0], "?")
    Path("p.json").write_text(json.dumps({"task": "translate", "instruction": "Translate into German."}))
    pipe_in(monkeypatch, "the dog sleeps\n\na red house stands here now\n")
    said = shell("translate", "openai:mill", "--prompts", "p.json")
    assert (said.code, said.out) == (0, "der Hund schläft\n\nein rotes Haus steht jetzt hier\n")

    Path("pairs.tsv").write_text("".join(f"{one}\t{other}\n" for one, other in german.items()))
    arguments = ("--data", "pairs.tsv", "--prompts", "p.json", "--json")
    [found] = shell("eval", "openai:mill", *arguments).documents(results.Evaluation)
    assert found["metrics"]["chrf"] == pytest.approx(100.0)  # the references themselves
    assert found["baselines"]["copy"]["chrf"] < 50
    [same] = shell("compare", "openai:mill", "openai:mill", *arguments).documents(results.Comparison)
    assert same["differences"]["chrf"]["value"] == 0.0


# --- questions


def manuals() -> None:
    Path("manuals").mkdir()
    Path("manuals/kettle.md").write_text("# Kettle K5\n\nIt is red. The guarantee runs for 24 months.\n")
    Path("manuals/烤箱.txt").write_text("星河烤箱售价499元。保修期为两年。\n", encoding="utf-8")


def test_an_answer_is_found_where_it_stands_in_a_passage(shell: Shell, server: Server) -> None:
    manuals()
    server.answers = lambda prompt: " 24  Months." if "guarantee" in prompt.split("Question")[0] else " 两年"
    said = shell("ask", "manuals", "How long is the guarantee of the Kettle K5?", "--run", "openai:mill", "--json")
    [found] = said.documents(results.Asked)
    assert (said.code, found["found"], found["answer"]) == (0, True, "24 months")
    raw = Path(found["source"]).read_bytes()
    assert raw[found["byte_start"] : found["byte_end"]] == b"24 months"

    [chinese] = shell("ask", "manuals", "烤箱保修期多久？", "--run", "openai:mill", "--json").documents(results.Asked)
    assert (chinese["answer"], chinese["text"]) == ("两年", "保修期为两年。")
    assert "问题: 烤箱保修期多久？" in server.prompts()[-1]


def test_an_answer_that_stands_nowhere_is_shown_so_and_not_found(shell: Shell, server: Server) -> None:
    manuals()
    server.answers = lambda prompt: " three years"
    said = shell("ask", "manuals", "How long is the guarantee of the Kettle K5?", "--run", "openai:mill")
    assert said.code == 1
    assert said.out.startswith("not found in 2 files\nsaid, but it stands in none of the passages: three years\n")
    server.answers = lambda prompt: " None."
    said = shell("ask", "manuals", "Who is the mayor of Kettle K5?", "--run", "openai:mill", "--json")
    assert (json.loads(said.out)["found"], json.loads(said.out)["unplaced"]) == (False, "")


def test_questions_with_known_answers_are_measured(shell: Shell, server: Server) -> None:
    """By hand: 1 exact, 2 rightly refused, 3 invented: em 2/3."""
    server.answers = lambda prompt: " 24 months" if "guarantee" in prompt.split("Question")[-1] else " none"
    Path("p.json").write_text(json.dumps({"task": "answer", "instruction": "Answer from the passage."}))
    passage, other = "It is red. The guarantee runs for 24 months.", "Das Haus."
    asked = [
        (passage, "How long is the guarantee?", ["24 months"]),
        (passage, "Who signs?", []),
        (other, "guarantee?", []),
    ]
    lines = [json.dumps({"context": text, "question": question, "answers": found}) for text, question, found in asked]
    Path("q.jsonl").write_text("\n".join(lines))
    arguments = ("--data", "q.jsonl", "--prompts", "p.json", "--json")
    [found] = shell("eval", "openai:mill", *arguments).documents(results.Evaluation)
    assert found["metrics"]["em"] == pytest.approx(2 / 3)
    assert found["metrics"]["n_unplaced"] == 1
    assert set(found["baselines"]) == {"no_answer", "first_sentence", "lexical_overlap", "sliding_window"}
    [same] = shell("compare", "openai:mill", "openai:mill", *arguments).documents(results.Comparison)
    assert same["differences"]["em"]["value"] == 0.0


# --- what goes wrong


BAD_PROMPTS = {
    "": "holds no instruction",
    "task = ": "is no TOML",
    REVIEWS.replace('task = "classify"', 'task = "classfy"'): "must be one of classify",
    REVIEWS.replace("instruction", "instructon"): "did you mean 'instruction'?",
    REVIEWS.replace('labels = ["positive", "negative"]', 'labels = ["positive"]'): "fewer than two labels",
    REVIEWS.replace('label = "negative"', 'label = "negativ"'): "example 2",
    REVIEWS.replace('text = "Dull."', 'txt = "Dull."'): "example 2",
    REVIEWS.replace('"negative"]', '"Positive."]'): "two labels are the same",
    'task = "translate"\ninstruction = "x"\n': "these are examples for translate",
}


@pytest.mark.parametrize("text", BAD_PROMPTS, ids=list(BAD_PROMPTS.values()))
def test_a_file_of_examples_that_is_none_is_refused_with_its_place(shell: Shell, server: Server, text: str) -> None:
    Path("p.toml").write_text(text)
    said = shell("classify", "openai:mill", "bad", "--prompts", "p.toml")
    assert (said.code, said.out) == (2, "")
    assert "p.toml" in said.err and BAD_PROMPTS[text] in said.err
    assert server.seen == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("generate", "openai:", "a"), "has no name"),
        (("generate", "openai:mill", "a", "--checkpoint", "best"), "--checkpoint is not for a remote model"),
        (("generate", "openai:mill", "a", "--top-k", "3"), "generate.top_k"),
        (("generate", "openai:mill", "a", "--base-url", "here"), "no address of a server"),
        (("generate", "openai:mill", "a", "--api-key-file", "none"), "none: cannot be read"),
        (("generate", "openai:mill", "a", "--cache", "c", "--no-cache"), "not both"),
        (("score", "openai:mill", ""), "the text is empty"),
        (("score", "openai:mill", "a", "--alternatives", "9"), "5 alternatives at most"),
        (("eval", "openai:mill"), "--data PATH"),
        (("eval", "openai:mill", "--data", "gone.txt"), "gone.txt"),
        (("eval", "openai:mill", "--data", "empty.txt"), "empty.txt"),
        (("classify", "openai:mill", "a"), "--prompts FILE"),
        (("classify", "openai:mill", "a", "--abstain", "0.5"), "--abstain is not for a remote model"),
        (("compare", "openai:mill", "openai:mill"), "--data PATH"),
        (("info", "openai:mill"), "needs a run of this machine"),
        (("ask", "empty.txt", "Why?", "--prompts", "p.toml"), "--prompts is for a remote model"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_and_nothing_is_asked(
    shell: Shell, server: Server, arguments: tuple[str, ...], words: str
) -> None:
    Path("empty.txt").write_text("")
    said = shell(*arguments)
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert server.seen == []


def test_a_flag_of_remote_models_is_refused_of_a_run(shell: Shell, mill: Path) -> None:
    said = shell("generate", str(mill), "a", "--base-url", "http://127.0.0.1:9/v1")
    assert said.code == 2 and "--base-url is for a remote model" in said.err


def test_before_it_is_measured_the_number_of_requests_is_told_and_nothing_is_asked(
    shell: Shell, server: Server
) -> None:
    Path("new.txt").write_text(TEXT * 3, encoding="utf-8")
    [plan] = shell("eval", "openai:mill", "--data", "new.txt", "--piece", "30", "-n", "--json").documents(results.Plan)
    assert server.seen == []
    shell("eval", "openai:mill", "--data", "new.txt", "--piece", "30")
    assert len(server.seen) == plan["plan"]["requests"]
    assert sum(map(len, server.prompts())) == plan["plan"]["characters of prompts"]


# --- the key


def test_the_key_is_in_nothing_that_is_written_not_even_of_a_bug_of_ours(
    shell: Shell, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from textmill.hub import remote_model

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    Path("key.txt").write_text(CANARY)
    server.answers = lambda prompt: f"I know {CANARY}"
    written = []
    for fault in (None, 401, 500, "garbage", "page"):
        server.faults, server.says = [fault] * 9 if fault else [], f"wrong key {CANARY}"
        said = shell("generate", "openai:mill", f"{fault}", "--api-key-file", "key.txt", "--retries", "0", "-v")
        written += [said.out, said.err]
    monkeypatch.setattr(remote_model.RemoteModel, "_texts", lambda self, *rest: (self, rest)[5])
    server.faults = []
    said = shell("generate", "openai:mill", "bug", "--api-key-file", "key.txt")
    assert said.code == 70
    written += [said.out, said.err]
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "key.txt"]
    assert any(path.name.startswith("textmill-bug") for path in files)
    assert any("caches" in path.parts for path in files)
    written += [path.read_text() for path in files]
    assert [text for text in written if CANARY in text] == []
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {CANARY}"}
    assert os.environ["OPENAI_API_KEY"] == CANARY  # as it was
