"""What leaves as ONNX gives the run's numbers in onnxruntime, without Textmill."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_runs import CLASSES, made_run

from textmill.config import PRESETS
from textmill.errors import ConfigError, RunError
from textmill.hub import onnx_folder, onnx_graph
from textmill.hub.export import export
from textmill.hub.onnx_proof import no_past, opened
from textmill.runs import Run
from textmill.tables import ARCHITECTURES

DECODERS = [f"{arch} {preset}".strip() for arch in ARCHITECTURES for preset in PRESETS.get(arch, {"": {}})]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def ids_of(run: Run, rows: int, length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(run.tokenizer.vocab_size, (rows, length), generator=torch.Generator().manual_seed(seed))


def read_in_parts(session: Any, ids: torch.Tensor, cuts: list[int]) -> np.ndarray:
    """Logits of a text read part by part, the state carried on."""
    feeds, found = no_past(session, len(ids)), []
    for start, stop in zip([0, *cuts], [*cuts, ids.shape[1]], strict=True):
        logits, *after = session.run(None, {"ids": ids[:, start:stop].numpy(), **feeds})
        feeds = dict(zip(feeds, after, strict=True))
        found.append(logits)
    return np.concatenate(found, axis=1)


@pytest.mark.parametrize("kind", DECODERS)
def test_a_decoder_read_token_by_token_in_any_batch_gives_the_runs_log_probabilities(kind: str, tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", *kind.split())
    export(run, "onnx", tmp_path / "out")
    session, model = opened(tmp_path / "out"), run.model()

    for rows, length, cuts in ((1, 1, []), (4, 23, [1, 2, 9]), (2, 40, [39])):
        ids = ids_of(run, rows, length)
        wanted = model.log_probs(ids)[0].numpy()
        logits = torch.from_numpy(read_in_parts(session, ids, cuts))
        assert float(logits.std()) > 0.1
        np.testing.assert_allclose(logits.log_softmax(-1).numpy(), wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "knobs", [{"model__n_kv_heads": "2"}, {"model__n_kv_heads": "1"}, {"model__softmax": "adaptive"}]
)
def test_shared_heads_and_an_adaptive_softmax_leave_too(knobs: dict[str, str], tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", "transformer", "modern", **knobs)
    export(run, "onnx", tmp_path / "out")
    ids = ids_of(run, 3, 12)
    logits = torch.from_numpy(read_in_parts(opened(tmp_path / "out"), ids, [5]))

    np.testing.assert_allclose(logits.log_softmax(-1).numpy(), run.model().log_probs(ids)[0].numpy(), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("arch", "pooling"),
    [
        *((arch, pooling) for arch in ARCHITECTURES for pooling in ("attention", "max", "mean")),
        ("transformer", "first"),
    ],
)
def test_a_classifier_gives_the_runs_probabilities_with_padding(arch: str, pooling: str, tmp_path: Path) -> None:
    from textmill.tasks.classifying import classifier_of

    run = made_run(tmp_path / "run", arch, task="classify", model__pooling=pooling)
    export(run, "onnx", tmp_path / "out")
    texts = ["the mill", "水车转动，磨坊在河边。", "", "the wheel of the mill turned"]
    wanted = classifier_of(run).log_probs(texts)
    session = opened(tmp_path / "out")
    rows = [[run.tokenizer.mark, *run.tokenizer.encode(text)] for text in texts]
    length = max(map(len, rows))
    ids = np.array([row + [0] * (length - len(row)) for row in rows])
    real = np.array([[place < len(row) for place in range(length)] for row in rows])

    [logits] = session.run(None, {"ids": ids, "real": real})

    assert session.get_modelmeta().custom_metadata_map["classes"] == '["bad", "好"]'
    assert np.ptp(wanted[:, 0]) > 0.001
    np.testing.assert_allclose(torch.from_numpy(logits).log_softmax(-1).numpy(), wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", ["gru", "transformer bert"])
def test_hidden_words_are_scored_as_in_the_run(kind: str, tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", *kind.split(), task="mask")
    export(run, "onnx", tmp_path / "out")
    model, ids = run.model(), ids_of(run, 2, 9)
    hidden = torch.zeros_like(ids, dtype=torch.bool)
    hidden[:, [2, 5]] = True
    wanted = model.heads["mask"].logits(model(ids, masked=hidden), model.embedding.weight)

    feeds = {"ids": ids.numpy(), "real": np.ones((2, 9), dtype=bool), "hidden": hidden.numpy()}
    [logits] = opened(tmp_path / "out").run(None, feeds)

    np.testing.assert_allclose(logits, wanted.numpy(), atol=1e-4, rtol=0)


def test_a_row_beyond_the_context_is_an_error_and_no_number(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", "transformer", "gpt2")
    export(run, "onnx", tmp_path / "out")
    session = opened(tmp_path / "out")
    ids = ids_of(run, 1, 41)
    read_in_parts(session, ids[:, :40], [39])

    for cuts in ([], [40], [39]):
        with pytest.raises(Exception, match="out of data bounds"):
            read_in_parts(session, ids, cuts)


def program_of(folder: Path) -> str:
    """The program that the card shows."""
    [found] = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.S)
    return str(found)


def run_alone(folder: Path) -> str:
    """What a card's program prints, where importing textmill or torch is an error."""
    guard = "import sys\nsys.modules['textmill'] = sys.modules['torch'] = None\n"
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", "-c", guard + program_of(folder)],
        cwd=folder,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def greedy(run: Run, prompt: str, n: int) -> str:
    model, ids = run.model(), [run.tokenizer.mark, *run.tokenizer.encode(prompt)]
    for _ in range(n):
        best = int(model.log_probs(torch.tensor([ids]))[0][0, -1].argmax())
        if best == run.tokenizer.mark:
            break
        ids.append(best)
    return run.tokenizer.decode(ids)


