"""`textmill ask` as a person types it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import jsonschema
import pytest
from fakes import Shell

from textmill import results
from textmill.cli import ask as ask_verb
from textmill.cli import main
from textmill.cli.ask_text import context_text

MANUAL = "# Kettle K5\n\nIt is red. The guarantee runs for 24 months.\n\nThe Kettle K5 costs 30 euros.\n"


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    Path("manuals").mkdir()
    Path("manuals/kettle.md").write_text(MANUAL, encoding="utf-8")
    Path("manuals/烤箱.txt").write_text("星河烤箱售价499元。保修期为两年。\n", encoding="utf-8")
    return Shell(capsys)


def pipe_in(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


def test_an_answer_comes_with_its_score_its_place_and_its_sentence(shell: Shell) -> None:
    said = shell("ask", "manuals", "How long is the warranty of the Kettle K5?")
    head, context = said.out.splitlines()
    assert head.startswith("24 months  (0.") and head.endswith("manuals/kettle.md:3")
    assert context == "  It is red. The guarantee runs for 24 months."
    assert said.code == 0


def test_the_sentence_and_the_answer_are_marked_where_colours_are_seen() -> None:
    one = results.AskedAnswer(
        answer="24 months", score=1, source="a", line=1, start=0, end=9, byte_start=0, byte_end=9,
        text="It runs for 24 months.", context="Red. It runs for 24 months. End.", text_start=5, answer_start=17,
    )  # fmt: skip
    marked = context_text(one)
    assert "\x1b[" in marked and marked.startswith("Red. \x1b[1mIt runs for ") and marked.endswith(" End.")


def test_no_escape_is_written_where_no_terminal_looks_on(shell: Shell) -> None:
    assert "\x1b" not in shell("ask", "manuals", "星河烤箱多少钱？").out


def test_what_is_not_there_is_said_with_the_nearest_and_exit_code_1(shell: Shell) -> None:
    said = shell("ask", "manuals", "Who is the mayor of Kettle K5?")
    assert said.code == 1
    assert said.out.startswith("not found in 2 files\nnearest:\n")
    assert 1 <= said.out.count("manuals/") <= 3


def test_what_is_printed_is_chinese_where_the_person_reads_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTMILL_LANG", "zh")
    assert shell("ask", "manuals", "Who is the mayor of Kettle K5?").out.startswith(
        "在 2 个文件中没有找到\n最接近的：\n"
    )
    Path("known.jsonl").write_text(json.dumps({"question": "星河烤箱多少钱？", "answers": ["499元"]}), encoding="utf-8")
    said = shell("ask", "manuals", "--questions", "known.jsonl").out
    assert "答对，共 1 个有答案的问题" in said and "阈值 0.45；词语重叠" in said
    assert "answered" not in said and "overlap" not in said


def test_json_is_one_document_that_fits_its_schema(shell: Shell) -> None:
    said = shell("ask", "manuals", "星河烤箱多少钱？", "--json")
    [found] = said.documents(results.Asked)
    assert (found["schema"], found["found"], found["answer"]) == ("textmill.ask/1", True, "499元")
    raw = Path(found["source"]).read_bytes()
    assert raw[found["byte_start"] : found["byte_end"]].decode() == "499元"
    assert json.loads(shell("ask", "manuals", "Who is the mayor?", "--json").out)["found"] is False


def test_questions_come_from_standard_input_one_a_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe_in(monkeypatch, "What does the Kettle K5 cost?\n星河烤箱多少钱？\n".encode())
    said = shell("ask", "manuals", "--json")
    assert [json.loads(line)["answer"] for line in said.out.splitlines()] == ["30 euros", "499元"]
    assert said.code == 0

    pipe_in(monkeypatch, b"What does the Kettle K5 cost?\nWho is the mayor?\n")
    assert shell("ask", "manuals").code == 1


@pytest.mark.parametrize(
    ("lines", "where"), [(b"What does the Kettle K5 cost?\n\n", "standard input:2"), (b"", "standard input")]
)
def test_a_line_of_nothing_is_named(lines: bytes, where: str, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe_in(monkeypatch, lines)
    said = shell("ask", "manuals")
    assert said.code == 2 and f"error: {where}: " in said.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["manuals", ""], "a question of nothing"),
        (["manuals", "?!"], "a question of nothing"),
        (["How long is the warranty?"], "DOCS are missing"),
        (["manual"], "did you mean 'manuals'?"),
        (["manuals", "x", "--treshold", "0.3"], "did you mean '--threshold'?"),
        (["manuals", "x", "--threshold", "2"], "2.0 is not in the range"),
        (["manuals", "x", "-k", "0"], "0 is not in the range"),
        (["manualz/", "How long?"], "manualz"),
        (["manuals", "--questions", "none.jsonl"], "none.jsonl: cannot be read"),
        (["empty.txt", "How long?"], "empty.txt"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(arguments: list[str], told: str, shell: Shell) -> None:
    Path("empty.txt").write_text("\n")
    said = shell("ask", *arguments)
    assert said.code == 2 and told in said.err and said.out == ""


def test_a_last_word_that_is_written_like_a_file_is_one(shell: Shell) -> None:
    said = shell("ask", "manuals", "kettel.md")
    assert said.code == 2 and "kettel.md" in said.err


def test_several_answers_are_as_many_as_asked_for(shell: Shell) -> None:
    said = shell("ask", "manuals", "How long is the warranty?", "-k", "2", "--threshold", "0", "--json")
    assert len(json.loads(said.out)["answers"]) == 2


def test_a_session_carries_on_what_was_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter(["How long is the warranty of the Kettle K5?", "And its price?", "!?", "/bye", "never asked"])
    monkeypatch.setattr(ask_verb, "read_message", lambda: next(lines))
    monkeypatch.setattr("sys.stdin", type("Terminal", (io.StringIO,), {"isatty": lambda self: True})())
    said = shell("ask", "manuals")
    assert said.code == 0
    assert said.out.index("24 months") < said.out.index("30 euros")
    assert "(about Kettle K5)" in said.err and "a question of nothing" in said.err
    assert next(lines) == "never asked"


def test_the_walk_with_generated_documents(shell: Shell) -> None:
    assert shell("data", "write", "builtin:facts,n=6,lang=zh,hand=other,seed=3", "--out", "hand book").code == 0
    said = shell("ask", "hand book/documents", "--questions", "hand book/questions.jsonl", "--json")
    [found] = said.documents(results.AskedAll)
    assert (found["n_questions"], found["n_files"]) == (36, 6) and said.code == 0
    text = shell("ask", "hand book/documents", "--questions", "hand book/questions.jsonl").out
    assert "answered rightly, of 18 with an answer" in text and "refused, of 18 without one" in text


def test_every_example_of_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "--help"]) == 0
    said = capsys.readouterr().out
    assert "Exit code:" in " ".join(said.split()) and "--questions" in said
    jsonschema.Draft202012Validator.check_schema(results.Asked.model_json_schema(by_alias=True))


def test_the_ladder_shows_what_each_way_gets_and_costs_and_those_that_were_not_run(shell: Shell) -> None:
    shell("data", "write", "builtin:facts,n=8,seed=3,lang=zh", "--out", "hb")
    said = shell("ask", "hb/documents", "--questions", "hb/questions.jsonl", "--ladder", "--json")
    found = json.loads(said.out)

    assert found["schema"] == "textmill.ask-ladder/1"
    jsonschema.validate(found, results.Ladder.model_json_schema(by_alias=True))
    text = shell("ask", "hb/documents", "--questions", "hb/questions.jsonl", "--ladder").out
    assert text.count("not run: ") == 4 and "s a question" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("manuals", "--ladder", "Who?"), "--questions FILE"),
        (("manuals", "Who is it?", "--closed", "lm"), "goes with --ladder"),
        (("manuals", "Who is it?", "--reader", "trained"), "name its run"),
    ],
)
def test_flags_that_need_another_say_which(shell: Shell, arguments: tuple[str, ...], says: str) -> None:
    said = shell("ask", *arguments)
    assert said.code == 2 and says in said.err
