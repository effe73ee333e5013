"""`textmill vectors`: what a person types and sees."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from fakes import Shell

from textmill import results
from textmill.evaluation.own_vectors import TextReader
from textmill.hub import open_run

sys.path.append(str(Path(__file__).parents[1] / "hub"))
from made_runs import made_run

WORDS = "man 0 1\nwoman 0 -1\nking 1 1\nqueen 1 -1\n国王 1 1.1\nmill 1 0\n"


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.txt").write_text(WORDS)
    return Shell(capsys)


def test_a_file_of_vectors_stands_in_the_place_of_a_run(shell: Shell) -> None:
    said = shell("vectors", "w.txt", "king", "--near", "2")
    assert said.code == 0
    assert said.out.splitlines()[:2] == ["king", "  国王  0.999"]
    [document] = shell("vectors", "w.txt", "国王", "--json").documents(results.Vectors)
    assert document["n_words"] == 6 and document["width"] == 2 and document["of"] == "file"
    assert document["words"][0]["near"][0]["word"] == "king"


def test_an_analogy_is_answered_by_both_formulas(shell: Shell) -> None:
    said = shell("vectors", "w.txt", "--analogy", "man", "king", "woman")
    assert said.code == 0
    assert "man : king = woman : ?" in said.out
    assert [line.split()[1] for line in said.out.splitlines() if line.startswith("1")] == ["queen"]


def test_a_file_of_analogies_is_scored(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text(": royal\nman king woman queen\nking man queen woman\nman king x y\n")
    said = shell("vectors", "w.txt", "--analogies", "q.txt")
    assert said.code == 0
    assert said.out.splitlines()[-1].split()[:5] == ["all", "2", "3", "100.0", "%"]


def test_what_does_not_go_together_is_refused_in_one_line_with_exit_2(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "bad.vec").write_text("3 2\nking 1 2\n")
    (tmp_path / "nan.vec").write_text("king 1 nan\n")
    (tmp_path / "there.vec").write_text("")
    for arguments, message in {
        ("w.txt",): "say what to look at",
        ("w.txt", "kng"): "w.txt: there is no word 'kng' among its 6",
        ("w.txt", "king", "--analogy", "a", "b", "c"): "say WORD or --analogy, not both",
        ("w.txt", "king", "--of", "inpt"): "--of must be input, output, context, not 'inpt'",
        ("w.txt", "king", "--of", "input"): "w.txt: --of is of runs",
        ("w.txt", "--similar", "a", "b"): "w.txt: --similar is of runs",
        ("w.txt", "--search", "a"): "--search looks among lines",
        ("w.txt", "--out", "there.vec"): "there.vec: there is something already",
        ("w.txt", "--out", "x.npy"): "words are written as text",
        ("bad.vec", "king"): "bad.vec: its first line says 3 words, and it holds 1",
        ("nan.vec", "king"): "nan.vec:1: the vector of 'king'",
        ("there.vec", "king"): "there.vec: the file is empty",
        ("no-run", "king"): "no-run: there is no such run",
    }.items():
        said = shell("vectors", *arguments)
        assert (said.code, said.out) == (2, ""), arguments
        assert said.err.startswith(f"error: {message}"), said.err


def test_words_leave_as_a_file_that_comes_back(shell: Shell, tmp_path: Path) -> None:
    made_run(tmp_path / "run", arch="gru", tokens__kind="word")
    own = shell("vectors", "run", "mill", "--near", "4")
    said = shell("vectors", "run", "--out", "words.vec.gz")
    assert said.code == 0 and "written: words.vec.gz" in said.out
    assert shell("vectors", "words.vec.gz", "mill", "--near", "4").out == own.out


def test_lines_become_vectors_in_every_form_and_an_empty_one_keeps_its_place(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made_run(tmp_path / "run", arch="lstm", tokens__kind="char")
    lines = ["the mill", "", "水车转动" * 40]
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n")
    wanted = TextReader(run).vectors([lines[0], lines[2]])
    found = shell("vectors", "run", "--sentences", "in.txt").documents(results.TextVector)
    assert [one["line"] for one in found] == [1, 2, 3]
    assert found[1]["vector"] is None
    np.testing.assert_allclose([found[0]["vector"], found[2]["vector"]], wanted, atol=1e-6)
    for name in ("out.npy", "out.safetensors", "out.jsonl"):
        said = shell("vectors", "run", "--sentences", "in.txt", "--out", name)
        assert said.code == 0 and "3 vectors" in said.out
    np.testing.assert_allclose(np.load("out.npy", allow_pickle=False)[[0, 2]], wanted, atol=1e-6)
    assert not np.load("out.npy", allow_pickle=False)[1].any()
    np.testing.assert_array_equal(safetensors.numpy.load_file("out.safetensors")["vectors"], np.load("out.npy"))
    assert [json.loads(line)["line"] for line in Path("out.jsonl").read_text().splitlines()] == [1, 2, 3]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"the mill\n")))
    [piped] = shell("vectors", "run", "--sentences", "-").documents(results.TextVector)
    np.testing.assert_allclose(piped["vector"], found[0]["vector"], atol=1e-6)


def test_a_search_finds_the_line_itself_first_and_two_equal_texts_are_alike(shell: Shell, tmp_path: Path) -> None:
    made_run(tmp_path / "run", task="classify", preset="bert")
    (tmp_path / "in.txt").write_text("the wheel turned\n水车转动\n\nthe miller's song\n")
    [document] = shell("vectors", "run", "--sentences", "in.txt", "--search", "水车转动", "--json").documents(
        results.Vectors
    )
    assert document["found"][0]["line"] == 2
    assert document["found"][0]["score"] == pytest.approx(1, abs=1e-6)
    assert len(document["found"]) == 3
    assert shell("vectors", "run", "--similar", "水车", "水车").out == "1.0000\n"


def test_bad_lines_are_named(shell: Shell, tmp_path: Path) -> None:
    made_run(tmp_path / "run", arch="rnn")
    (tmp_path / "bad.txt").write_bytes(b"fine\n\xff\xfe\n")
    (tmp_path / "empty.txt").write_bytes(b"")
    for arguments, message in {
        ("--sentences", "bad.txt"): "bad.txt:2: is no UTF-8 at byte 1 of the line",
        ("--sentences", "empty.txt"): "empty.txt: there is no line in it",
        ("--sentences", "none.txt"): "none.txt: cannot be read: No such file",
        ("--similar", "a", " "): "command line: a text is empty",
    }.items():
        said = shell("vectors", "run", *arguments)
        assert said.code == 2 and said.err.startswith(f"error: {message}"), said.err


def test_a_floor_has_no_vectors(tmp_path: Path, shell: Shell) -> None:
    run = made_run(tmp_path / "run", arch="gru")
    run.info["kind"] = "ngram"
    run.write_info()
    said = shell("vectors", "run", "mill")
    assert said.code == 2 and "counts, and has no vectors" in said.err
    assert open_run(tmp_path / "run").kind == "ngram"
