"""What every architecture in the table, in every dialect, promises. One suite: standing in the table is enough.

Right values are laws: a text has one answer, however it is cut, batched, padded or packed. float64, one thread.
"""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import (
    KINDS,
    LONGEST,
    PAD,
    SUFFIX,
    VOCABULARY,
    arch_of,
    begun,
    built,
    close,
    config_of,
    fresh_model,
    random_ids,
    scores,
    tiny_model,
)

from textmill.errors import ContextFull, Damaged, InputError
from textmill.models import IGNORED, LanguageModel, Layout, NextToken
from textmill.tables import ARCHITECTURES

every_kind = pytest.mark.parametrize("kind", KINDS)
some_examples = settings(max_examples=15, deadline=None, derandomize=True)


def test_every_architecture_of_the_table_stands_in_these_laws():
    assert {arch_of(kind) for kind in KINDS} == set(ARCHITECTURES)


# --- one text, cut anywhere


@every_kind
def test_a_prefix_is_scored_as_in_the_whole(kind):
    model, ids = tiny_model(kind), random_ids(2, 12)
    whole, _ = scores(model, ids)
    for length in range(1, 12):
        prefix, _ = scores(model, ids[:, :length])
        close(prefix, whole[:, :length])


@every_kind
@some_examples
@given(cuts=st.sets(st.integers(1, 15)), reserved=st.integers(0, 20))
def test_a_text_read_in_chunks_is_scored_as_at_once(kind, cuts, reserved):
    model, ids = tiny_model(kind), random_ids(2, 16)
    whole, _ = scores(model, ids)
    state, parts = None, []
    for start, stop in itertools.pairwise([0, *sorted(cuts), 16]):
        part, state = scores(model, ids[:, start:stop], state=state)
        if start == 0:
            state = state.reserve(reserved)
        parts.append(part)
    close(torch.cat(parts, dim=1), whole)
    assert state.n_seen.tolist() == [16, 16]


@every_kind
def test_several_tokens_after_a_filled_cache_see_each_other_and_all_before(kind):
    model, ids = tiny_model(kind), random_ids(3, 20)
    whole, _ = scores(model, ids)
    _, state = scores(model, ids[:, :11])
    rest, _ = scores(model, ids[:, 11:], state=state)
    close(rest, whole[:, 11:])


@every_kind
def test_the_future_does_not_matter_at_all(kind):
    model, ids = tiny_model(kind), random_ids(2, 14)
    _, state = scores(model, random_ids(2, 5, seed=8))
    segments = torch.tensor([[PAD] * 2 + [0] * 12, [0] * 6 + [1] * 6 + [PAD] * 2])
    for arguments in ({}, {"state": state}, {"segments": segments}, {"segments": segments, "state": state}):
        before, _ = scores(model, ids, **arguments)
        for first_changed in (13, 7, 1):
            changed = ids.clone()
            changed[:, first_changed:] = (changed[:, first_changed:] + 1) % VOCABULARY
            after, _ = scores(model, changed, **arguments)
            assert (before[:, :first_changed] - after[:, :first_changed]).abs().max() == 0
            assert (before[:, first_changed] - after[:, first_changed]).abs().max() > 0


# --- rows of a batch


@every_kind
def test_a_text_is_scored_alone_as_in_any_batch_in_any_place(kind):
    model, ids = tiny_model(kind), random_ids(5, 10)
    alone = torch.cat([scores(model, row[None])[0] for row in ids])
    for rows in ([0, 1], [3, 0, 4, 1, 2], [2, 2, 1, 0, 4]):
        together, _ = scores(model, ids[rows])
        close(together, alone[rows])


LENGTHS = st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any)


@every_kind
@some_examples
@given(lengths=LENGTHS, left=st.lists(st.integers(0, 9), min_size=5, max_size=5))
def test_padding_on_either_side_changes_nothing(kind, lengths, left):
    model = tiny_model(kind)
    width = max(lengths)
    ids, segments = random_ids(len(lengths), width), torch.full((len(lengths), width), PAD)
    starts = [min(pad, width - length) for pad, length in zip(left, lengths, strict=False)]
    for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        segments[row, start : start + length] = 0

    padded, state = scores(model, ids, segments)
    assert padded.isfinite().all()
    assert state.n_seen.tolist() == lengths
    assert state.segment.tolist() == [0 if length else PAD for length in lengths]
    other, _ = scores(model, torch.where(segments == PAD, (ids + 1) % VOCABULARY, ids), segments)
    following = random_ids(len(lengths), 4, seed=9)
    going_on, later = scores(model, following, state=state)
    assert later.n_seen.tolist() == [length + 4 for length in lengths]
    for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        text = ids[row : row + 1, start : start + length]
        alone, _ = scores(model, torch.cat([text, following[row : row + 1]], dim=1))
        close(padded[row, start : start + length], alone[0, :length])
        assert torch.equal(padded[row, start : start + length], other[row, start : start + length])
        close(going_on[row], alone[0, length:])  # after the padding, each row goes on in its own text


