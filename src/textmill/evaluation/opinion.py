"""Dated texts -> shares of opinion over time, and alarms where they changed. Room: evaluation/ (weights -> numbers).

Used by the verb monitor and from Python. Texts are classified a few at a time and forgotten: what is kept are counts
by series and period, and a few texts of each to show behind an alarm. Shares are corrected by the confusion that was
counted on texts that training held out.
Letters: T periods, C classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from textmill.config import DataConfig
from textmill.errors import InputError, RunError
from textmill.messages import Message, message, paragraph, plural_message, record_of
from textmill.metrics.alarms import Alarm, Watched, alarms_by
from textmill.metrics.classification import confusion
from textmill.metrics.prevalence import Correction, Period, as_predicted, periods_of
from textmill.results import Monitored, OpinionAlarm, OpinionExample, OpinionPeriod, OpinionSeries
from textmill.runs import Run
from textmill.tables import OPEN_RUN, load
from textmill.tasks.classify import refuse_unknown, texts_of
from textmill.tasks.classifying import Classifier, classifier_of
from textmill.text.dated import Dated, DatedTexts
from textmill.text.dates import Order, Unit, period_of, periods_between, zone_of
from textmill.text.examples import most_telling
from textmill.text.wording import joined

Ints = npt.NDArray[np.int64]

AT_ONCE = 256
"""Texts that are classified together; the numbers do not depend on it."""
SHOWN, SHOWN_CHARS = 5, 300
"""Examples behind an alarm, and characters of each."""
KEPT = SHOWN
"""Texts of a class in a period that may become examples."""
FEW = 20
"""Texts of a period below which it is said that they are few."""
LEAST_LABELLED = 50
"""Labelled texts of a class below which it is said that the confusion was measured on few."""
MOST_SERIES, MOST_PERIODS = 1000, 10_000
"""Beyond, a column is no product, or a date is wrong."""


@dataclass
class Bin:
    """The texts of a series in a period. counts: of predicted classes (C,). telling: for each class the texts of it
    that are surest, surest first."""

    counts: Ints
    telling: list[list[tuple[float, Dated]]]

    def add(self, number: int, probability: float, text: Dated) -> None:
        """A text that is given class `number`; of equally sure ones the earlier stays."""
        self.counts[number] += 1
        kept = self.telling[number]
        if (len(kept) == KEPT and kept[-1][0] >= probability) or any(text.text == other.text for _, other in kept):
            return
        place = next((place for place, (other, _) in enumerate(kept) if other < probability), len(kept))
        kept.insert(place, (probability, text))
        del kept[KEPT:]


@dataclass(frozen=True)
class Confusion:
    """counts: labelled texts by true class (row) and given class (column), (C, C). parts: name -> texts."""

    counts: Ints
    parts: dict[str, int] = field(default_factory=dict)
    notes: list[Message] = field(default_factory=list)


def monitor(
    run: Run | Path | str,
    paths: str | Sequence[str],
    time: str,
    by: str | None = None,
    *,
    data: DataConfig | None = None,
    dates: Order | None = None,
    zone: str = "UTC",
    every: Unit = "day",
    rate: float = 0.01,
    checkpoint: str | int | None = None,
) -> Monitored:
    """Shares of opinion over time by a classifier, and alarms where they changed.

    paths: tables or JSON lines. time, by: their columns of dates, and of what the texts are about. data: how they are
    read; None = as the run's own text was. dates: whether the day or the month comes first in 03/04/2024; None = as the
    other dates of the files say. zone: by whose clock periods begin. rate: of series without a change, the share that
    has an alarm, all series together. Raises InputError, RunError.

    >>> textmill.monitor("runs/reviews", "stream.csv", "date").series[0].alarms[0].said  # doctest: +SKIP
    "2024-05-31: 'negative' rose from 30.1 % to 40.2 % …"
    """
    opened = run if isinstance(run, Run) else load(OPEN_RUN)(run)
    paths, clock = [paths] if isinstance(paths, str) else list(paths), zone_of(zone)
    classifier = classifier_of(opened, checkpoint)
    if classifier.several:
        raise RunError(
            "a text of this run may have several labels, and monitor follows one label a text",
            where=str(opened.path),
            hint="Train on one label a text.",
        )
    settings = (data or opened.config.data).model_copy(update={"labelled": True, "pairs": False, "questions": False})
    texts = DatedTexts(paths, settings, time, by, clock, dates)
    tally = tallied(texts, classifier, every, clock)
    if not tally:
        raise nothing_dated(texts, paths)
    measured = confusion_of(opened, classifier, checkpoint)
    how_sure = opened.config.eval.confidence, opened.config.eval.seed
    correction = Correction(measured.counts, classifier.classes, how_sure[0], seed=how_sure[1])
    why_not = correction.why_not
    used = correction if why_not is None else as_predicted(classifier.classes, *how_sure)

    sentences: list[str] = []
    series = watched_series(tally, used, why_not is None, classifier.classes, every, rate, how_sure[1], sentences)
    notes = [*texts.notes, *measured.notes, *corrected_told(measured, classifier.classes, why_not)]
    found = Monitored(
        run=str(opened.path),
        data=paths,
        columns=texts.columns,
        zone=str(clock) if zone.upper() not in ("Z", "GMT") else "UTC",
        every=every,
        dates=texts.order,
        classes=classifier.classes,
        confusion=measured.counts.tolist(),
        measured_on=measured.parts,
        is_corrected=why_not is None,
        confidence=how_sure[0],
        rate=rate,
        n_texts=sum(one.n_texts for one in series),
        n_dropped={reason: n for reason, n in texts.drops.n.items() if n},
        dropped=texts.drops.first,
        series=series,
        notes=[str(note) for note in notes],
    )
    found.messages = record_of([*texts.drops.first, *notes, *sentences])
    return found


# --- texts -> counts


Tally = dict[str, dict[datetime, Bin]]
"""series -> start of a period -> what is in it."""


def tallied(texts: Iterable[Dated], classifier: Classifier, every: Unit, clock: tzinfo) -> Tally:
    """The counts of predicted classes by series and period. Raises InputError for too many series."""
    tally: Tally = {}
    n_classes = len(classifier.classes)
    waiting = iter(texts)
    while some := list(islice(waiting, AT_ONCE)):
        found = classifier.probabilities([one.text for one in some])
        for one, own in zip(some, found, strict=True):
            if one.series not in tally and len(tally) == MOST_SERIES:
                raise InputError(
                    f"there are more than {MOST_SERIES:,} series: the column of --by has another value for nearly each "
                    "text",
                    where=one.source,
                    hint="Name a column of what the texts are about, such as a product.",
                )
            start = period_of(one.moment, every, clock)
            bins = tally.setdefault(one.series, {})
            if start not in bins:
                bins[start] = Bin(np.zeros(n_classes, dtype=np.int64), [[] for _ in range(n_classes)])
            number = int(own.argmax())
            bins[start].add(number, float(own[number]), shortened(one))
    return tally


def shortened(one: Dated) -> Dated:
    """The same with the beginning of its text alone, on one line, where that is longer than what is shown."""
    text = " ".join(one.text[: 4 * SHOWN_CHARS].split())
    if len(text) > SHOWN_CHARS or len(one.text) > 4 * SHOWN_CHARS:
        text = f"{text[:SHOWN_CHARS]}…"
    return Dated(text, one.source, one.moment, one.series)


def nothing_dated(texts: DatedTexts, paths: Sequence[str]) -> InputError:
    """The error where no text is left."""
    why = "; ".join(texts.drops.first[:3])
    return InputError(
        "there is no text with a date" + (f": {why}" if why else ""),
        where=", ".join(paths),
        hint="Name the column of dates with --time, that of texts with --data.text.",
    )


# --- counts -> shares and alarms


def watched_series(
    tally: Tally,
    used: Correction,
    is_corrected: bool,
    classes: Sequence[str],
    every: Unit,
    rate: float,
    seed: int,
    sentences: list[str],
) -> list[OpinionSeries]:
    """Each series with its alarms, in the order of their names. used: what its shares are corrected by. sentences: all
    that is said is added here, as messages."""
    names = sorted(tally)
    starts = {name: all_starts(tally[name], every, name) for name in names}
    tables = {name: table_of(tally[name], starts[name], len(classes)) for name in names}
    watched = alarms_by(tables, rate, used if is_corrected else None, seed)
    return [
        one_series(
            name, tally[name], periods_of(starts[name], tables[name], used), watched[name], classes, every, sentences
        )
        for name in names
    ]


def all_starts(bins: dict[datetime, Bin], every: Unit, name: str) -> list[datetime]:
    """From the first period to the last, gaps among them. Raises InputError where they are too many."""
    first, last = min(bins), max(bins)
    starts = list(islice(periods_between(first, last, every), MOST_PERIODS + 1))
    if len(starts) > MOST_PERIODS:
        there = [text.source for one in (bins[first], bins[last]) for kept in one.telling for _, text in kept[:1]]
        raise InputError(
            f"from {said_period(first, every)} to {said_period(last, every)} are more than {MOST_PERIODS:,} periods, "
            f"and {len(bins):,} of them have texts: is a date wrong?",
            where=" … ".join([there[0], there[-1]]),
            hint="Mend or take out the dates that are far off, or count by longer periods: --every month",
        )
    return starts


def table_of(bins: dict[datetime, Bin], starts: Sequence[datetime], n_classes: int) -> Ints:
    """Counts of predicted classes (T, C), a gap 0."""
    nothing = np.zeros(n_classes, dtype=np.int64)
    return np.stack([bins[start].counts if start in bins else nothing for start in starts])


def one_series(
    name: str,
    bins: dict[datetime, Bin],
    periods: Sequence[Period],
    watched: Watched,
    classes: Sequence[str],
    every: Unit,
    sentences: list[str],
) -> OpinionSeries:
    """All that is said of a series; sentences as in watched_series."""
    starts = [period.start for period in periods]
    notes: list[Message] = list(watched.notes)
    n_few = sum(0 < period.n < FEW for period in periods)
    if n_few:
        notes.append(
            plural_message(
                "%(n)s period has fewer than %(few)s texts: its shares say little.",
                "%(n)s periods have fewer than %(few)s texts: their shares say little.",
                n_few,
                few=FEW,
            )
        )
    said = [sentence_of(alarm, starts, classes, every) for alarm in watched.alarms]
    sentences += [watched.stated, *notes, *said]
    ends = [*(alarm.at for alarm in watched.alarms), len(starts)][1:]
    return OpinionSeries(
        name=name,
        n_texts=sum(period.n for period in periods),
        periods=[one_period(period, classes) for period in periods],
        alarms=[
            one_alarm(alarm, text, starts, [bins[start] for start in starts[alarm.at : end] if start in bins], classes)
            for alarm, text, end in zip(watched.alarms, said, ends, strict=True)
        ],
        stated=watched.stated,
        notes=list(notes),
    )


def one_period(period: Period, classes: Sequence[str]) -> OpinionPeriod:
    shares = period.shares
    return OpinionPeriod(
        start=period.start.isoformat(),
        n=period.n,
        counts={name: int(n) for name, n in zip(classes, period.counts, strict=True)},
        shares=None if shares is None else by_class(classes, shares.values),
        intervals=None if shares is None else ends_by_class(classes, shares.intervals),
        few=0 < period.n < FEW,
    )


def one_alarm(
    alarm: Alarm, said: str, starts: Sequence[datetime], after: Sequence[Bin], classes: Sequence[str]
) -> OpinionAlarm:
    """after: the periods between this change and the next."""
    number = alarm.class_number
    return OpinionAlarm(
        at=starts[alarm.at].isoformat(),
        earliest=starts[alarm.earliest].isoformat(),
        latest=starts[alarm.latest].isoformat(),
        label=classes[number],
        direction="up" if alarm.after[number] > alarm.before[number] else "down",
        before=by_class(classes, alarm.before),
        after=by_class(classes, alarm.after),
        difference=ends_by_class(classes, alarm.difference),
        p_value=alarm.p_value,
        level=alarm.level,
        said=said,
        grown=classes[alarm.grown],
        examples=examples_of(after, alarm.grown),
    )


def sentence_of(alarm: Alarm, starts: Sequence[datetime], classes: Sequence[str], every: Unit) -> Message:
    """When, which class, how much."""
    number = alarm.class_number
    values = {
        "at": said_period(starts[alarm.at], every),
        "name": classes[number],
        "before": f"{100 * alarm.before[number]:.1f}",
        "after": f"{100 * alarm.after[number]:.1f}",
        "low": f"{100 * alarm.difference[number][0]:+.1f}",
        "high": f"{100 * alarm.difference[number][1]:+.1f}",
    }
    if alarm.after[number] > alarm.before[number]:
        changed = message(
            "From %(at)s on, '%(name)s' is up from %(before)s %% to %(after)s %% of the texts (%(low)s to %(high)s "
            "points).",
            **values,
        )
    else:
        changed = message(
            "From %(at)s on, '%(name)s' is down from %(before)s %% to %(after)s %% of the texts (%(low)s to %(high)s "
            "points).",
            **values,
        )
    return paragraph([changed, *since(alarm, starts, every)])


def since(alarm: Alarm, starts: Sequence[datetime], every: Unit) -> list[Message]:
    """Between which periods it lies, where that is not sure."""
    if alarm.earliest == alarm.latest:
        return []
    ends = {"earliest": said_period(starts[alarm.earliest], every), "latest": said_period(starts[alarm.latest], every)}
    return [message("It may have begun anywhere from %(earliest)s to %(latest)s.", **ends)]


def examples_of(after: Sequence[Bin], number: int) -> list[OpinionExample]:
    """Of the texts of these periods that are given class `number`, those that are surest, no two nearly equal."""
    telling = [kept for one in after for kept in one.telling[number]]
    chosen = most_telling([text.text for _, text in telling], [probability for probability, _ in telling], SHOWN)
    return [
        OpinionExample(
            text=text.text, source=text.source, moment=text.moment.isoformat(), probability=round(probability, 4)
        )
        for probability, text in (telling[place] for place in chosen)
    ]


def by_class(classes: Sequence[str], values: Iterable[float]) -> dict[str, float]:
    return {name: float(value) for name, value in zip(classes, values, strict=True)}


def ends_by_class(classes: Sequence[str], ends: Iterable[Sequence[float]]) -> dict[str, tuple[float, float]]:
    return {name: (float(low), float(high)) for name, (low, high) in zip(classes, ends, strict=True)}


def said_period(start: datetime, every: Unit) -> str:
    """A period by its first moment, as precise as its length.

    >>> said_period(datetime(2024, 5, 1), "day"), said_period(datetime(2024, 5, 1), "month")
    ('2024-05-01', '2024-05')
    """
    return start.strftime({"hour": "%Y-%m-%d %H:%M", "month": "%Y-%m"}.get(every, "%Y-%m-%d"))


# --- how the classifier errs


def confusion_of(run: Run, classifier: Classifier, checkpoint: str | int | None = None) -> Confusion:
    """Counted on the test and the validation part that training held out; what is stored of the test is not done again.

    Where the prepared text is gone and nothing is stored, counts of 0 and a note.
    """
    n = len(classifier.classes)
    counts, parts, notes = np.zeros((n, n), dtype=np.int64), dict[str, int](), list[Message]()
    own = checkpoint is None or str(checkpoint) == str(run.default_checkpoint)
    stored = run.evaluation("test") if own and run.kind == "network" else None
    if stored is not None and stored.checkpoint == str(run.default_checkpoint):
        number_of = {name: number for number, name in enumerate(classifier.classes)}
        pairs = [(number_of[str(row["label"])], number_of[str(row["output"])]) for row in stored.documents]
        counts += confusion([true for true, _ in pairs], [given for _, given in pairs], n)
        parts["test"] = len(pairs)
    try:
        prepared = run.prepared()
    except RunError as error:
        notes.append(
            message("The validation part is not there to count errors on: %(why)s.", why=error.message)
            if parts
            else message("There is no labelled text to count errors on: %(why)s.", why=error.message)
        )
        return Confusion(counts, parts, notes)
    for name, store in (("test", prepared.test), ("validation", prepared.valid)):
        if store is None or not store.n_documents or name in parts:
            continue
        texts, labels = texts_of(store, prepared.tokenizer)
        refuse_unknown(classifier.classes, ((store.source(place), own) for place, own in enumerate(labels)))
        truth = [classifier.classes.index(own[0]) for own in labels]
        given = [number for some in in_parts(texts) for number in classifier.probabilities(some).argmax(axis=1)]
        counts += confusion(truth, np.asarray(given, dtype=np.int64), n)
        parts[name] = len(texts)
    return Confusion(counts, parts, notes)


def in_parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), AT_ONCE):
        yield texts[start : start + AT_ONCE]


def corrected_told(measured: Confusion, classes: Sequence[str], why_not: Message | None) -> list[Message]:
    """What shares are corrected by, or why they are not."""
    if why_not is not None:
        return [why_not, message("Shares are those that the classifier says: its errors are in them.")]
    n = int(measured.counts.sum())
    notes = [
        message(
            "Shares are corrected for the errors that the classifier makes on %(n)s held-out labelled texts "
            "(%(parts)s): %(percent)s %% of them are told right. In a stream on which it errs otherwise they are off.",
            n=f"{n:,}",
            parts=joined(PART_NAMES[name] for name in measured.parts),
            percent=f"{100 * np.trace(measured.counts) / n:.1f}",
        )
    ]
    totals = measured.counts.sum(axis=1)
    least = int(totals.argmin())
    if totals[least] < LEAST_LABELLED:
        notes.append(
            message(
                "Of class '%(name)s' only %(n)s labelled texts were held out: intervals are wide for that. Hold out "
                "more (--data.valid_share), or give labelled texts with --valid and --test when training.",
                name=classes[least],
                n=f"{int(totals[least]):,}",
            )
        )
    return notes


PART_NAMES = {"test": message("test"), "validation": message("validation")}
