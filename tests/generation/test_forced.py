"""Forced terms against the enumeration of every target that holds them. float64, one thread."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_translators import MARK, SOURCES, V, all_targets, every_arch, model_of, total_of

from textmill.generation.beam import BeamSettings, search
from textmill.generation.forced import Forced, Letters, Progress, Step, Term, in_banks

NO_LETTERS = Letters(np.zeros(V, dtype=bool), np.zeros(V, dtype=bool))


def holds(ids, term):
    return any(ids[start : start + len(term)] == term for start in range(len(ids)))


@every_arch
@pytest.mark.parametrize("terms", [[(2,)], [(3, 1)], [(0,), (3,)]])
def test_a_beam_that_holds_everything_finds_the_best_target_with_the_terms(arch, terms):
    model, longest = model_of(arch), 5
    settings = BeamSettings(beams=400, max_new_tokens=longest)
    forced = [Forced([Term(term, term) for term in terms], NO_LETTERS, MARK, 9) for _ in SOURCES]
    for source, [best] in zip(SOURCES, search(model, SOURCES, MARK, settings, forced=forced), strict=True):
        totals = {ids: total_of(model, source, ids) for ids in all_targets(longest)}
        wanted = {ids: total for ids, total in totals.items() if all(holds(ids, term) for term in terms)}
        expected = max(wanted, key=lambda ids: wanted[ids] / len(ids))
        assert best.ended and (*best.ids, MARK) == expected


@every_arch
def test_a_small_beam_writes_every_term_and_the_same_alone_and_beside_others(arch):
    model = model_of(arch)
    settings = BeamSettings(beams=2, max_new_tokens=12)
    terms = [[(3, 1, 0)], [], [(2, 2), (0, 3)], [(1,)]]
    forced = [Forced([Term(term, term) for term in some], NO_LETTERS, MARK, 9) if some else None for some in terms]
    together = [best for [best] in search(model, SOURCES, MARK, settings, forced=forced)]
    plain = [best for [best] in search(model, SOURCES, MARK, settings)]
    for number, (source, some, best) in enumerate(zip(SOURCES, terms, together, strict=True)):
        assert all(holds(best.ids, term) for term in some)
        [[alone]] = search(model, [source], MARK, settings, forced=[forced[number]])
        assert alone.ids == best.ids
        if not some:
            assert best.ids == plain[number].ids
        else:
            ids = (*best.ids, *([MARK] if best.ended else []))
            assert best.total_logprob == pytest.approx(total_of(model, source, ids), abs=1e-9)


def test_behind_a_word_a_term_is_written_with_its_blank_and_no_letter_follows_it():
    begins, ends = np.zeros(V, dtype=bool), np.zeros(V, dtype=bool)
    begins[1] = ends[1] = ends[2] = True
    forced = Forced([Term((2,), (0, 2))], Letters(begins, ends), MARK, 9)
    row = np.log(np.full((1, V), 1 / V))
    first = [step for step in forced.steps(row, np.zeros(1), [forced.start], V) if not step.progress.left]
    assert [(step.token, step.progress.rest) for step in first] == [(2, ())]
    behind = Progress((0,), behind_a_word=True)
    [step] = [step for step in forced.steps(row, np.zeros(1), [behind], V) if not step.progress.left]
    assert (step.token, step.progress.rest) == (0, (2,))
    [last] = forced.steps(row, np.zeros(1), [step.progress], V)
    assert last.token == 2 and last.progress.is_whole and last.progress.behind_a_term
    after = forced.steps(row, np.zeros(1), [last.progress], V)
    assert {step.token for step in after} == {0, 2, 3, MARK}


def test_beams_compete_with_those_that_have_written_as_much_of_their_terms():
    def step(total, n_left, token=0, rest=()):
        return Step(0, token, total, Progress(tuple(range(n_left)), rest))

    steps = [step(-1.0, 1), step(-2.0, 1), step(-2.5, 1), step(-3.0, 0, rest=(1,)), step(-3.5, 0, rest=(2,))]
    steps += [step(-4.0, 0), step(-5.0, 0), step(-6.0, 0, MARK), step(-7.0, 0, MARK)]
    going_on, ended = in_banks(steps, 2, MARK)
    assert [s.total for s in going_on] == [-1.0, -2.0, -3.0, -4.0, -5.0] and [s.total for s in ended] == [-6.0]
    assert in_banks([], 2, MARK) == ([], [])


def test_a_beam_that_goes_round_in_circles_is_cut():
    model = model_of("gru")
    with torch.no_grad():
        model.head.bias[MARK] = -40.0
    forced = Forced([Term((3, 1), (3, 1))], NO_LETTERS, MARK, n_source=3)
    [[best]] = search(model, [[0, 1, 2]], MARK, BeamSettings(beams=2, max_new_tokens=200), forced=[forced])
    assert len(best.ids) < 2 * 3 + 2 + 10 and holds(best.ids, (3, 1))