@every_kind
def test_a_row_of_padding_alone_gives_no_nan_not_even_in_gradients(kind):
    model, ids = fresh_model(kind), random_ids(3, 6)
    segments = torch.tensor([[0] * 6, [PAD] * 6, [PAD] * 4 + [0] * 2])
    targets = torch.where(segments == PAD, IGNORED, ids)
    for rows in ([0, 1, 2], [1], [0, 1]):  # in the middle, alone, and beside right padding only
        model.zero_grad()
        nats, state = model.nll(ids[rows], targets[rows], segments[rows])
        nats.sum().backward()
        assert nats.isfinite().all()
        assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None)
        assert state.n_seen.tolist() == [[6, 0, 2][row] for row in rows]
    _, state = scores(model, ids[1:2], segments[1:2])
    first, _ = scores(model, ids[:1], state=state)
    close(first, scores(model, ids[:1])[0])  # it simply begins there


# --- documents of a row


DOCUMENTS = st.lists(st.integers(1, 6), min_size=1, max_size=5)


def packed(lengths, n_left, n_right):
    """Numbers of the documents of one row: neither from 0 nor without gaps, as in a store."""
    numbers = [7 + 3 * number for number, length in enumerate(lengths) for _ in range(length)]
    return torch.tensor([[PAD] * n_left + numbers + [PAD] * n_right])


@every_kind
@some_examples
@given(lengths=DOCUMENTS, n_left=st.integers(0, 3), n_right=st.integers(0, 3), cuts=st.sets(st.integers(1, 30)))
def test_packed_documents_are_scored_as_alone_even_where_a_chunk_ends_inside_one(kind, lengths, n_left, n_right, cuts):
    model = tiny_model(kind)
    segments = packed(lengths, n_left, n_right)
    length = segments.shape[1]
    ids = random_ids(1, length, seed=length)
    whole, _ = scores(model, ids, segments)

    state, parts = None, []
    for start, stop in itertools.pairwise([0, *sorted(cut for cut in cuts if cut < length), length]):
        part, state = scores(model, ids[:, start:stop], segments[:, start:stop], state)
        parts.append(part)
    in_chunks = torch.cat(parts, dim=1)

    start = n_left
    for size in lengths:
        alone, _ = scores(model, ids[:, start : start + size])
        close(whole[:, start : start + size], alone)
        close(in_chunks[:, start : start + size], alone)
        start += size
    assert state.n_seen.tolist() == [lengths[-1]]
    assert state.segment.tolist() == [7 + 3 * (len(lengths) - 1)]


@every_kind
def test_a_number_that_comes_back_after_another_is_a_new_document(kind):
    model, ids = tiny_model(kind), random_ids(1, 9)
    scored, _ = scores(model, ids, [[0, 0, 0, 1, 1, 0, 0, 0, 0]])
    alone, _ = scores(model, ids[:, 5:])
    close(scored[:, 5:], alone)


@every_kind
def test_a_state_is_left_behind_where_another_document_begins(kind):
    model, ids = tiny_model(kind), random_ids(3, 8)
    _, state = scores(model, ids[:, :4], [[5] * 4] * 3)
    segments = torch.tensor([[5] * 4, [6] * 4, [PAD, 5, 6, 6]])
    scored, after = scores(model, ids[:, 4:], segments, state)
    goes_on, _ = scores(model, ids[:1])
    anew, _ = scores(model, ids[1:2, 4:])
    goes_on_after_padding, _ = scores(model, torch.cat([ids[2:, :4], ids[2:, 5:6]], dim=1))
    then_anew, _ = scores(model, ids[2:, 6:])
    close(scored[0], goes_on[0, 4:])
    close(scored[1], anew[0])
    close(scored[2, 1], goes_on_after_padding[0, 4])
    close(scored[2, 2:], then_anew[0])
    assert after.n_seen.tolist() == [8, 4, 2]
    assert after.segment.tolist() == [5, 6, 6]


