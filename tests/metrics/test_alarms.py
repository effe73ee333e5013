"""Alarms of changed opinion: rare without a change, whatever the days are like; soon and near the day with one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from textmill.errors import InputError
from textmill.metrics.alarms import AlarmStream, Watched, _look, alarms_by, alarms_in, unchanged, within_rho
from textmill.metrics.prevalence import Correction

Ints = npt.NDArray[np.int64]
FOUR_IN_FIVE = np.array([[0.8, 0.2], [0.2, 0.8]])
EVEN = np.array([0.5, 0.5])


def days(
    generator: np.random.Generator,
    before: npt.ArrayLike = EVEN,
    after: npt.ArrayLike | None = None,
    at: int = 60,
    n_days: int = 60,
    n: int | Ints = 200,
    rates: npt.ArrayLike = FOUR_IN_FIVE,
    rho: float = 0.0,
) -> Ints:
    """Counts of predicted classes of days whose true shares change at a day; rho: of the true shares within each."""
    truths = np.array([before if day < at or after is None else after for day in range(n_days)])
    if rho:
        truths = np.array([generator.dirichlet(truth * (1 - rho) / rho) for truth in truths])
    return generator.multinomial(np.broadcast_to(n, n_days), truths @ np.asarray(rates))


def n_with_alarm(found: list[Watched]) -> int:
    return sum(bool(watched.alarms) for watched in found)


def test_at_most_5_of_100_series_without_a_change_have_an_alarm() -> None:
    """The bar of the product: 60 days of 200 texts, a classifier that is right four times in five."""
    found = [alarms_in(days(np.random.default_rng(seed)), seed=seed) for seed in range(100)]

    assert n_with_alarm(found) <= 5


def test_a_shift_of_10_points_on_an_unknown_day_is_found_in_at_least_9_of_10_and_near_its_day() -> None:
    errors, n = list[int](), 60
    for seed in range(n):
        generator = np.random.default_rng(1000 + seed)
        day = int(generator.integers(10, 51))
        after = EVEN + (0.1, -0.1) if seed % 2 else EVEN - (0.1, -0.1)
        found = alarms_in(days(generator, after=after, at=day), seed=seed)
        errors += [min(abs(alarm.at - day) for alarm in found.alarms)] if found.alarms else []

    assert len(errors) >= 0.9 * n
    assert np.median(errors) <= 3


@pytest.mark.parametrize(
    "knobs",
    [
        {"rho": 0.1},  # the true share swings by a sixth around its mean, five times as far as chance
        {"n": np.tile([20, 1000, 150], 20), "rho": 0.05},
        {"n": np.tile([3, 0, 9, 0, 40], 12)},  # small days and gaps
        {"before": [0.97, 0.03], "n": 30},
        {"before": [0.6, 0.3, 0.1], "rates": [[0.7, 0.2, 0.1], [0.15, 0.7, 0.15], [0.1, 0.2, 0.7]]},
    ],
    ids=["swinging", "unlike", "gaps", "rare", "three"],
)
def test_days_that_vary_more_than_chance_small_days_and_gaps_raise_no_more_alarms(knobs: dict[str, Ints]) -> None:
    found = [alarms_in(days(np.random.default_rng(2000 + seed), **knobs), seed=seed) for seed in range(60)]  # type: ignore[arg-type]

    assert n_with_alarm(found) <= 3


def test_a_few_swinging_days_that_happen_to_be_alike_raise_no_alarm() -> None:
    """Their own variation was once taken for all there is, and twice too many had an alarm."""
    n = 120
    for n_days in (8, 10):
        found = [
            alarms_in(
                days(np.random.default_rng(90_000 + seed), n_days=n_days, rho=0.02, rates=np.eye(2)), 0.05, seed=seed
            )
            for seed in range(n)
        ]
        assert n_with_alarm(found) <= 0.05 * n + 2 * 2.4  # two standard errors


def test_the_stated_rate_is_the_rate() -> None:
    """At 20 % of series, one can see it miss on both sides."""
    n = 150
    found = [alarms_in(days(np.random.default_rng(3000 + seed), n=50), rate=0.2, seed=seed) for seed in range(n)]

    assert 0.2 * n - 3 * 4.9 <= n_with_alarm(found) <= 0.2 * n + 3 * 4.9  # three standard errors


def test_without_variation_beyond_chance_none_is_found_and_with_it_its_size_is() -> None:
    def mean_rho(rho: float) -> float:
        tables = [days(np.random.default_rng(seed), rho=rho, rates=np.eye(2), n_days=200) for seed in range(20)]
        return float(np.mean([within_rho(table) for table in tables]))

    assert mean_rho(0.0) < 0.001
    assert mean_rho(0.05) == pytest.approx(0.05, rel=0.15)


def test_a_change_is_no_variation_within_its_sides() -> None:
    table = days(np.random.default_rng(0), after=[0.9, 0.1], at=30)

    assert within_rho(table) > 0.02 and within_rho(table, [30]) < 0.005


def test_days_that_vary_are_said_to_and_those_that_do_not_are_not() -> None:
    swinging = alarms_in(days(np.random.default_rng(1), rho=0.1))
    steady = alarms_in(days(np.random.default_rng(1)))

    assert any("times as much as chance" in note for note in swinging.notes) and swinging.rho > 0.01
    assert not any("times as much as chance" in note for note in steady.notes)


def test_days_that_resemble_the_day_before_are_said_to() -> None:
    def lasting(generator: np.random.Generator) -> Ints:
        moods = [0.05 * generator.standard_normal()]
        for _ in range(59):
            moods.append(0.8 * moods[-1] + 0.6 * 0.05 * generator.standard_normal())
        return generator.multinomial(np.full(60, 200), np.stack([np.add(0.5, moods), np.subtract(0.5, moods)], axis=1))

    def n_said(made: Callable[[np.random.Generator], Ints]) -> int:
        found = [alarms_in(made(np.random.default_rng(seed)), seed=seed) for seed in range(20)]
        return sum(any("resemble the one before" in note for note in watched.notes) for watched in found)

    assert n_said(lasting) >= 10  # of 20
    assert n_said(days) <= 3


def test_the_statistic_is_pearsons_of_the_table_before_and_after() -> None:
    counts = np.array([[[5, 5], [4, 6], [6, 4], [9, 1], [8, 2], [10, 0], [9, 1]]], dtype=np.float64)
    looked = _look(counts)

    assert looked.dispersion[0] < 1
    for place in (3, 4):
        table = np.array([counts[0, :place].sum(axis=0), counts[0, place:].sum(axis=0)])
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
        assert looked.at_each[0, place - 1] == pytest.approx(((table - expected) ** 2 / expected).sum())
    assert np.isinf(looked.at_each[0, [0, 1, 4, 5]]).all()


def test_an_alarm_says_what_changed_with_intervals_of_the_true_shares() -> None:
    correction = Correction(1000 * FOUR_IN_FIVE, ["positive", "negative"])
    table = days(np.random.default_rng(11), before=[0.7, 0.3], after=[0.5, 0.5], at=25, n=400)
    [alarm] = alarms_in(table, correction=correction).alarms
    [as_said] = alarms_in(table).alarms

    assert abs(alarm.at - 25) <= 2 and alarm.earliest <= 25 <= alarm.latest
    assert alarm.grown == 1 and alarm.is_corrected and alarm.p_value <= alarm.level == 0.01
    assert alarm.before == pytest.approx([0.7, 0.3], abs=0.05) and alarm.after == pytest.approx([0.5, 0.5], abs=0.05)
    low, high = alarm.difference[0]
    assert low < -0.2 < high < -0.1
    assert not as_said.is_corrected and as_said.before[0] == pytest.approx(0.7 * 0.8 + 0.3 * 0.2, abs=0.03)


def test_the_class_that_changed_most_clearly_is_named_and_the_one_that_grew() -> None:
    generator = np.random.default_rng(3)
    table = days(generator, [0.5, 0.3, 0.2], [0.3, 0.4, 0.3], at=30, rates=np.eye(3))
    [alarm] = alarms_in(table).alarms

    assert (alarm.class_number, alarm.grown) in {(0, 1), (0, 2)}


def test_several_changes_are_found_each_and_one_alone_has_seldom_a_second_alarm() -> None:
    generator = np.random.default_rng(21)
    parts = [days(generator, before=share, n_days=30) for share in ([0.7, 0.3], [0.4, 0.6], [0.75, 0.25])]
    found = alarms_in(np.concatenate(parts))
    assert [round(alarm.at / 30) for alarm in found.alarms] == [1, 2]
    assert max(abs(alarm.at - day) for alarm, day in zip(found.alarms, (30, 60), strict=True)) <= 3

    seconds = 0
    for seed in range(40):
        table = days(np.random.default_rng(4000 + seed), [0.6, 0.4], [0.4, 0.6], at=30)
        seconds += len(alarms_in(table, seed=seed).alarms) > 1
    assert seconds <= 2


def test_gaps_do_not_move_the_day() -> None:
    table = days(np.random.default_rng(8), after=[0.8, 0.2], at=30)
    with_gaps = np.insert(table, [5, 5, 20, 50], 0, axis=0)
    [alarm], [moved] = alarms_in(table).alarms, alarms_in(with_gaps).alarms

    assert moved.at == alarm.at + 3 and moved.p_value == alarm.p_value
    assert any("4 periods have no text" in note for note in alarms_in(with_gaps).notes)


def test_of_many_products_one_that_changes_is_named_and_the_rate_holds_for_all_together() -> None:
    generator = np.random.default_rng(31)
    series = {name: days(generator, n=100) for name in "abcdefgh"} | {
        "changed": days(generator, [0.6, 0.4], [0.4, 0.6], at=30, n=100)
    }
    found = alarms_by(series, seed=1)
    assert [name for name, watched in found.items() if watched.alarms] == ["changed"]
    assert found["changed"].alarms[0].level == pytest.approx(0.01 / 2 / 9)

    families = [
        alarms_by({str(n): days(np.random.default_rng([seed, n]), n=50, n_days=30) for n in range(8)}, 0.05, seed=seed)
        for seed in range(40)
    ]
    assert sum(any(watched.alarms for watched in family.values()) for family in families) <= 5  # of 2 expected at most


def test_a_stream_is_silent_without_a_change_and_calls_soon_after_one() -> None:
    silent = 0
    for seed in range(20):
        stream = AlarmStream(n_classes=2, seed=seed)
        silent += not any(stream.add(day) for day in days(np.random.default_rng(5000 + seed)))
    assert silent >= 19

    delays = list[int]()
    for seed in range(6):
        stream = AlarmStream(n_classes=2, seed=seed)
        table = days(np.random.default_rng(6000 + seed), after=[0.65, 0.35], at=30)
        for number, day in enumerate(table):
            if alarm := stream.add(day):
                delays.append(number - 30)
                assert abs(alarm.at - 30) <= 6 and alarm.earliest <= alarm.at <= alarm.latest <= number
                break
    assert len(delays) >= 5 and min(delays) >= 0 and np.median(delays) <= 12


def test_a_stream_begins_anew_at_the_change_counts_gaps_and_forgets_what_is_long_past() -> None:
    generator = np.random.default_rng(9)
    parts = [days(generator, before=share, n_days=40) for share in ([0.8, 0.2], [0.5, 0.5], [0.8, 0.2])]
    table = np.insert(np.concatenate(parts), 10, 0, axis=0)  # a gap on day 10
    stream = AlarmStream(n_classes=2, longest=35)
    alarms = [alarm for day in table if (alarm := stream.add(day))]

    assert [round(alarm.at / 40) for alarm in alarms] == [1, 2]
    assert max(abs(alarm.at - day) for alarm, day in zip(alarms, (41, 81), strict=True)) <= 3
    assert len(stream.rows) <= 35


def test_a_series_that_is_too_short_or_of_one_class_has_no_alarm_and_the_first_is_said() -> None:
    short = alarms_in([[10, 0]] * 2 + [[0, 10]] * 2)
    assert not short.alarms and "4 periods with texts are too few" in short.stated
    assert not alarms_in([[10, 0]] * 60).alarms
    assert not alarms_in(np.zeros((60, 2))).alarms


@pytest.mark.parametrize("counts", [[1, 2], [[1], [2]], [[1, -1]]])
def test_what_is_no_series_is_refused(counts: list[object]) -> None:
    with pytest.raises(InputError, match="a series is counts"):
        alarms_in(counts)


def test_a_stream_refuses_counts_of_other_classes() -> None:
    with pytest.raises(InputError, match="counts of 3 classes in a series of 2"):
        AlarmStream(n_classes=2).add([1, 2, 3])


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="rate"):
        alarms_in([[1, 1]], rate=rate)
    with pytest.raises(InputError, match="rate"):
        AlarmStream(n_classes=2, rate=rate)


def test_the_same_seed_gives_the_same_alarms() -> None:
    table = days(np.random.default_rng(12), after=[0.6, 0.4], at=20)

    assert [alarm.p_value for alarm in alarms_in(table, seed=3).alarms] == [
        alarm.p_value for alarm in alarms_in(table, seed=3).alarms
    ]


def test_series_without_a_change_are_drawn_with_the_variation_that_is_asked_for() -> None:
    drawn = unchanged(np.array([0.3, 0.7]), np.full(400, 100), 0.04, 20, np.random.default_rng(0))

    assert drawn.sum(axis=2).tolist() == np.full((20, 400), 100).tolist()
    assert drawn[:, :, 0].mean() == pytest.approx(30, abs=0.5)
    assert np.mean([within_rho(table) for table in drawn]) == pytest.approx(0.04, rel=0.1)
