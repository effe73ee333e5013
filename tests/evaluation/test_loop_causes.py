"""causes_of: planted facts are named as what they are, and nothing is named where there is nothing to explain."""

from dataclasses import replace

import pytest

from textmill.evaluation.loop_causes import Facts, causes_of, loops_more, still_falling
from textmill.evaluation.writing import repeated
from textmill.results import WritingScore


def score(loops: int, n: int = 100, ended: float = 0.6) -> WritingScore:
    from scipy.stats import binomtest

    interval = binomtest(loops, n).proportion_ci(method="wilson")
    ends = (float(interval.low), float(interval.high))
    return WritingScore(
        n_texts=n, n_chars=1, loop_rate=loops / n, loop_interval=ends, rep_4=0, distinct_3=1, bpb=1, ended=ended
    )


SOUND = Facts(bpb=1.0, floor_bpb=1.2, fall=0.01, mark_probability=0.2, mark_share=0.01, uniform=0.001, n_marks=900)
PEOPLE = score(1)


def named(facts, now, sampled, greedy, people=PEOPLE):
    return [cause.what for cause in causes_of(facts, now, people, sampled, greedy, "runs/x")]


def test_a_sound_model_has_no_cause_named_for_it():
    assert named(SOUND, score(1), score(0), score(60)) == []
    assert named(replace(SOUND, bpb=9.0, fall=0.5), score(1), score(0), score(60)) == []  # it does not loop


def test_greedy_loops_of_a_trained_model_are_the_decodings():
    assert named(SOUND, score(60), score(0), score(60)) == ["decoding"]


def test_a_model_far_above_its_floor_is_undertrained_first_of_all():
    far = replace(SOUND, bpb=1.33)  # a tenth above 1.2 is 1.32
    assert named(far, score(60), score(50), score(60)) == ["undertrained"]
    assert named(far, score(60), score(0), score(60)) == ["undertrained", "decoding"]
    assert named(replace(SOUND, bpb=1.31), score(60), score(0), score(60)) == ["decoding"]


def test_a_loss_that_still_falls_is_undertrained_where_it_loops_at_temperature_1_too():
    assert named(replace(SOUND, fall=0.2), score(60), score(50), score(60)) == ["undertrained"]


def test_texts_that_never_end_are_told_whether_they_loop_or_not():
    endless = replace(SOUND, mark_probability=1e-6)
    for loops in (0, 60):
        found = named(endless, score(loops, ended=0), score(0, ended=0), score(60, ended=0))
        assert found[0] == "no end mark"
    assert named(endless, score(0, ended=0), score(0, ended=0), score(0), people=score(1, ended=0.0)) == []


def test_few_ends_in_the_training_text_come_after_what_was_tried():
    novel = replace(SOUND, n_marks=1, mark_probability=None)
    people = score(1, ended=0.0)
    assert named(novel, score(60, ended=0), score(0, ended=0), score(60), people) == ["decoding", "no end mark"]
    assert named(novel, score(60, ended=0), score(60, ended=0), score(60), people) == ["no end mark"]


@pytest.mark.parametrize(("loops", "n", "more"), [(3, 100, False), (12, 100, True), (1, 10, False), (10, 10, True)])
def test_chance_is_no_alarm(loops, n, more):
    assert loops_more(score(loops, n), 0.01) is more


def test_a_fall_is_of_the_last_quarter_of_the_steps():
    flat = [{"step": step, "eval/loss": 2.0} for step in range(10, 210, 10)]
    falling = [{"step": step, "eval/loss": 4.0 - step / 100} for step in range(10, 210, 10)]
    assert still_falling(flat) == pytest.approx(0.0)
    # before: steps 140 and 150, mean 2.55; at the end: steps 190 and 200, mean 2.05
    assert still_falling(falling) == pytest.approx((2.55 - 2.05) / 2.55)
    assert still_falling(flat[:7]) is None


def test_rep_n_is_that_of_its_paper():
    # Welleck et al. 2020: 1 − |unique n-grams| / |n-grams|; 12 21 12 21: 2 of 4 are different
    assert repeated([[1, 2, 1, 2, 1]], 2) == 0.5
    assert repeated([[1, 2, 3, 4], [5]], 4) == 0.0
    assert repeated([], 4) == 0.0
