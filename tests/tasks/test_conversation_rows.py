"""Conversations in rows and in measurements: answers count, each once, whole conversations stand alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from told import Told

from textmill.config import PRESETS, Config, TransformerConfig
from textmill.config.layers import Loaded, load_config
from textmill.errors import InputError, Interrupted
from textmill.evaluation import evaluate
from textmill.metrics.loss import LossSum
from textmill.models import IGNORED, build_model
from textmill.runs import Run
from textmill.tasks.lm import LanguageModelling, encoded_turns, spans_of
from textmill.tasks.measuring import score_documents
from textmill.text import Document
from textmill.text.conversations import Turn, laid_out
from textmill.text.documents import ANSWERED
from textmill.tokens import StoreWriter, Tokenizer
from textmill.tokens.answer_rows import AnswerRows, counted_in
from textmill.training import train

BYTES = Tokenizer.train("bytes", [], None, 0)


def document(*said: str, source: str = "c:1") -> Document:
    """Turns of user and assistant in turns."""
    text, spans = laid_out([Turn(("user", "assistant")[n % 2], one) for n, one in enumerate(said)])  # type: ignore[arg-type]
    return Document(text, source, {ANSWERED: spans})


def test_the_end_of_an_answer_is_never_cut_off() -> None:
    """The label behind it ends one in the middle, the mark the last one; of a question that nobody answered nothing
    counts."""
    text = document("Hi", "Ho", "Hm", "吃了", "So?").text
    ids, spans = encoded_turns(document("Hi", "Ho", "Hm", "吃了", "So?"), BYTES)
    assert BYTES.decode(ids.tolist()) == text
    assert [BYTES.decode(ids[a:b].tolist()) for a, b in spans] == [" Ho\nUser:", " 吃了\nUser:"]
    ids, spans = encoded_turns(document("Hi", "Ho"), BYTES)
    assert spans == [(len(ids) - 3, len(ids) + 1)]
    assert counted_in(len(ids), spans).tolist() == [False] * (len(ids) - 3) + [True] * 4


@pytest.mark.parametrize("kind", ["word", "bpe", "unigram", "char"])
def test_ids_of_a_conversation_begin_as_those_of_the_prompt_of_its_chat(kind: str) -> None:
    texts = [
        document("Where is the goose?", f"It is {n}, by the lake.", "鹅在哪里？", "在湖边。").text for n in range(60)
    ]
    tokenizer = Tokenizer.train(kind, texts, 300 if kind in ("bpe", "unigram") else None, 0)  # type: ignore[arg-type]
    one = document("Where is the goose?", "By the lake.", "鹅在哪里？", "在湖边。")
    ids, spans = encoded_turns(one, tokenizer)
    assert tokenizer.decode(ids.tolist()) == one.text
    for (start, _), (first, _) in zip(one.meta[ANSWERED], spans, strict=True):
        assert ids[:first].tolist() == tokenizer.encode(one.text[:start])


@given(
    st.lists(
        st.tuples(st.integers(1, 25), st.lists(st.integers(0, 25), min_size=2, max_size=4)), min_size=1, max_size=9
    ),
    st.integers(2, 16),
    st.sampled_from([True, False]),
    st.sampled_from([256, None]),
)
@settings(deadline=None, max_examples=150)
def test_each_target_that_counts_stands_in_one_row_once(
    tmp_path_factory: pytest.TempPathFactory,
    documents: list[tuple[int, list[int]]],
    seq_len: int,
    pack: bool,
    begin: int | None,
) -> None:
    spans, wanted = [], []
    folder = tmp_path_factory.mktemp("rows") / "store"
    with StoreWriter(folder, 257) as writer:
        number = 0
        for n_tokens, cuts in documents:
            ids = [(number + place) % 256 for place in range(n_tokens)]
            number += n_tokens
            start, stop = sorted(min(cut, n_tokens) for cut in cuts[:2])
            spans.append([(start, stop + 1)])  # up to the mark, at most
            writer.add(ids, n_tokens, n_tokens, "a:1")
            full = [*ids, 256]
            wanted += [
                (full[place - 1] if place else begin, full[place])
                for place in range(start, stop + 1)
                if place or begin is not None
            ]
        store = writer.close()
    rows = AnswerRows(store, spans, seq_len, 256, begin, pack)
    assert rows.n_targets == len(wanted)
    found = []
    for row in range(len(rows)):
        ids, targets, segments = (part[0] for part in rows.batch([row]))
        assert len(ids) <= seq_len
        counts = targets != IGNORED
        assert counts.any() and (segments[counts] >= 0).all()
        found += list(zip(ids[counts].tolist(), targets[counts].tolist(), strict=True))
        if not pack:
            assert len(set(segments.tolist())) == 1
    assert sorted(found) == sorted(wanted)


def tiny(**more: Any) -> Any:
    config = TransformerConfig(
        **PRESETS["transformer"]["llama"]
        | {"preset": "llama", "n_layers": 1, "d_model": 16, "n_heads": 2, "seq_len": 64}
    )
    torch.set_num_threads(1)
    return build_model(config, BYTES.vocab_size, seed=3).double().eval().requires_grad_(False)


def test_a_row_of_several_conversations_costs_what_each_costs_alone(tmp_path: Path) -> None:
    documents = [document("Hi", "Ho"), document("a", "bc"), document("鹅", "湖", "x", "y")]
    task = LanguageModelling()
    store = task.encode(documents, BYTES, tmp_path / "store")
    config = Config(model={"arch": "transformer", "seq_len": 120})
    model = tiny()
    model.backbone.config = model.config = model.config.model_copy(update={"seq_len": 120})
    model.max_context = 120
    rows = task.rows(store, BYTES, config)
    assert len(rows) == 1
    batch = task.collate(rows, [0])
    total, _ = task.loss(model, batch)
    alone = LossSum()
    for one in documents:
        ids, spans = encoded_turns(one, BYTES)
        inputs = torch.tensor([[BYTES.mark, *ids.tolist()]])
        targets = torch.tensor([[*ids.tolist(), BYTES.mark]])
        nats, _ = model.nll(inputs, targets)
        own = nats[0][torch.from_numpy(counted_in(len(ids), spans))]
        alone += LossSum(own.sum(), len(own))
    assert batch.n_targets == alone.count
    assert batch.n_read == sum(len(one.text.encode()) + 1 for one in documents)
    assert float(total.total) == pytest.approx(float(alone.total), abs=1e-8)
    # And measured, document by document, it is the same.
    scores = task.measure(model, task.examples(store, BYTES), BYTES, config)
    assert sum(score.nats for score in scores) == pytest.approx(float(alone.total), abs=1e-6)
    assert [score.n_tokens for score in scores] == [4, 4, 10 + 3]
    assert [score.n_bytes for score in scores] == [3, 3, 10 + 2]
    assert [score.n_chars for score in scores] == [3, 3, 8 + 2]
    named = score_documents(model, task.documents(documents, BYTES), BYTES.mark)
    assert [score.nats for score in named] == pytest.approx([score.nats for score in scores])


def test_what_is_asked_has_no_gradient_of_its_own(tmp_path: Path) -> None:
    """Another question with the same answer before an untaught model: only where it is asked changes the loss, never
    that it is to be told."""
    task = LanguageModelling()
    store = task.encode([document("zzzz", "b")], BYTES, tmp_path / "store")
    batch = task.collate(task.rows(store, BYTES, Config(model={"seq_len": 64})), [0])
    counted = batch.targets[batch.targets != IGNORED].tolist()
    assert counted == [*b" b", BYTES.mark]


def test_texts_and_conversations_are_not_mixed(tmp_path: Path) -> None:
    for number, mixed in enumerate(
        [[document("a", "b"), Document("c", "x:2")], [Document("c", "x:2"), document("a", "b")]]
    ):
        with pytest.raises(InputError, match="conversations and plain texts are mixed"):
            LanguageModelling().encode(mixed, BYTES, tmp_path / str(number))
        assert not (tmp_path / str(number)).exists()


# --- runs


def said(folder: Path, name: str, arch: str, **more: Any) -> Loaded:
    records = [
        {
            "messages": [
                {"role": "user", "content": f"{i % 7}加{i % 5}？"},
                {"role": "assistant", "content": f"是{i % 7 + i % 5}。"},
            ]
        }
        for i in range(80)
    ]
    path = folder / "chat.jsonl"
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")
    shape = {"model.n_heads": 2} if arch == "transformer" else {}
    flags = {
        "data.paths": (str(path),),
        "data.valid_share": 0.2,
        "data.test_share": 0.2,
        "tokens.kind": "bytes",
        "model.arch": arch,
        "model.n_layers": 1,
        "model.d_model": 16,
        "model.seq_len": 32,
        "train.steps": 6,
        "train.batch": 2,
        "train.sample_tokens": 0,
        "eval.resamples": 100,
        "machine.threads": 1,
        "machine.device": "cpu",
        "run.dir": str(folder / "runs"),
        "run.name": name,
    }
    return load_config(flags | shape | more)


def last_files(run: Run) -> dict[str, torch.Tensor]:
    return {
        f"{path.name}/{name}": tensor
        for path in max(run.checkpoints.iterdir()).glob("*.safetensors")
        for name, tensor in safetensors.torch.load_file(path).items()
    }


@pytest.mark.parametrize("arch", ["transformer", "lstm"])
def test_a_run_on_conversations_goes_on_to_the_same_bits_and_measures_answers(
    arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(said(tmp_path, "whole", arch), with_report=False)
    told = Told(stop=3)
    with pytest.raises(Interrupted):
        train(said(tmp_path, "parts", arch), listener=told, with_report=False)
    parts = train(said(tmp_path, "parts", arch), with_report=False)
    one, other = last_files(whole), last_files(parts)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert whole.info["data"]["conversations"] is True
    windowed = [line for line in told.lines if "are longer than model.seq_len (32 tokens)" in line]
    assert windowed and "windows" in windowed[0]

    evaluation = evaluate(whole)
    store = whole.prepared().test
    assert store is not None
    spans = spans_of(store) or []
    n_answers = sum(stop - start for own in spans for start, stop in own)
    assert evaluation.metrics["n_tokens"] == n_answers < store.n_tokens / 2
    assert evaluation.metrics["n_bytes"] == n_answers - store.n_documents
    table = {name: scores["loss"] for name, scores in evaluation.baselines.items()}
    assert table["uniform"] == pytest.approx(np.log(257))
    assert table["ngram"] < table["uniform"]
    assert evaluation.baselines["ngram"]["n_tokens"] == n_answers
    # Over bytes, whose tokens the bytes are here, the floor is the same.
    assert evaluation.baselines["ngram_bytes"]["bpb"] == pytest.approx(evaluation.baselines["ngram"]["bpb"])
