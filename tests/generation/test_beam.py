"""Greedy and beam search against the enumeration of every target, alone and in batches. float64, one thread."""

from __future__ import annotations

import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import settings as repeated
from hypothesis import strategies as st
from tiny_translators import MARK, SOURCES, all_targets, every_arch, model_of, total_of

from textmill.errors import ConfigError, ContextFull, InputError
from textmill.generation import beam as module
from textmill.generation.beam import BeamSettings, Hypothesis, likeliest, search


@every_arch
@pytest.mark.parametrize("length_power", [0.0, 0.6, 1.0])
def test_a_beam_that_holds_everything_finds_what_enumeration_finds(arch, length_power):
    model, longest = model_of(arch), 4
    settings = BeamSettings(beams=400, length_power=length_power, max_new_tokens=longest, n_best=12)
    for source, best in zip(SOURCES, search(model, SOURCES, MARK, settings), strict=True):
        totals = {ids: total_of(model, source, ids) for ids in all_targets(longest)}
        expected = sorted(totals, key=lambda ids: -totals[ids] / len(ids) ** length_power)[:12]
        assert [(*one.ids, MARK) for one in best] == expected
        for one, ids in zip(best, expected, strict=True):
            assert one.ended
            assert one.total_logprob == pytest.approx(totals[ids], abs=1e-9)
            assert one.score == pytest.approx(totals[ids] / len(ids) ** length_power, abs=1e-9)


@every_arch
def test_one_beam_takes_the_likeliest_token_each_time(arch):
    model = model_of(arch)
    for source, [one] in zip(
        SOURCES, search(model, SOURCES, MARK, BeamSettings(beams=1, max_new_tokens=9)), strict=True
    ):
        ids: list[int] = []
        with torch.no_grad():
            while len(ids) < 9 and (not ids or ids[-1] != MARK):
                scored, _ = model.log_probs(torch.tensor([[MARK, *ids]]), None, model.begin(torch.tensor([source])))
                ids.append(int(scored[0, -1].argmax()))
        assert one.ended == (ids[-1] == MARK)
        assert list(one.ids) == (ids[:-1] if one.ended else ids)


@every_arch
@pytest.mark.parametrize("beams", [1, 3])
def test_a_source_has_the_same_targets_alone_and_in_any_batch(arch, beams):
    model = model_of(arch, vocabulary=30)
    sources = [[7 * i % 29, *range(i % 5)] for i in range(9)]
    settings = BeamSettings(beams=beams, max_new_tokens=8, n_best=beams)
    alone = [best for source in sources for best in search(model, [source], MARK, settings)]
    for batch in (1, 4, 9):
        for best, expected in zip(search(model, sources, MARK, settings, batch), alone, strict=True):
            assert [one.ids for one in best] == [one.ids for one in expected]
            assert [one.alignment for one in best] == [one.alignment for one in expected]
            for one, other in zip(best, expected, strict=True):
                assert one.total_logprob == pytest.approx(other.total_logprob, abs=1e-9)
                assert one.ended == other.ended


@every_arch
def test_more_beams_never_find_a_worse_best_than_one_that_they_hold(arch):
    """The best of a beam is at least as good as every other of its own, and each is scored as the model scores it."""
    model = model_of(arch, vocabulary=30)
    for source, best in zip(SOURCES, search(model, SOURCES, MARK, BeamSettings(beams=5, n_best=5)), strict=True):
        ended = [one for one in best if one.ended]
        assert [one.score for one in ended] == sorted((one.score for one in ended), reverse=True)
        assert best == ended + [one for one in best if not one.ended]
        for one in best:
            target = [*one.ids, MARK] if one.ended else list(one.ids)
            assert one.total_logprob == pytest.approx(total_of(model, source, target), abs=1e-8)
            assert len(one.alignment) == len(one.ids)
            assert all(0 <= place < len(source) for place in one.alignment)


def test_a_target_that_reaches_the_limit_says_so_and_ranks_behind_those_that_ended():
    model = model_of("gru")
    with torch.no_grad():
        model.head.bias[MARK] = -40.0
    [[one]] = search(model, [[0, 1]], MARK, BeamSettings(beams=1, max_new_tokens=6))
    assert (one.ended, len(one.ids)) == (False, 6)
    [best] = search(model, [[0, 1]], MARK, BeamSettings(beams=3, max_new_tokens=1, n_best=3))
    assert [one.ended for one in best] == [False] * 3
    transformer = model_of("transformer", seq_len=7)
    with torch.no_grad():
        transformer.head.bias[MARK] = -40.0
    [[one]] = search(transformer, [[0, 1]], MARK, BeamSettings(beams=1, max_new_tokens=99))
    assert len(one.ids) == 7  # the mark before them is the first of 7 that are read, the last is not read
    with pytest.raises(ContextFull, match=r"8 .* 7"):
        list(search(transformer, [[0] * 8], MARK))


def test_settings_and_sources_that_make_no_sense_are_refused():
    for wrong, complaint in (
        ({"beams": 0}, "beams is 0"),
        ({"beams": 2, "n_best": 3}, "2 beams find 2 targets"),
        ({"length_power": -1.0}, "length_power is -1"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
    ):
        with pytest.raises(ConfigError, match=complaint):
            BeamSettings(**wrong)
    with pytest.raises(InputError, match="source 2 has no token"):
        list(search(model_of("gru"), [[1], []], MARK))


def test_a_model_that_forbids_a_token_never_writes_it():
    model = model_of("gru")
    with torch.no_grad():
        model.head.bias[2] = -math.inf
    [best] = search(model, [[0, 1]], MARK, BeamSettings(beams=400, max_new_tokens=3, n_best=13))
    assert all(isinstance(one, Hypothesis) and 2 not in one.ids for one in best)
    assert sum(one.ended for one in best) == 1 + 3 + 9


@repeated(deadline=None, max_examples=100)
@given(rows=st.lists(st.lists(st.sampled_from([-1.0, -0.5, -0.25, -math.inf]), min_size=6, max_size=6), min_size=1))
def test_the_likeliest_are_those_of_a_stable_sort_with_any_ties(rows):
    for n in (1, 3, 6, 9):
        values, places = likeliest(torch.tensor(rows), n)
        for row, found, at in zip(rows, values.tolist(), places.tolist(), strict=True):
            expected = sorted(range(len(row)), key=lambda place: (-row[place], place))[:n]
            assert at == expected and found == [row[place] for place in expected]


def test_sources_come_back_in_their_order_though_like_lengths_are_read_together(monkeypatch):
    monkeypatch.setattr(module, "SORTED_TOGETHER", 5)
    model, draw = model_of("gru"), random.Random(4)
    sources = [[draw.randrange(MARK) for _ in range(draw.randint(1, 7))] for _ in range(13)]
    settings = BeamSettings(beams=2, max_new_tokens=5)
    alone = [best.ids for source in sources for [best] in search(model, [source], MARK, settings)]
    assert [best.ids for [best] in search(model, sources, MARK, settings, batch=2)] == alone