@every_kind
def test_gradients_of_a_packed_and_padded_batch_are_the_sum_of_those_alone(kind):
    model, ids = fresh_model(kind), random_ids(2, 9)
    segments = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1, PAD], [PAD, PAD, 0, 0, 0, 0, 2, 2, 2]])
    targets = torch.where(segments == PAD, IGNORED, random_ids(2, 9, seed=5))

    def gradients(*parts):
        model.zero_grad()
        for part in parts:
            model.nll(*part)[0].sum().backward()
        return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}

    together = gradients((ids, targets, segments))
    alone = gradients(
        *(
            (ids[row : row + 1, a:b], targets[row : row + 1, a:b])
            for row, a, b in ((0, 0, 3), (0, 3, 8), (1, 2, 6), (1, 6, 9))
        )
    )
    for name, gradient in together.items():
        close(gradient, alone[name])
        if "key.bias" not in name:  # softmax does not feel what is added to every score
            assert gradient.abs().max() > 1e-6, f"no gradient reaches {name}"


@every_kind
def test_padding_to_the_right_of_one_document_keeps_the_fast_path(kind):
    ids = random_ids(3, 5)
    _, state = scores(tiny_model(kind), ids)
    fast = torch.tensor([[0, 0, 0, PAD, PAD], [4, 4, 4, 4, 4], [PAD] * 5])
    assert Layout(3, 5, fast).mask is None
    assert Layout(3, 5).mask is None
    for slow in ([PAD, 0, 0, 0, 0], [0, 0, 1, 1, 1], [0, PAD, 0, 0, 0]):
        assert Layout(1, 5, torch.tensor([slow])).mask is not None
    assert not Layout(3, 2, None, state).is_causal


# --- the state is a value


@every_kind
def test_a_state_used_twice_gives_one_answer(kind):
    model, ids = tiny_model(kind), random_ids(2, 6)
    for room in (0, 3, 50):
        _, state = scores(model, ids)
        state = state.reserve(room)
        kept = {name: tensor.clone() for name, tensor in state.tensors().items()}
        first, after_first = scores(model, ids[:, :3], state=state)
        second, after_second = scores(model, ids[:, 3:], state=state)  # goes on elsewhere from the same past
        again, _ = scores(model, ids[:, :3], state=state)
        assert torch.equal(first, again)
        for name, tensor in state.tensors().items():
            assert torch.equal(tensor, kept[name])
        on_from_first, _ = scores(model, ids, state=after_first)
        on_from_second, _ = scores(model, ids, state=after_second)
        whole, _ = scores(model, torch.cat([ids, ids[:, :3], ids], dim=1))
        elsewhere, _ = scores(model, torch.cat([ids, ids[:, 3:], ids], dim=1))
        close(first, whole[:, 6:9])
        close(second, elsewhere[:, 6:9])
        close(on_from_first, whole[:, 9:])
        close(on_from_second, elsewhere[:, 9:])


@every_kind
def test_rows_of_a_state_can_be_chosen_repeated_and_dropped(kind):
    model, ids, following = tiny_model(kind), random_ids(3, 6), random_ids(4, 3, seed=5)
    rows = torch.tensor([2, 0, 0, 1])
    segments = torch.tensor([[0] * 6, [PAD] * 2 + [0] * 4, [0] * 3 + [1] * 3])
    for given_segments in (None, segments):
        _, state = scores(model, ids, given_segments)
        for reserved in (state, state.reserve(8)):
            chosen = reserved.select(rows)
            scored, _ = scores(model, following, state=chosen)
            assert chosen.n_seen.tolist() == state.n_seen[rows].tolist()
            for place, row in enumerate(rows.tolist()):
                _, alone = scores(
                    model, ids[row : row + 1], None if given_segments is None else segments[row : row + 1]
                )
                expected, _ = scores(model, following[place : place + 1], state=alone)
                close(scored[place], expected[0])


@every_kind
def test_a_state_comes_back_from_its_tensors_and_no_other_names_are_taken(kind):
    model, ids = tiny_model(kind), random_ids(2, 6)
    for segments in (None, [[0] * 6, [PAD, PAD, 0, 0, 1, 1]]):
        _, state = scores(model, ids, segments)
        tensors = state.tensors()
        assert {"n_seen", "segment"} < set(tensors)
        back = model.backbone.from_tensors({name: tensor.clone() for name, tensor in tensors.items()})
        assert torch.equal(scores(model, ids, state=back)[0], scores(model, ids, state=state)[0])
        with pytest.raises(InputError, match="surprise"):
            model.backbone.from_tensors({**tensors, "surprise": ids})
        name = next(name for name in tensors if name not in ("n_seen", "segment", "documents"))
        with pytest.raises(InputError, match=name):
            model.backbone.from_tensors({other: tensors[other] for other in tensors if other != name})


