"""What a model that reads a source owes to it, in every architecture and dialect. float64, one thread.

That it is a language model once it has begun stands in test_model_laws.py.
"""

from __future__ import annotations

import pytest
import torch
from kinds import LONGEST, PAD, VOCABULARY, WITH_SOURCE, close, config_of, form_of, random_ids, scores, tiny_model

from textmill.errors import ConfigError, ContextFull, InputError
from textmill.models import LanguageModel, build_model
from textmill.models.encoder_decoder import EncoderDecoder

KINDS = [*WITH_SOURCE, "encoder-decoder:gru additive"]
every_kind = pytest.mark.parametrize("kind", KINDS)


def model_of(kind: str) -> EncoderDecoder:
    kind, _, attention = kind.partition(" ")
    model = tiny_model(kind, **({"source_attention": attention} if attention else {}))
    assert isinstance(model, EncoderDecoder)
    return model


def begin(model, source, segments=None):
    with torch.no_grad():
        return model.begin(source, segments if segments is None else torch.tensor(segments))


@every_kind
def test_a_source_changes_every_place_of_its_own_target_and_of_no_other(kind):
    model, sources, ids = model_of(kind), random_ids(3, 7), random_ids(3, 6, seed=4)
    before, _ = scores(model, ids, state=begin(model, sources))
    for changed in (0, 3, 6):  # whichever token it is: a source is read whole
        other = sources.clone()
        other[1, changed] = (other[1, changed] + 1) % VOCABULARY
        after, _ = scores(model, ids, state=begin(model, other))
        difference = (after - before).abs().amax(dim=2)
        assert (difference[1] > 1e-9).all()
        assert difference[[0, 2]].max() < 1e-12


@every_kind
def test_sources_of_unequal_length_padded_on_either_side_are_read_as_alone(kind):
    model, ids, lengths = model_of(kind), random_ids(4, 5, seed=4), [1, 7, 3, 5]
    sources, target_segments = random_ids(4, 7), torch.tensor([[0] * 5, [0] * 2 + [PAD] * 3, [PAD] + [0] * 4, [0] * 5])
    for starts in ([0] * 4, [6, 0, 4, 2], [3, 0, 1, 1]):
        segments = torch.full((4, 7), PAD)
        for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
            segments[row, start : start + length] = row + 2
        state = begin(model, sources, segments.tolist())
        together, after = scores(model, ids, target_segments, state)
        changed = torch.where(segments == PAD, (sources + 1) % VOCABULARY, sources)
        again, _ = scores(model, ids, target_segments, begin(model, changed, segments.tolist()))
        real = target_segments >= 0
        assert torch.equal(together[real], again[real])
        going_on, _ = scores(model, ids, state=after)
        for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
            own = real[row]
            alone = begin(model, sources[row : row + 1, start : start + length])
            expected, alone_after = scores(model, ids[row : row + 1, own], state=alone)
            close(together[row, own], expected[0])
            close(going_on[row], scores(model, ids[row : row + 1], state=alone_after)[0][0])


@every_kind
def test_a_target_written_token_by_token_is_scored_as_in_one_call(kind):
    model, sources, ids = model_of(kind), random_ids(3, 7), random_ids(3, 9, seed=4)
    state = begin(model, sources, [[0] * 7, [PAD] * 3 + [0] * 4, [0] * 2 + [PAD] * 5])
    whole, _ = scores(model, ids, state=state)
    parts = []
    for place in range(9):
        part, state = scores(model, ids[:, place : place + 1], state=state)
        state = state.reserve(4)
        parts.append(part)
    close(torch.cat(parts, dim=1), whole)


@every_kind
def test_rows_of_a_beginning_can_be_chosen_and_it_comes_back_from_its_tensors(kind):
    model, sources, ids = model_of(kind), random_ids(3, 6), random_ids(4, 5, seed=4)
    rows = torch.tensor([2, 0, 0, 1])
    state = begin(model, sources, [[0] * 6, [PAD] * 2 + [0] * 4, [0] * 3 + [PAD] * 3])
    expected, _ = scores(
        model, ids, state=begin(model, sources[rows], [[0] * 3 + [PAD] * 3, *[[0] * 6] * 2, [PAD] * 2 + [0] * 4])
    )
    chosen = state.select(rows)
    close(scores(model, ids, state=chosen)[0], expected)
    assert chosen.n_seen.tolist() == [0] * 4 and chosen.segment.tolist() == [PAD] * 4
    back = model.backbone.from_tensors(chosen.tensors())
    assert torch.equal(scores(model, ids, state=back)[0], scores(model, ids, state=chosen)[0])
    with pytest.raises(InputError, match="values"):
        model.backbone.from_tensors({name: tensor for name, tensor in chosen.tensors().items() if "values" not in name})
    with pytest.raises(InputError, match="the state holds 4 rows, the ids 3"):
        scores(model, ids[:3], state=chosen)


