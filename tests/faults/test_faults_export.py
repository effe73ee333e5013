"""An export is absent or complete, whenever it is stopped; what cannot be exported leaves nothing and says so."""

from __future__ import annotations

import json
import random
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest
from faults_kit import Driver, InProcess, names, refused, tree

import textmill
from textmill.hub.onnx_proof import opened

EXPORT = ["export", "runs/geese", "--to", "onnx", "--out", "out/geese", "--threads", "1"]
FILES = ["README.md", "model.onnx", "tokenizer.json"]
N_INSTANTS = 10


@pytest.mark.ci
def test_a_killed_export_is_absent_or_complete_and_the_same_command_completes_it(driver: Driver, young: Path) -> None:
    folder = young.parent.parent
    whole = driver(folder, EXPORT, at=["call", 0])
    assert whole.code == 0, whole.err
    before, run = names(folder / "out/geese"), tree(young)
    assert before == FILES
    draw, found = random.Random(5), []
    for number in range(N_INSTANTS):
        out = folder / f"killed-{number}"
        words = [*EXPORT[:5], str(out / "geese"), *EXPORT[6:]]
        killed = driver(folder, words, at=["call", draw.randint(1, whole.calls)], signals=[SIGKILL])
        assert killed.code == -SIGKILL
        there = (out / "geese").is_dir()
        found.append(there)
        if there:
            assert names(out / "geese") == FILES
            opened(out / "geese")
        again = driver(folder, [*words, "--fresh"])
        assert again.code == 0, again.err
        assert names(out / "geese") == FILES
    assert not all(found)
    assert tree(young) == run


@pytest.mark.ci
def test_killed_at_any_change_of_the_disk_nothing_half_bears_the_name(driver: Driver, young: Path) -> None:
    folder = young.parent.parent
    assert driver(folder, EXPORT, at=["disk", 0]).code == 0
    n_calls = len(json.loads((folder / ".calls").read_text()))
    assert n_calls > len(FILES)
    there = []
    for instant in range(1, n_calls + 1, max(1, n_calls // N_INSTANTS)):
        out = folder / f"at-{instant}"
        words = [*EXPORT[:5], str(out / "geese"), *EXPORT[6:]]
        killed = driver(folder, words, at=["disk", instant], signals=[SIGKILL])
        assert killed.code == -SIGKILL
        there.append((out / "geese").is_dir())
        assert not there[-1] or names(out / "geese") == FILES
    assert there and not all(there)


@pytest.mark.ci
def test_a_polite_stop_leaves_nothing_behind(driver: Driver, young: Path) -> None:
    folder = young.parent.parent
    at = ["enter", "textmill.hub.onnx_proof:prove_decoder", 1]
    stopped = driver(folder, [*EXPORT[:5], "new/geese", *EXPORT[6:]], at=at, signals=[SIGTERM])
    assert stopped.code == 143 and "Traceback" not in stopped.err
    assert not (folder / "new").exists()


def test_what_lies_there_is_not_overwritten_but_moved_away_where_that_is_said(mill: InProcess, young: Path) -> None:
    kept = Path("out/geese/kept.txt")
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")

    refused(mill(*EXPORT), "out/geese", "there is something already", "--fresh")
    assert names(kept.parent) == ["kept.txt"]

    said = mill(*EXPORT, "--fresh")
    assert said.code == 0 and "was moved to out/.replaced/geese-" in said.err
    assert names(kept.parent) == FILES
    [aside] = Path("out/.replaced").iterdir()
    assert (aside / "kept.txt").read_text() == "mine"


def test_one_document_says_what_was_written_and_how_it_was_proved(mill: InProcess, young: Path) -> None:
    [found] = mill("export", "runs/geese", "--to", "onnx", "--json").documents()

    assert (found["schema"], found["to"], found["step"]) == ("textmill.export/1", "onnx", 2)
    assert found["out"] == "runs/geese/export/onnx" and sorted(found["files"]) == FILES
    assert found["files"] == {name: (young / "export/onnx" / name).stat().st_size for name in FILES}
    proof = found["proof"]
    assert 0 <= proof["max_difference"] <= 1e-4 and proof["n_texts"] == proof["n_texts_equal"] == 1000
    twice = textmill.export("runs/geese", "onnx", "twice", checkpoint="last")
    assert twice.proof.model_dump() == proof


def test_words_that_make_no_sense_are_refused_and_write_nothing(mill: InProcess, young: Path) -> None:
    before = tree(Path())
    refused(mill("export", "runs/geese"), "say the format", "--to hf")
    refused(mill("export", "runs/geese", "--to", "onx"), "no format 'onx'", "did you mean 'onnx'?")
    refused(mill("export", "runs/gesee", "--to", "onnx"), "no such run", "runs/geese")
    refused(mill("export", "runs/geese", "--to", "hf"), "architecture gru", "--to onnx")
    refused(mill("export", "runs/geese", "--to", "gguf"), "no architecture gru", "--preset llama")
    refused(mill("export", "runs/geese/floor", "--to", "onnx"), "counts")
    refused(mill("export", "runs/geese", "--to", "onnx", "--checkpoint", "99"), "99")
    refused(mill("export", "runs/geese", "--to", "onnx", "--out", "geese.txt"), "this is no folder")
    assert mill("export", "runs/geese", "--to", "onnx", "-n").code == 0
    assert tree(Path()) == before


@pytest.mark.parametrize(
    ("words", "reason", "instead"),
    [
        (["--arch", "gru", "--exportable", "hf"], "architecture gru", "--preset gpt2"),
        (["--arch", "transformer", "--exportable", "gguf"], "kind of nanochat", "--preset llama"),
        (["--arch", "transformer", "--preset", "classic", "--exportable", "hf"], "no stock class", "--preset"),
        (
            ["--arch", "transformer", "--preset", "llama", "--tokens.kind", "char", "--exportable", "gguf"],
            "tokens.kind char",
            "--tokens.kind bpe",
        ),
    ],
    ids=" ".join,
)
def test_a_run_that_could_not_leave_is_refused_before_its_first_step(
    mill: InProcess, tmp_path: Path, words: list[str], reason: str, instead: str
) -> None:
    (tmp_path / "geese.txt").write_text("Seven geese of nine 飞过山.\n" * 50)
    before = tree(tmp_path)
    refused(mill("train", "geese.txt", "--steps", "2", *words), reason, instead)
    assert [name for name in tree(tmp_path) if name not in before and name != "runs"] in ([], ["runs/geese"])


def test_a_finished_run_is_asked_again_when_another_format_is_wanted(mill: InProcess, young: Path) -> None:
    refused(mill("train", "geese.txt", "--exportable", "hf"), "architecture gru", "--to onnx")
    assert mill("train", "geese.txt", "--exportable", "onnx").code == 0
    assert 'exportable = "onnx"' in (young / "config.toml").read_text()