@every_kind
def test_a_detached_state_has_the_same_values_and_no_history(kind):
    model, ids = fresh_model(kind), random_ids(2, 6)
    _, state = model(ids)
    detached = state.detach()
    assert any(tensor.requires_grad for tensor in state.tensors().values())
    assert not any(tensor.requires_grad for tensor in detached.tensors().values())
    for name, tensor in state.tensors().items():
        assert torch.equal(tensor, detached.tensors()[name])
    model.nll(ids, ids, state=detached)[0].sum().backward()
    alone = model.embedding.weight.grad.clone()
    model.zero_grad()
    model.nll(ids, ids, state=model(ids)[1])[0].sum().backward()  # through the state: the past gets its share
    assert (model.embedding.weight.grad - alone).abs().max() > 1e-6


# --- first weights, files


@every_kind
def test_first_weights_depend_on_seed_and_name_alone(kind):
    config = config_of(kind)
    model, again = built(kind, config, seed=4), None
    torch.manual_seed(99)
    before = torch.get_rng_state()
    again = built(kind, config, seed=4)
    assert torch.equal(torch.get_rng_state(), before), "building a model may not disturb the global generator"
    other_seed = built(kind, config, seed=5)
    deeper = built(kind, config_of(kind, n_layers=3, init="normal") if "/" in kind else config, seed=4)
    differing = 0
    for name, parameter in model.named_parameters():
        assert parameter.dtype == torch.float32
        assert torch.equal(parameter, dict(again.named_parameters())[name])
        differing += not torch.equal(parameter, dict(other_seed.named_parameters())[name])
        if name in ("embedding.weight", "backbone.blocks.1.attention.query.bias"):
            assert torch.equal(parameter, dict(deeper.named_parameters())[name])
    assert differing >= 3
    alike: dict[tuple, list] = {}  # of one rule and one shape, and yet drawn apart: the name counts
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2 and parameter.std() > 0:
            alike.setdefault((name.split(".")[-1].rstrip("01"), parameter.shape), []).append(parameter)
    assert any(len(group) > 1 for group in alike.values())
    for group in alike.values():
        assert not any(torch.equal(*pair) for pair in itertools.combinations(group, 2))
    # In any order: one parameter drawn alone is what it was among the others.
    for module in reversed(list(again.modules())):
        module._parameters = dict(reversed(module._parameters.items()))
    again.initialise(4)
    for name, parameter in again.named_parameters():
        assert torch.equal(parameter, dict(model.named_parameters())[name])


@every_kind
def test_the_same_seed_gives_the_same_bits(kind):
    ids = random_ids(4, 12)
    results = []
    for _ in range(2):
        model = built(kind, config_of(kind, dropout=0.2), seed=4).train()
        torch.manual_seed(11)
        nats, _ = model.nll(ids, ids.roll(-1, dims=1))
        nats.sum().backward()
        results.append([nats, *(parameter.grad for parameter in model.parameters())])
    assert all(torch.equal(first, second) for first, second in zip(*results, strict=True))


@every_kind
def test_dropout_acts_in_training_alone(kind):
    ids = random_ids(2, 12)
    model, plain = fresh_model(kind, dropout=0.3), fresh_model(kind)
    assert torch.equal(scores(model, ids)[0], scores(plain, ids)[0])
    model.train()
    first, second = scores(model, ids)[0], scores(model, ids)[0]
    assert (first - second).abs().max() > 0.01


@every_kind
def test_a_saved_model_comes_back_bit_by_bit(kind, tmp_path):
    model = built(kind, config_of(kind, tied=not kind.endswith(SUFFIX)), seed=4).eval()
    model.save(tmp_path)
    back = begun(LanguageModel.load(tmp_path)).eval()
    assert back.config == model.config
    assert back.state_dict().keys() == model.state_dict().keys()
    for name, tensor in back.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name])
    ids = random_ids(2, 9)
    assert torch.equal(scores(back, ids)[0], scores(model, ids)[0])


@every_kind
def test_tensors_that_are_not_the_models_are_named(kind, tmp_path):
    from safetensors.torch import load_file, save_file

    model = built(kind)
    model.save(tmp_path)
    path = tmp_path / "model.safetensors"
    whole = load_file(path)
    name = next(name for name in whole if name.startswith("backbone."))
    for wrong, complaint in (
        ({other: tensor for other, tensor in whole.items() if other != name}, f"{name} is missing"),
        ({**whole, "stranger": torch.zeros(2)}, "stranger is not a tensor of this model"),
        ({**whole, name: torch.zeros(3, 5)}, rf"{name} has shape \(3, 5\), the model"),
    ):
        save_file(wrong, path)
        with pytest.raises(Damaged, match=complaint):
            LanguageModel.load(tmp_path)


