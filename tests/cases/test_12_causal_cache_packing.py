"""Case 12: no look ahead, no look across. Causal order, cache, packed documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter

from textmill.config import PRESETS, ModelConfig
from textmill.models import IGNORED, Layout, build_model
from textmill.tables import ARCHITECTURES
from textmill.tokens import PackedRows, StoreWriter, Tokenizer

HERE = Path(__file__).parent / "12-causal-cache-packing"
TEXTS = [json.loads(line)["text"] for line in (HERE / "docs.jsonl").read_text("utf-8").splitlines()]
EXPECTED = json.loads((HERE / "expected.json").read_text("utf-8"))
KINDS = [(arch, preset) for arch in ARCHITECTURES for preset in PRESETS.get(arch) or [None]]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train("bytes", [], None, 0)


@pytest.fixture(params=KINDS, ids=lambda kind: "-".join(filter(None, kind)))
def model(request, tokenizer):
    torch.set_num_threads(1)
    arch, preset = request.param
    dialect = {**PRESETS[arch][preset], "preset": preset} if preset else {}
    config = TypeAdapter(ModelConfig).validate_python(
        {"arch": arch, **dialect, "n_layers": 2, "d_model": 32, "seq_len": 128, "dropout": 0.0}
    )
    model = build_model(config, tokenizer.vocab_size, seed=1).double().eval()
    with torch.no_grad():  # away from the first values, where projections of zero hide what they multiply
        for number, parameter in enumerate(model.parameters()):
            parameter += 0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)).double()
    return model


@pytest.fixture(scope="module")
def documents(tokenizer):
    """Ids of each document with its end mark, (1, length)."""
    return [torch.tensor([[*tokenizer.encode(text), tokenizer.mark]]) for text in TEXTS]


def together(documents):
    """One row: (ids, segments), each (1, T)."""
    numbers = [torch.full_like(document, number) for number, document in enumerate(documents)]
    return torch.cat(documents, dim=1), torch.cat(numbers, dim=1)


@torch.no_grad()
def scored(model, ids, *arguments):
    return model.log_probs(ids, *arguments)[0]


def test_a_changed_last_byte_leaves_all_earlier_scores_unchanged(model, documents):
    whole = documents[0]
    changed = whole.clone()
    changed[0, -1] = ord("!")
    before, after = scored(model, whole), scored(model, changed)
    assert (before[:, :-1] - after[:, :-1]).abs().max() == 0
    assert (before[:, -1] - after[:, -1]).abs().max() > 0


@pytest.mark.parametrize("piece", [1, 2, 3])
def test_whole_and_in_pieces_agree(model, documents, piece):
    ids, state, parts = documents[0], None, []
    with torch.no_grad():
        for start in range(0, ids.shape[1], piece):
            part, state = model.log_probs(ids[:, start : start + piece], state=state)
            parts.append(part)
    torch.testing.assert_close(torch.cat(parts, dim=1), scored(model, ids), atol=1e-8, rtol=0)


def test_packed_with_isolation_equals_alone_and_without_it_does_not(model, documents):
    ids, segments = together(documents)
    apart, across = scored(model, ids, segments), scored(model, ids)
    start = 0
    for number, document in enumerate(documents):
        stop = start + document.shape[1]
        alone = scored(model, document)
        torch.testing.assert_close(apart[:, start:stop], alone, atol=1e-8, rtol=0)
        if number:
            assert (across[:, start:stop] - alone).abs().max() > 1e-4
        start = stop


def test_positions_and_allowed_pairs_are_those_counted_by_hand(documents):
    ids, segments = together(documents)
    assert [document.shape[1] for document in documents] == EXPECTED["tokens_with_end_mark"]
    apart, across = Layout(1, ids.shape[1], segments), Layout(1, ids.shape[1])
    assert apart.positions[0].tolist() == EXPECTED["positions"]
    assert int(apart.visible.sum()) == EXPECTED["allowed_query_key_pairs_apart"]
    assert int(across.visible.sum()) == EXPECTED["allowed_pairs_if_not_apart"]


def test_12_targets_count_with_isolation_and_14_without(tokenizer, tmp_path):
    with_mark = [[*tokenizer.encode(text)] for text in TEXTS]
    writer = StoreWriter(tmp_path, tokenizer.vocab_size)
    for number, (ids, text) in enumerate(zip(with_mark, TEXTS, strict=True)):
        writer.add(ids, len(text.encode()), len(text), f"docs.jsonl#{number}")
    store = writer.close()
    counted = {}
    for isolate in (True, False):
        rows = PackedRows(store, 64, tokenizer.mark, begin_mark=False, isolate=isolate)
        counted[isolate] = sum(int((rows.row(number)[1] != IGNORED).sum()) for number in range(len(rows)))
    assert counted[True] == EXPECTED["targets_inside_documents"]
    assert counted[False] == EXPECTED["targets_if_boundaries_are_predicted_too"]


def test_20_copies_of_one_document_in_a_row_have_the_same_loss(model, documents):
    """If copies 2 to 20 came out better, they would have seen copy 1."""
    copies, length = 20, documents[0].shape[1]
    ids, segments = together([documents[0]] * copies)
    targets = ids.roll(-1, dims=1)
    targets[:, length - 1 :: length] = IGNORED
    with torch.no_grad():
        nats, _ = model.nll(ids, targets, segments)
        losses = nats.view(copies, length).sum(dim=1)
        alone = model.nll(documents[0], targets[:, :length])[0].sum()
    torch.testing.assert_close(losses, alone.expand(copies), atol=1e-8, rtol=0)