def test_the_program_of_the_card_writes_on_without_textmill_and_without_torch(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", "lstm")
    export(run, "onnx", tmp_path / "out")

    assert run_alone(tmp_path / "out") == greedy(run, "Once", 40) + "\n"


def test_the_program_of_the_card_classifies(tmp_path: Path) -> None:
    from textmill.tasks.classifying import classifier_of

    run = made_run(tmp_path / "run", "gru", task="classify")
    export(run, "onnx", tmp_path / "out")

    found = eval(run_alone(tmp_path / "out"))
    [wanted] = np.exp(classifier_of(run).log_probs(["A fine film."]))
    assert [*found] == CLASSES
    assert [*found.values()] == pytest.approx(wanted, abs=1e-5)


def test_a_graph_that_gives_other_numbers_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run(tmp_path / "run", "gru")

    def spoilt(model: Any) -> Any:
        [graph] = graphs_of(model)
        graph.constants["cells.1.R"] = graph.constants["cells.1.R"] * np.float32(1.01)
        return [graph]

    graphs_of = onnx_folder.graphs_of
    monkeypatch.setattr(onnx_folder, "graphs_of", spoilt)
    with pytest.raises(RunError, match=r"other numbers than the run.*nothing was written"):
        export(run, "onnx", tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()


def test_weights_that_protobuf_cannot_hold_lie_beside_the_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_graph.Graph.save, "__defaults__", (1000,))
    run = made_run(tmp_path / "run", "gru", model__d_model="64")
    found = export(run, "onnx", tmp_path / "out")

    assert found.files["model.onnx.data"] > 64 * 64 * 4
    assert found.files["model.onnx"] < found.files["model.onnx.data"]


def test_what_has_no_graph_is_refused_with_what_can_be_chosen(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", "gru", tokens__kind="word")
    run.config = run.config.model_copy(update={"tokens": run.config.tokens.model_copy(update={"segmenter": "jieba"})})
    with pytest.raises(ConfigError, match="jieba") as caught:
        export(run, "onnx", tmp_path / "out")
    assert "--tokens.segmenter characters" in str(caught.value)
    assert not (tmp_path / "out").exists()
