"""What every architecture promises that finds an answer in a passage, in every dialect. float64, one thread.

Right values are laws: a row has one answer, however it is batched, padded or ordered. What the head makes of hidden
vectors stands in tests/models/test_span_head.py.
"""

from __future__ import annotations

import copy
import json

import pytest
import torch
from kinds import DECODERS, PAD, VOCABULARY, close, config_of, random_ids
from torch import Tensor

from textmill.errors import Damaged, InputError
from textmill.models import Network, build_model
from textmill.models.encoder import Encoder
from textmill.models.matches import CONTEXT, FIRST_MATCH, N_FACTS, NO_ANSWER, QUESTION
from textmill.tables import ENCODERS

KINDS = [f"encoder:{kind}" for kind in DECODERS if kind.partition("/")[0] in ENCODERS]
LENGTHS = [(3, 6), (1, 1), (5, 2), (2, 9)]  # tokens of the question, of the context
every_kind = pytest.mark.parametrize("kind", KINDS)


def built(kind, seed=1, **knobs) -> Encoder:
    return build_model(config_of(kind, **knobs), VOCABULARY, "encoder", {"span": {"longest": 4}}, seed=seed)


def fresh_model(kind, **knobs) -> Encoder:
    """float64, and every weight moved off its first value."""
    torch.set_num_threads(1)
    model = built(kind, **knobs).double().eval()
    generator = torch.Generator().manual_seed(101)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.empty_like(parameter).normal_(std=0.3, generator=generator)
    return model


def rows_of(*lengths: tuple[int, int]) -> list[tuple[Tensor, Tensor]]:
    """(ids (T,), facts (T, F)); none holds id 0."""
    found = []
    for number, (n_asked, n) in enumerate(lengths):
        ids = 1 + random_ids(1, n_asked + n + 2, seed=60 + number)[0] % (VOCABULARY - 1)
        facts = torch.zeros(len(ids), N_FACTS, dtype=torch.float64)
        facts[0, NO_ANSWER] = 1
        facts[1 : n_asked + 1, QUESTION] = 1
        facts[n_asked + 2 :, CONTEXT] = 1
        generator = torch.Generator().manual_seed(number)
        facts[n_asked + 2 :, FIRST_MATCH:] = torch.rand(n, N_FACTS - FIRST_MATCH, generator=generator).double()
        found.append((ids, facts))
    return found


def padded(rows, side="right", fill=0) -> tuple[Tensor, Tensor, Tensor]:
    """(ids, segments, facts), two places wider than the longest."""
    width = max(len(ids) for ids, _ in rows) + 2
    ids, segments = torch.full((len(rows), width), fill), torch.full((len(rows), width), PAD)
    facts = torch.zeros(len(rows), width, N_FACTS, dtype=torch.float64)
    for row, (own, known) in enumerate(rows):
        start = {"right": 0, "left": width - len(own), "both": (width - len(own)) // 2}[side]
        ids[row, start : start + len(own)], facts[row, start : start + len(own)] = own, known
        segments[row, start : start + len(own)] = 0
    return ids, segments, facts


def scored(model, ids, segments, facts) -> Tensor:
    """ln P (W, T, 2)."""
    with torch.no_grad():
        return model.heads["span"](model(ids, segments, facts=facts), facts).log_softmax(dim=1)


@every_kind
def test_a_row_is_answered_alone_as_in_any_batch_in_any_order_padded_on_either_side(kind):
    model, rows = fresh_model(kind), rows_of(*LENGTHS)
    alone = [scored(model, ids[None], None, facts[None])[0] for ids, facts in rows]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2], [1, 3], [2]):
        for side in ("right", "left", "both"):
            ids, segments, facts = padded([rows[number] for number in order], side)
            found = scored(model, ids, segments, facts)
            assert torch.equal(scored(model, torch.where(segments == PAD, 9, ids), segments, facts), found)
            for place, number in enumerate(order):
                real = segments[place] >= 0
                close(found[place, real].exp(), alone[number].exp())
                assert not found[place, ~real].exp().any(), "no answer lies in padding"


@every_kind
@pytest.mark.parametrize("side", ["right", "left"])
def test_an_embedding_of_1000_at_the_padding_id_changes_no_answer(kind, side):
    model, (ids, segments, facts) = copy.deepcopy(fresh_model(kind)), padded(rows_of(*LENGTHS), side)
    before = scored(model, ids, segments, facts)
    with torch.no_grad():
        model.embedding.weight[0] = 1000.0
    assert torch.equal(scored(model, ids, segments, facts), before)


@every_kind
def test_every_token_and_every_fact_of_a_row_matters_to_it_and_to_no_other(kind):
    model, rows = fresh_model(kind), rows_of((3, 5), (3, 5), (3, 5))
    ids, facts = torch.stack([own for own, _ in rows]), torch.stack([known for _, known in rows])
    before = scored(model, ids, None, facts)
    for place in range(10):
        other, known = ids.clone(), facts.clone()
        other[1, place] = (other[1, place] + 1) % VOCABULARY
        known[1, place, FIRST_MATCH] += 0.5
        for after in (scored(model, other, None, facts), scored(model, ids, None, known)):
            assert (after[1] - before[1]).nan_to_num().abs().max() > 1e-7
            close(after[[0, 2]].exp(), before[[0, 2]].exp())