# --- scores


@every_kind
def test_a_model_stands_behind_next_token_and_its_probabilities_sum_to_one(kind):
    model, ids = tiny_model(kind), random_ids(2, 7)
    assert isinstance(model, NextToken)
    scored, _ = scores(model, ids)
    close(scored.exp().sum(dim=-1), torch.ones(2, 7, dtype=torch.float64))
    targets = random_ids(2, 7, seed=6)
    targets[0, 2] = IGNORED
    with torch.no_grad():
        nats, _ = model.nll(ids, targets)
    expected = -scored.gather(2, targets.clamp(min=0)[:, :, None])[:, :, 0]
    close(nats, torch.where(targets == IGNORED, 0.0, expected))
    assert nats[0, 2] == 0


@every_kind
def test_nats_in_chunks_are_those_at_once_gradients_too(kind, monkeypatch):
    model, ids = fresh_model(kind), random_ids(2, 7)

    def nats_and_gradients():
        model.zero_grad()
        nats, _ = model.nll(ids, ids.roll(1))
        nats.sum().backward()
        return [nats, *(parameter.grad.clone() for parameter in model.parameters())]

    at_once = nats_and_gradients()
    monkeypatch.setattr("textmill.models.softmax.SCORES_AT_ONCE", 0)
    monkeypatch.setattr("textmill.models.softmax.SCORES_OF_A_CHUNK", 3 * VOCABULARY)
    monkeypatch.setattr("textmill.models.softmax.ROWS_OF_A_CHUNK", 1)
    for chunked, whole in zip(nats_and_gradients(), at_once, strict=True):
        close(chunked, whole)


@every_kind
def test_a_text_beyond_the_context_is_refused_with_both_numbers_or_read(kind):
    model = tiny_model(kind)
    within, beyond = random_ids(1, LONGEST), random_ids(1, LONGEST + 1)
    _, state = scores(model, within)
    # Padding and other documents take no place in the context.
    assert scores(model, beyond, [[0] * 40 + [1] * 25])[0].isfinite().all()
    assert scores(model, beyond, [[PAD] * 40 + [1] * 25])[0].isfinite().all()
    if model.max_context is None:
        assert scores(model, beyond)[0].isfinite().all()
        return
    assert model.max_context == LONGEST
    for arguments in ({"ids": beyond}, {"ids": beyond, "segments": [[3] * 65]}, {"ids": within[:, :1], "state": state}):
        with pytest.raises(ContextFull, match=r"65 .* 64"):
            scores(model, **arguments)


@every_kind
def test_ids_and_shapes_that_make_no_sense_are_refused(kind):
    model = tiny_model(kind)
    _, state = scores(model, random_ids(2, 3))
    for arguments, complaint in (
        ({"ids": torch.tensor([[1, VOCABULARY]])}, "vocabulary"),
        ({"ids": torch.tensor([[-1, 1]])}, "vocabulary"),
        ({"ids": torch.zeros(2, 0, dtype=torch.long)}, "one token or more"),
        ({"ids": torch.tensor([1, 2])}, "one token or more"),
        ({"ids": random_ids(2, 3), "segments": [[0, 0]]}, "segments have shape"),
        ({"ids": random_ids(3, 3), "state": state}, "the state holds 2 rows, the ids 3"),
    ):
        with pytest.raises(InputError, match=complaint):
            scores(model, **arguments)


@every_kind
def test_bfloat16_scores_as_float32_but_for_rounding_under_autocast_and_throughout(kind):
    """First weights, so that a rounding is not blown up; with documents, padding and a state."""
    model, half = built(kind), built(kind).bfloat16()
    ids, targets = random_ids(3, 8), random_ids(3, 8, seed=4)
    segments = torch.tensor([[0] * 8, [PAD] * 2 + [0] * 3 + [1] * 3, [PAD] * 8])
    states = [None, None, None]
    for given_segments in (None, segments, None):
        nats, states[0] = model.nll(ids, targets, given_segments, states[0])
        with torch.autocast("cpu", torch.bfloat16):
            mixed, states[1] = model.nll(ids, targets, given_segments, states[1])
        halved, states[2] = half.nll(ids, targets, given_segments, states[2])
        (mixed.sum() + halved.sum()).backward()
        states = [state.detach() for state in states]
        real = torch.ones(3, 8) if given_segments is None else segments >= 0
        for other in (mixed, halved):
            assert other.dtype == torch.float32
            torch.testing.assert_close(other * real, nats * real, atol=0.06, rtol=0)