@every_kind
def test_what_a_place_looks_at_in_its_source_sums_to_one_and_no_padding_is_seen(kind):
    model, sources, ids = model_of(kind), random_ids(2, 6), random_ids(2, 5, seed=4)
    segments = [[0] * 6, [PAD, 0, 0, 0, PAD, PAD]]
    state = begin(model, sources, segments)
    seen = model.attention_to_source(ids, state=state)
    close(seen.sum(dim=2), torch.ones(2, 5, dtype=torch.float64))
    assert (seen[1, :, [0, 4, 5]] == 0).all() and (seen[0] > 0).all()
    _, after = scores(model, ids[:, :3], state=state)
    close(model.attention_to_source(ids[:, 3:], state=after), seen[:, 3:])


@every_kind
def test_gradients_reach_every_weight_and_are_the_sum_of_those_alone(kind):
    kind, _, attention = kind.partition(" ")
    model = tiny_model.__wrapped__(kind, **({"source_attention": attention} if attention else {}))
    sources, ids, targets = random_ids(2, 5), random_ids(2, 6, seed=4), random_ids(2, 6, seed=5)
    segments = torch.tensor([[0] * 5, [0] * 3 + [PAD] * 2])

    def gradients(*batches):
        model.zero_grad()
        for source, source_segments, *target in batches:
            model.nll(*target, None, model.begin(source, source_segments))[0].sum().backward()
        return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}

    together = gradients((sources, segments, ids, targets))
    alone = gradients((sources[:1], None, ids[:1], targets[:1]), (sources[1:, :3], None, ids[1:], targets[1:]))
    for name, gradient in together.items():
        close(gradient, alone[name])
        if "key.bias" not in name:
            assert gradient.abs().max() > 1e-7, f"no gradient reaches {name}"


@every_kind
def test_sources_that_make_no_sense_are_refused(kind):
    model, sources = model_of(kind), random_ids(2, 4)
    for arguments, complaint in (
        ((sources, [[0] * 4, [PAD] * 4]), "row 1 of the sources holds 0 documents"),
        ((sources, [[0, 0, 1, 1], [0] * 4]), "row 0 of the sources holds 2 documents"),
        ((sources, [[0, 0]]), "segments have shape"),
        ((sources + VOCABULARY,), "vocabulary"),
        ((torch.zeros(2, 0, dtype=torch.long),), "one token or more"),
    ):
        with pytest.raises(InputError, match=complaint):
            begin(model, *arguments)
    if model.max_context is not None:
        with pytest.raises(ContextFull, match=f"{LONGEST + 1} .* {LONGEST}"):
            begin(model, random_ids(1, LONGEST + 1))


@pytest.mark.parametrize("kind", WITH_SOURCE)
def test_without_a_source_nothing_is_said(kind):
    model = build_model(config_of(kind), VOCABULARY, form_of(kind))
    with pytest.raises(InputError, match="reads a source before it writes"):
        model.log_probs(random_ids(1, 3))


@pytest.mark.parametrize("kind", WITH_SOURCE)
def test_sources_may_have_a_vocabulary_of_their_own_which_is_saved(kind, tmp_path):
    model = build_model(config_of(kind), VOCABULARY, form_of(kind), source_vocab_size=7).eval()
    sources, ids = random_ids(2, 5) % 7, random_ids(2, 4)
    with pytest.raises(InputError, match="0 to 6"):
        model.begin(sources + 3)
    model.save(tmp_path)
    back = LanguageModel.load(tmp_path).eval()
    assert back.source_embedding.weight.shape == (7, 16)
    for one, other in zip(model.state_dict().values(), back.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(
        scores(back, ids, state=begin(back, sources))[0], scores(model, ids, state=begin(model, sources))[0]
    )
    with pytest.raises(ConfigError, match="reads no sources"):
        build_model(config_of(kind), VOCABULARY, source_vocab_size=7)


def test_an_odd_width_cannot_be_read_from_both_ends():
    with pytest.raises(ConfigError, match=r"model\.d_model is 15"):
        build_model(config_of("encoder-decoder:gru", d_model=15), VOCABULARY, "encoder-decoder")


def test_additive_scores_in_chunks_are_those_at_once_gradients_too(monkeypatch):
    model = tiny_model.__wrapped__("encoder-decoder:gru", source_attention="additive")
    sources, ids = random_ids(2, 5), random_ids(2, 6, seed=4)

    def nats_and_gradients():
        model.zero_grad()
        nats, _ = model.nll(ids, ids.roll(1), None, model.begin(sources))
        nats.sum().backward()
        return [nats, *(parameter.grad.clone() for parameter in model.parameters())]

    at_once = nats_and_gradients()
    monkeypatch.setattr("textmill.models.recurrent_source.COMPARED_AT_ONCE", 2 * 5 * 16 * 2)
    for chunked, whole in zip(nats_and_gradients(), at_once, strict=True):
        close(chunked, whole)
