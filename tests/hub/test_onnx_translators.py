"""A translator and a reader that leave as ONNX give the run's numbers, tokens and answers without Textmill."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_runs import made_run

from textmill.errors import ConfigError, RunError
from textmill.generation.beam import BeamSettings
from textmill.hub import onnx_folder
from textmill.hub.export import export
from textmill.hub.onnx_proof import opened
from textmill.runs import Run
from textmill.tasks.prepare import task_of

SENTENCES = ["the mill", "the wheel of the mill turned", "水车转动，磨坊在河边。", "a", "naïve café 1984 😀"] * 4


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def translated_by_onnx(folder: Path, sources: list[tuple[int, ...]], begin: int, end: int, n: int) -> list[list[int]]:
    """The likeliest token each time, all sources padded in one batch: written here from the card's words alone."""
    encoder, decoder = opened(folder, "encoder"), opened(folder, "decoder")
    longest = max(map(len, sources))
    ids = np.array([[*source, *[0] * (longest - len(source))] for source in sources])
    real = np.array([[place < len(source) for place in range(longest)] for source in sources])
    names = [one.name for one in encoder.get_outputs()]
    made = dict(zip(names, encoder.run(None, {"ids": ids, "real": real}), strict=True))
    feeds: dict[str, Any] = {"real": real}
    kept = []
    for one in decoder.get_inputs():
        if one.name in made:
            feeds[one.name] = made[one.name]
        elif one.name.startswith("past_"):
            feeds[one.name] = np.zeros((len(sources), one.shape[1], 0, one.shape[3]), np.float32)
        if one.name.startswith("past_") or one.name in ("h", "c"):
            kept.append(one.name)
    written: list[list[int]] = [[] for _ in sources]
    read = np.full((len(sources), 1), begin)
    for _ in range(n):
        logits, *after = decoder.run(None, {"ids": read, **feeds})
        feeds |= dict(zip(kept, after, strict=True))
        read = logits[:, -1].argmax(-1)[:, None]
        for row, (token,) in enumerate(read.tolist()):
            if end not in written[row]:
                written[row].append(token)
    return [row[: row.index(end)] if end in row else row for row in written]


def greedy_here(run: Run, texts: list[str], n: int) -> list[list[int]]:
    task: Any = task_of(run.config)
    found = task.translations(run.model(), run.tokenizer, texts, BeamSettings(beams=1, max_new_tokens=n))
    return [list(best[0].hypothesis.ids) for best in found]


@pytest.mark.parametrize(
    ("kind", "knobs"),
    [
        ("rnn", {}),
        ("lstm", {"model__source_attention": "additive"}),
        ("gru", {"model__source_attention": "dot", "tokens__shared": "false"}),
        ("transformer marian", {}),
        ("transformer modern", {"model__n_kv_heads": "2"}),
        ("transformer qwen3", {"tokens__shared": "false"}),
        ("transformer classic", {}),
        ("transformer modern", {"model__softmax": "adaptive"}),
    ],
)
def test_a_translator_writes_the_runs_tokens_of_twenty_sentences_padded_in_one_batch(
    kind: str, knobs: dict[str, str], tmp_path: Path
) -> None:
    run = made_run(tmp_path / "run", *kind.split(), task="translate", **knobs)
    found = export(run, "onnx", tmp_path / "out")
    task: Any = task_of(run.config)
    sources = task.source_ids(SENTENCES, run.tokenizer)

    there = translated_by_onnx(tmp_path / "out", sources, run.tokenizer.mark, run.tokenizer.mark, 12)

    assert there == greedy_here(run, SENTENCES, 12)
    assert len(set(map(tuple, there))) > 2  # they depend on their sources
    assert found.proof.max_difference <= 1e-4 and found.proof.n_greedy >= 20
    assert {"encoder.onnx", "decoder.onnx"} <= set(found.files)
    assert ("tokenizer.source.json" in found.files) == (knobs.get("tokens__shared") == "false")