@every_kind
def test_gradients_of_a_padded_batch_are_the_sum_of_those_alone_and_reach_every_weight(kind):
    model, rows = fresh_model(kind), rows_of(*LENGTHS)

    def gradients(batches):
        model.zero_grad()
        for ids, segments, facts in batches:
            scores = model.heads["span"](model(ids, segments, facts=facts), facts).log_softmax(dim=1)
            wanted = (facts[..., CONTEXT] > 0).double().argmax(dim=1)  # the first place of the context
            (-scores[torch.arange(len(ids)), wanted]).sum().backward()
        return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}

    together = gradients([padded(rows, "left")])
    alone = gradients([(ids[None], None, facts[None]) for ids, facts in rows])
    for name, gradient in together.items():
        close(gradient, alone[name])
        if "key.bias" not in name:  # softmax does not feel what is added to every score
            assert gradient.abs().max() > 1e-7, f"no gradient reaches {name}"


@every_kind
def test_rows_without_question_context_or_facts_are_refused_by_name(kind):
    model, (ids, facts) = fresh_model(kind), rows_of((2, 3))[0]
    for column, complaint in ((QUESTION, "no question"), (CONTEXT, "no context"), (NO_ANSWER, "no place")):
        other = facts.clone()
        other[:, column] = 0
        with pytest.raises(InputError, match=f"row 0 has {complaint}"):
            model(ids[None], facts=other[None])
    with pytest.raises(InputError, match="facts have shape None"):
        model(ids[None])
    with pytest.raises(InputError, match="facts have shape"):
        model(ids[None], facts=facts[None, :-1])


@every_kind
def test_a_saved_reader_comes_back_bit_by_bit(kind, tmp_path):
    model, (ids, segments, facts) = built(kind, seed=4).eval(), padded(rows_of(*LENGTHS))
    model.save(tmp_path)
    assert json.loads((tmp_path / "model.json").read_text("utf-8"))["heads"] == {"span": {"longest": 4}}
    back = Network.load(tmp_path).eval()
    assert torch.equal(scored(back, ids, segments, facts.float()), scored(model, ids, segments, facts.float()))
    whole = json.loads((tmp_path / "model.json").read_text("utf-8"))
    for told, complaint in (({"longest": 0}, "longest answer has 0"), ({}, "longest"), ({"long": 3}, "long")):
        (tmp_path / "model.json").write_text(json.dumps({**whole, "heads": {"span": told}}), "utf-8")
        with pytest.raises(Damaged, match=complaint):
            Network.load(tmp_path)


@every_kind
def test_first_weights_depend_on_seed_and_name_alone_and_lean_nowhere(kind):
    model, again, other = built(kind, seed=4), built(kind, seed=4), built(kind, seed=5)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, dict(again.named_parameters())[name])
    assert not torch.equal(model.heads["span"].facts, other.heads["span"].facts)
    size = model.embedding.weight.std() / model.heads["span"].facts.std()
    assert 0.7 < size < 1.4, "what is added to the embedding is of its size"
    found = scored(model.eval(), *padded(rows_of((3, 8))))[0, :, 0]
    assert found[found.isfinite()].exp().max() < 0.5, "a new model leans to no place"


@every_kind
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_dropout_acts_in_training_alone_and_layers_that_are_made_again_give_the_same(kind, dropout):
    ids, segments, facts = padded(rows_of(*LENGTHS), "left")

    def learned(again):
        model = fresh_model(kind, dropout=dropout, n_layers=3).train()
        if again:
            model.recompute_layers()
        torch.manual_seed(11)
        scores = model.heads["span"](model(ids, segments, facts=facts), facts).log_softmax(dim=1)
        loss = -scores[facts[..., CONTEXT] > 0].sum()
        loss.backward()
        return loss.detach(), [parameter.grad for parameter in model.parameters()]

    (loss, gradients), (same, others) = learned(False), learned(True)
    assert torch.equal(loss, same)
    for one, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(other, one, atol=1e-10, rtol=0)
    plain, dropping = fresh_model(kind), fresh_model(kind, dropout=0.3)
    assert torch.equal(scored(dropping, ids, segments, facts), scored(plain, ids, segments, facts))


@every_kind
def test_bfloat16_answers_as_float32_but_for_rounding_under_autocast_and_throughout(kind):
    model, half = built(kind), built(kind).bfloat16()
    ids, segments, facts = padded(rows_of(*LENGTHS))
    facts = facts.float()
    scores = model.heads["span"](model(ids, segments, facts=facts), facts)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model.heads["span"](model(ids, segments, facts=facts), facts)
    halved = half.heads["span"](half(ids, segments, facts=facts), facts)
    real = scores.isfinite()
    (mixed[real].sum() + halved[real].sum()).backward()
    for other in (mixed, halved):
        assert other.dtype == torch.float32
        torch.testing.assert_close(other[real], scores[real], atol=0.02, rtol=0)
