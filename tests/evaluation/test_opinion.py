"""Opinion over time by a classifier whose errors are known: shares, gaps, alarms, examples, what is said of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
import pytest

from textmill.errors import InputError
from textmill.evaluation import opinion
from textmill.evaluation.opinion import Bin, all_starts, corrected_told, tallied, watched_series
from textmill.metrics.prevalence import Correction, as_predicted
from textmill.results import OpinionSeries
from textmill.tasks.classifying import Classifier
from textmill.text.dated import Dated

CLASSES = ["negative", "positive"]
START = datetime(2024, 5, 1, tzinfo=UTC)
RIGHT = 0.8
COUNTS = [[400, 100], [100, 400]]
"""The confusion of a classifier that is right four times in five, counted on 1,000 texts."""


class Told:
    """A classifier that says what stands at the end of a text: `… -> 1 0.93` is positive with 0.93."""

    classes = CLASSES

    def __init__(self) -> None:
        self.most = 0

    def probabilities(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        self.most = max(self.most, len(texts))
        rows = np.zeros((len(texts), 2))
        for row, text in zip(rows, texts, strict=True):
            number, probability = text.rsplit(" -> ", 1)[1].split()
            row[int(number)], row[1 - int(number)] = float(probability), 1 - float(probability)
        return rows


def stream(
    n_days: int, per_day: int, share_at: Any, seed: int, gaps: Sequence[int] = (), series: str = ""
) -> Iterator[Dated]:
    """Texts whose true negative share on a day is share_at(day), given by a classifier that errs one time in five."""
    draw = random.Random(seed)
    for day in range(n_days):
        for number in range(0 if day in gaps else per_day):
            is_negative = draw.random() < share_at(day)
            said = is_negative == (draw.random() < RIGHT)
            text = f"{series} text {day} {number} {draw.random()} -> {0 if said else 1} {0.5 + draw.random() / 2:.3f}"
            yield Dated(text, f"a.csv:{number}", START + timedelta(days=day, hours=number % 24), series)


def followed(
    texts: Iterator[Dated], correction: Correction | None = None, every: Any = "day", rate: float = 0.01
) -> tuple[list[OpinionSeries], list[str]]:
    sentences: list[str] = []
    tally = tallied(texts, cast(Classifier, Told()), every, UTC)
    used = correction or Correction(COUNTS, CLASSES)
    return watched_series(tally, used, correction is None, CLASSES, every, rate, 0, sentences), sentences


def test_a_planted_shift_is_found_on_its_day_with_its_size_and_texts_behind_it() -> None:
    [found], sentences = followed(stream(60, 200, lambda day: 0.3 if day < 35 else 0.45, seed=1))
    [alarm] = found.alarms

    assert (alarm.label, alarm.direction, alarm.grown) in {
        ("negative", "up", "negative"),
        ("positive", "down", "negative"),
    }
    assert alarm.earliest <= (START + timedelta(days=35)).isoformat() <= alarm.latest
    low, high = alarm.difference["negative"]
    assert low <= 0.15 <= high and high - low < 0.12
    assert alarm.before["negative"] == pytest.approx(0.3, abs=0.03)
    assert alarm.after["negative"] == pytest.approx(0.45, abs=0.03)
    assert len(alarm.examples) == 5
    for example in alarm.examples:
        assert " -> 0 " in example.text and example.moment >= alarm.at
    surest = [example.probability for example in alarm.examples]
    assert surest == sorted(surest, reverse=True) and surest[0] >= 0.99
    assert alarm.said in sentences and "2024-06-0" in alarm.said
    assert "at most 1 % have an alarm" in found.stated


def test_a_series_without_a_change_has_no_alarm_and_its_intervals_hold_the_truth() -> None:
    [found], _ = followed(stream(60, 200, lambda day: 0.3, seed=2))

    assert not found.alarms
    held = [period.intervals["negative"][0] <= 0.3 <= period.intervals["negative"][1] for period in found.periods
            if period.intervals]  # fmt: skip
    assert len(held) == 60 and sum(held) >= 54


def test_a_gap_is_a_gap_and_few_texts_are_said_to_be_few() -> None:
    [found], _ = followed(stream(20, 19, lambda day: 0.3, seed=3, gaps=(4, 5)))

    assert [number for number, period in enumerate(found.periods) if period.n == 0] == [4, 5]
    assert all((period.shares is None) == (period.n == 0) for period in found.periods)
    assert all(period.few == (period.n > 0) for period in found.periods)
    assert any("2 periods have no text" in note for note in found.notes)
    assert any("18 periods have fewer than 20 texts" in note for note in found.notes)


def test_series_are_apart_and_share_one_rate() -> None:
    def two() -> Iterator[Dated]:
        yield from stream(40, 150, lambda day: 0.3 if day < 20 else 0.5, seed=4, series="cup")
        yield from stream(40, 150, lambda day: 0.3, seed=5, series="hat")

    found, _ = followed(two())
    assert [one.name for one in found] == ["cup", "hat"]
    assert [len(one.alarms) for one in found] == [1, 0]
    assert found[0].alarms[0].level < 0.01 / 2 + 1e-9
    assert {one.stated for one in found} == {found[0].stated} and "Where none of 2 series" in found[0].stated
    assert all(example.text.startswith("cup") for example in found[0].alarms[0].examples)


def test_without_a_usable_confusion_shares_are_as_predicted() -> None:
    [found], _ = followed(stream(10, 500, lambda day: 0.3, seed=6), as_predicted(CLASSES))

    for period in found.periods:
        assert period.shares is not None
        assert period.shares["negative"] == pytest.approx(period.counts["negative"] / period.n, abs=1e-6)
    mean = sum(period.counts["negative"] for period in found.periods) / 5000
    assert mean == pytest.approx(0.3 * RIGHT + 0.7 * (1 - RIGHT), abs=0.03)  # 0.38 and not 0.3


def test_periods_are_weeks_and_months_where_they_are_asked_for() -> None:
    [weeks], _ = followed(stream(28, 10, lambda day: 0.3, seed=7), every="week")
    [months], _ = followed(stream(40, 10, lambda day: 0.3, seed=7), every="month")

    assert [period.start[:10] for period in weeks.periods] == [
        *("2024-04-29", "2024-05-06", "2024-05-13", "2024-05-20", "2024-05-27"),
    ]
    assert [period.n for period in months.periods] == [310, 90]


def test_texts_are_classified_a_few_at_a_time_and_only_some_are_kept() -> None:
    classifier = Told()
    tally = tallied(stream(2, 2000, lambda day: 0.3, seed=8), cast(Classifier, classifier), "day", UTC)

    assert classifier.most == opinion.AT_ONCE
    kept = [text for bins in tally.values() for one in bins.values() for telling in one.telling for _, text in telling]
    assert len(kept) == 2 * 2 * opinion.KEPT  # days, classes
    assert sum(int(one.counts.sum()) for one in tally[""].values()) == 4000


def test_of_a_text_that_comes_again_and_again_one_is_kept_and_of_equally_sure_ones_the_earlier() -> None:
    one = Bin(np.zeros(2, dtype=np.int64), [[], []])
    for number in range(50):
        text = "the same" if number % 2 else f"other {number}"
        one.add(0, 0.9, Dated(text, f"a.csv:{number}", START, ""))

    assert [text.source for _, text in one.telling[0]] == ["a.csv:0", "a.csv:1", "a.csv:2", "a.csv:4", "a.csv:6"]
    assert one.counts.tolist() == [50, 0]


def test_a_long_text_is_shown_by_its_beginning_which_can_be_seen() -> None:
    long = Dated("word " * 1000 + "-> 0 0.9", "a.csv:1", START, "")
    tally = tallied(iter([long]), cast(Classifier, Told()), "day", UTC)
    [(_, kept)] = tally[""][START].telling[0]

    assert kept.text.endswith("…") and len(kept.text) == opinion.SHOWN_CHARS + 1


def test_a_date_far_off_is_an_error_that_names_it() -> None:
    bins = {
        when: Bin(np.array([1, 0]), [[(0.9, Dated("a", source, when, ""))], []])
        for when, source in ((START, "a.csv:2"), (START.replace(year=1924), "a.csv:7"))
    }
    with pytest.raises(InputError, match="is a date wrong") as refused:
        all_starts(bins, "day", "")
    assert refused.value.where == "a.csv:7 … a.csv:2"
    assert len(all_starts(bins, "month", "")) == 1201


def test_a_column_of_numbers_of_texts_is_no_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opinion, "MOST_SERIES", 10)
    texts = (Dated(f"{number} -> 0 0.9", f"a.csv:{number}", START, str(number)) for number in range(11))
    with pytest.raises(InputError, match="more than 10 series") as refused:
        tallied(texts, cast(Classifier, Told()), "day", UTC)
    assert refused.value.where == "a.csv:10"


def test_a_confusion_counted_on_few_texts_is_said_to_be() -> None:
    def told(counts: list[list[int]]) -> list[str]:
        measured = opinion.Confusion(np.array(counts), {"test": int(np.sum(counts))})
        return list(corrected_told(measured, CLASSES, Correction(counts, CLASSES).why_not))

    assert len(told(COUNTS)) == 1 and "1,000 held-out labelled texts (test): 80.0 %" in told(COUNTS)[0]
    assert "'positive' only 20 labelled texts" in told([[400, 100], [2, 18]])[1]
    assert "no labelled text of class 'positive'" in told([[400, 100], [0, 0]])[0]
    assert "cannot be inverted" in told([[50, 50], [50, 50]])[0]
    assert "its errors are in them" in told([[50, 50], [50, 50]])[1]


@pytest.mark.ci
def test_false_alarms_are_as_rare_as_stated_and_shifts_of_ten_points_are_found() -> None:
    false = found = 0
    for seed in range(8):
        [calm], _ = followed(stream(60, 200, lambda day: 0.5, seed=100 + seed))
        false += bool(calm.alarms)
        day = random.Random(seed).randrange(12, 48)
        [moved], _ = followed(stream(60, 200, lambda now, day=day: 0.5 if now < day else 0.6, seed=200 + seed))
        found += any(
            alarm.earliest <= (START + timedelta(days=day)).isoformat() <= alarm.latest for alarm in moved.alarms
        )
    assert false <= 1 and found >= 7