def run_alone(folder: Path, change: tuple[str, str] = ("", "")) -> str:
    """What the program of the card prints without textmill and torch. change: a text of it by another."""
    [program] = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.S)
    assert change[0] in program
    guard = "import sys\nsys.modules['textmill'] = sys.modules['torch'] = None\n"
    done = subprocess.run(
        [sys.executable, "-E", "-s", "-X", "utf8", "-c", guard + program.replace(*change)],
        cwd=folder,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().rstrip("\n")


def test_the_program_of_the_card_translates_in_the_direction_that_is_wanted(tmp_path: Path) -> None:
    said = {"task__both_ways": "true", "data__source": "en", "data__target": "zh"}
    run = made_run(tmp_path / "run", "transformer", "marian", task="translate", **said)
    export(run, "onnx", tmp_path / "out")
    task: Any = task_of(run.config)
    text = "水车转动"
    wanted = [
        next(task.translations(run.model(), run.tokenizer, [text], BeamSettings(1, max_new_tokens=40), way))[0].text
        for way in (0, 1)
    ]
    prefixes = [str(list(ids)) for ids in task.prefixes(run.tokenizer)]

    assert run_alone(tmp_path / "out", ("The mill turns.", text)) == wanted[0] != wanted[1]
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    program = card.replace(f"source = {prefixes[0]}", f"source = {prefixes[1]}")
    (tmp_path / "out/README.md").write_text(program, encoding="utf-8")
    assert run_alone(tmp_path / "out", ("The mill turns.", text)) == wanted[1]
    assert re.sub(r"\\", "", card).count(f"{prefixes[1]} for en") == 1


@pytest.mark.parametrize(
    ("graph", "constant"), [("encoder", "cells.0.W"), ("decoder", "attention.mix.weight_transposed")]
)
def test_a_translator_that_gives_other_numbers_is_not_written(
    graph: str, constant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made_run(tmp_path / "run", "lstm", task="translate")

    def spoilt(model: Any) -> Any:
        graphs = graphs_of(model)
        [own] = [one for one in graphs if one.name == graph]
        own.constants[constant] = own.constants[constant] * np.float32(1.02)
        return graphs

    graphs_of = onnx_folder.graphs_of
    monkeypatch.setattr(onnx_folder, "graphs_of", spoilt)
    with pytest.raises(RunError, match=r"other numbers than the run.*nothing was written"):
        export(run, "onnx", tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru", "transformer bert"])
def test_a_reader_gives_the_runs_answers_by_the_program_of_its_card(kind: str, tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", *kind.split(), task="answer", model__seq_len="80")
    found = export(run, "onnx", tmp_path / "out")
    task: Any = task_of(run.config)
    question, passage = "谁在河边 turned?", "The miller's song turned. 磨坊在河边，水车 TURNED with it 😀."
    [(_, _, [best])] = task.found(run.model(), task.asked(question, [passage], run.tokenizer), run.tokenizer)

    said = run_alone(
        tmp_path / "out",
        (
            '"Where does the mill stand?", "The mill stands by the river. It has a wheel."',
            f"{question!r}, {passage!r}",
        ),
    )
    assert said == (best.text if best.score > 0 else "")
    assert {"model.onnx", "facts.py"} <= set(found.files)
    assert "100 questions laid into rows" in found.proof.how


def test_facts_that_are_laid_otherwise_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from textmill.hub import onnx_reader

    monkeypatch.setattr(onnx_reader, "ROW", onnx_reader.ROW.replace("place >= 0", "place > 0"))
    run = made_run(tmp_path / "run", "gru", task="answer", model__seq_len="80")
    with pytest.raises(RunError, match=r"into another row than the run; nothing was written"):
        export(run, "onnx", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_story_has_no_graph_and_is_refused_with_what_has_one(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", "gru", task="answer")
    run.config = run.config.model_copy(update={"task": run.config.task.model_copy(update={"name": "story"})})
    with pytest.raises(ConfigError, match="story sentence by sentence") as caught:
        export(run, "onnx", tmp_path / "out")
    assert "lm, translate, classify, answer and mask leave as ONNX" in str(caught.value)
