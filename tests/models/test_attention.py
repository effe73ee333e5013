"""softmax(QKᵀ/√E)V: explicit = scaled_dot_product_attention; rotary positions; the key-value cache."""

from __future__ import annotations

import math

import pytest
import torch

from textmill.config import TransformerConfig
from textmill.models import Layout
from textmill.models.attention import Rotation, attend, explicit_attention, rms_normed, turned
from textmill.models.state import LayerCache, TransformerState
from textmill.models.transformer import ReluSquared

PAD = -1


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def past_of(n_places, documents=None, batch=2):
    """A state that holds n_places; its keys and values do not matter here."""
    cache = LayerCache(torch.zeros(batch, 1, n_places, 4), torch.zeros(batch, 1, n_places, 4))
    seen = torch.full((batch,), n_places)
    return TransformerState((cache,), seen, torch.zeros(batch, dtype=torch.long), documents)


LAYOUTS = {
    "whole": Layout(2, 6),
    "right padding": Layout(2, 6, torch.tensor([[0] * 6, [0] * 4 + [PAD] * 2])),
    "left padding": Layout(2, 6, torch.tensor([[0] * 6, [PAD] * 2 + [0] * 4])),
    "documents": Layout(2, 6, torch.tensor([[0] * 2 + [1] * 4, [0] * 3 + [1, 2, 2]])),
    "one token after a past": Layout(2, 1, None, past_of(5)),
    "several tokens after a past": Layout(2, 6, None, past_of(5)),
    "after a padded past": Layout(2, 6, None, past_of(3, torch.tensor([[PAD, 0, 0], [0, 0, 0]]))),
    "documents after a past": Layout(2, 6, torch.tensor([[0] * 2 + [1] * 4, [9] * 6]), past_of(5)),
}


@pytest.mark.parametrize("case", LAYOUTS)
@pytest.mark.parametrize("n_kv_heads", [4, 2, 1])
def test_explicit_attention_equals_scaled_dot_product_attention(case, n_kv_heads):
    torch.set_num_threads(1)
    layout = LAYOUTS[case]
    n_keys = layout.n_past + layout.n_tokens
    q = random(2, 4, layout.n_tokens, 8)
    k, v = random(2, n_kv_heads, n_keys, 8, seed=1), random(2, n_kv_heads, n_keys, 8, seed=2)
    mixed, weights = explicit_attention(q, k, v, layout)
    real = layout.real[:, None, :, None]  # at padding it does not matter what is mixed
    torch.testing.assert_close(attend(q, k, v, layout) * real, mixed * real, atol=1e-12, rtol=0)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 4, layout.n_tokens).double())
    assert (weights[(~layout.visible).expand_as(weights)] == 0).all()


def test_explicit_attention_on_paper():
    """Two places, E = 1. Place 1 sees scores ln 3 and 0: weights 3/4 and 1/4 of the values 8 and 4, so 7."""
    q = torch.tensor([[[[5.0], [1.0]]]])
    k = torch.tensor([[[[math.log(3)], [0.0]]]])
    v = torch.tensor([[[[8.0], [4.0]]]])
    mixed, weights = explicit_attention(q, k, v, Layout(1, 2))
    torch.testing.assert_close(weights[0, 0], torch.tensor([[1.0, 0.0], [0.75, 0.25]]))
    torch.testing.assert_close(mixed[0, 0], torch.tensor([[8.0], [7.0]]))


def test_the_mask_of_packed_documents_on_paper():
    """Row: padding, a document of 2, a document of 1, padding. Padding sees padding alone, nothing else sees it."""
    layout = Layout(1, 5, torch.tensor([[PAD, 4, 4, 6, PAD]]))
    seen = [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 0], [1, 0, 0, 0, 1]]
    assert torch.equal(layout.visible[0, 0], torch.tensor(seen, dtype=torch.bool))
    assert layout.positions.tolist() == [[0, 0, 1, 0, 0]]
    assert layout.n_seen.tolist() == [1]
    assert layout.segment.tolist() == [6]


def test_rotated_scores_depend_on_the_distance_alone():
    rotation = Rotation(TransformerConfig(d_model=8, n_heads=1, rope_theta=100.0))
    q, k = random(8), random(8, seed=1)
    turn = rotation.at(Layout(1, 12), q)
    rotated_q = turned(q.expand(1, 12, 1, 8), turn)[0, :, 0]
    rotated_k = turned(k.expand(1, 12, 1, 8), turn)[0, :, 0]
    scores = rotated_q @ rotated_k.T
    for distance in range(12):
        along = torch.diagonal(scores, -distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), atol=1e-12, rtol=0)
    assert (scores[:, 0] - scores[0, 0]).abs().max() > 0.1


def test_rotation_on_paper():
    """E = 2: one pair, turned by the position itself; (1, 0) at position p becomes (cos p, sin p)."""
    turn = Rotation(TransformerConfig(d_model=2, n_heads=1, rope_theta=7.0)).at(Layout(1, 3), torch.zeros(1))
    x = torch.tensor([1.0, 0.0]).expand(1, 3, 1, 2)
    expected = torch.tensor([[math.cos(p), math.sin(p)] for p in range(3)])
    torch.testing.assert_close(turned(x, turn)[0, :, 0], expected)


def test_rms_norm_and_relu_squared_are_torchs_own():
    x = random(5, 7).requires_grad_()
    ours, theirs = rms_normed(x, 1e-6), torch.nn.functional.rms_norm(x, (7,), eps=1e-6)
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
    weight = random(5, 7, seed=1)
    gradients = [torch.autograd.grad((y * weight).sum(), x)[0] for y in (ours, theirs)]
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=0)
    assert torch.autograd.gradcheck(ReluSquared.apply, x)
    assert torch.autograd.gradgradcheck(ReluSquared.apply, x)
    torch.testing.assert_close(ReluSquared.apply(x), torch.relu(x) ** 2, atol=0, rtol=0)


def test_a_cache_with_room_grows_in_place_and_one_without_is_copied():
    cache = LayerCache(random(1, 1, 3, 2), random(1, 1, 3, 2))
    more = random(1, 1, 2, 2, seed=4)
    with torch.no_grad():
        roomy = cache.with_room_for(4)
        longer = roomy.extended_by(more, more)
        assert longer.keys.data_ptr() == roomy.keys.data_ptr()
        elsewhere = roomy.extended_by(2 * more, more)  # the places are taken: a copy
        assert elsewhere.keys.data_ptr() != roomy.keys.data_ptr()
        assert torch.equal(longer.keys, torch.cat([cache.keys, more], dim=2))
        assert torch.equal(elsewhere.keys, torch.cat([cache.keys, 2 * more], dim=2))
        full = longer.extended_by(more, more)
        assert full.keys.data_ptr() == roomy.keys.data_ptr()
        beyond = full.extended_by(more, more)  # no room is left: still the right values
        assert torch.equal(beyond.keys, torch.cat([cache.keys, more, more, more], dim=2))
    assert roomy.extended_by(more, more).keys.data_ptr() != roomy.keys.data_ptr()  # gradients may need the old values


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("n_keys", [16, 600])
def test_halves_of_precision_attend_as_float32_but_for_rounding(dtype, n_keys):
    q, k, v = (random(1, 2, n_keys, 8, seed=seed, dtype=torch.float32) for seed in range(3))
    exact = attend(q, k, v, Layout(1, n_keys))
    rounded = attend(q.to(dtype), k.to(dtype), v.to(dtype), Layout(1, n_keys))
    assert rounded.dtype == dtype
    torch.testing.assert_close(rounded.float(), exact, atol=0.03, rtol=0)
