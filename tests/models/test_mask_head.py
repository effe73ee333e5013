"""The head that guesses hidden words: its reference, and what it does not see."""

from __future__ import annotations

import pytest
import torch

from textmill.config import PRESETS, RecurrentConfig, TransformerConfig
from textmill.models import IGNORED, build_model
from textmill.models.mask_head import MaskHead

V, D, H, F, L, T = 41, 16, 4, 48, 2, 24
LAYERS = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.out": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feed_forward.up": "intermediate.dense",
    "feed_forward.down": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
HEAD = {
    "turn": "cls.predictions.transform.dense.weight",
    "turn_bias": "cls.predictions.transform.dense.bias",
    "norm_weight": "cls.predictions.transform.LayerNorm.weight",
    "norm_bias": "cls.predictions.transform.LayerNorm.bias",
    "bias": "cls.predictions.bias",
}


def test_it_equals_transformers_bert_for_masked_words() -> None:
    transformers = pytest.importorskip("transformers", reason="the reference is transformers' BertForMaskedLM")
    sizes = {"d_model": D, "n_heads": H, "d_ff": F, "n_layers": L, "seq_len": T}
    config = TransformerConfig(preset="bert", **{**PRESETS["transformer"]["bert"], **sizes})
    model = build_model(config, V, "encoder", {"mask": {"vocab_size": V}}, seed=5).eval()
    torch.manual_seed(6)
    reference = transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=V, hidden_size=D, num_hidden_layers=L, num_attention_heads=H, intermediate_size=F,
            max_position_embeddings=T, pad_token_id=V - 1,
        )
    ).eval()  # fmt: skip
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.normal_(std=0.25)
    theirs, ours = dict(reference.named_parameters()), dict(model.named_parameters())
    types = theirs.pop("bert.embeddings.token_type_embeddings.weight")
    names = {"embedding.weight": "bert.embeddings.word_embeddings.weight"}
    names |= {f"heads.mask.{own}": foreign for own, foreign in HEAD.items()}
    for kind in ("weight", "bias"):
        names[f"backbone.embed_norm.{kind}"] = f"bert.embeddings.LayerNorm.{kind}"
        for part, foreign in LAYERS.items():
            names |= {
                f"backbone.blocks.{n}.{part}.{kind}": f"bert.encoder.layer.{n}.{foreign}.{kind}" for n in range(L)
            }
    with torch.no_grad():
        places = theirs.pop("bert.embeddings.position_embeddings.weight")
        ours.pop("backbone.learned.weight").copy_(places + types[0])
        for name, foreign in names.items():
            ours.pop(name).copy_(theirs.pop(foreign))
        ours.pop("heads.mask.stand_in").copy_(model.embedding.weight[7])  # their [MASK]
    assert not ours, f"not copied: {list(ours)}"
    assert not theirs, f"not filled: {list(theirs)}"

    ids = torch.randint(0, V, (3, T), generator=torch.Generator().manual_seed(1))
    masked = torch.rand(3, T, generator=torch.Generator().manual_seed(2)) < 0.3
    with torch.no_grad():
        expected = reference(input_ids=torch.where(masked, 7, ids)).logits
        found = model.heads["mask"].logits(model(ids, None, masked=masked), model.embedding.weight)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("arch", ["rnn", "lstm", "gru", "transformer"])
def test_what_is_hidden_changes_nothing_and_what_is_not_does(arch: str) -> None:
    config = (
        TransformerConfig(d_model=16, n_heads=4, n_layers=2, seq_len=12, init="normal")
        if arch == "transformer"
        else RecurrentConfig(arch=arch, d_model=16, n_layers=2, seq_len=12)
    )
    model = build_model(config, V, "encoder", {"mask": {"vocab_size": V}}, seed=2).double().eval()
    ids = torch.randint(0, V, (1, 9), generator=torch.Generator().manual_seed(3))
    other = ids.clone()
    other[0, 4] = (ids[0, 4] + 1) % V
    masked = torch.zeros(1, 9, dtype=torch.bool)
    masked[0, 4] = True
    with torch.no_grad():
        assert torch.equal(model(ids, None, masked=masked), model(other, None, masked=masked))
        seen = (model(ids) - model(other)).abs().amax(dim=2)
        assert (seen > 1e-12).all()
        moved = (model(ids, None, masked=masked) - model(ids)).abs().amax(dim=2)
        assert (moved > 1e-12).all(), "that it is hidden is seen from every place"


@pytest.mark.parametrize("tied", [False, True])
def test_costs_and_guesses_are_those_of_the_scores(tied: bool) -> None:
    config = RecurrentConfig(arch="gru", d_model=8, tied=tied, logit_cap=5.0)
    head = MaskHead(config, V).double()
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_()
    assert (head.weight is None) == tied
    table, hidden = torch.randn(V, 8).double(), torch.randn(2, 5, 8).double()
    targets = torch.tensor([[3, IGNORED, IGNORED, 40, 0], [IGNORED, IGNORED, 12, IGNORED, IGNORED]])
    scores = head.logits(hidden, table)
    assert scores.abs().max() <= 5.0
    asked = targets != IGNORED
    expected = torch.nn.functional.cross_entropy(scores[asked], targets[asked], reduction="none")
    torch.testing.assert_close(head.nll(hidden, targets, table), expected)
    nats, likeliest = head.told(hidden, targets, table)
    torch.testing.assert_close(nats, expected)
    assert torch.equal(likeliest, scores[asked].argmax(dim=-1))
