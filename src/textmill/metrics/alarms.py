"""Counts of predicted classes over time -> when their shares changed, at a stated rate of false alarms. Room: metrics/.

The statistic is the greatest, over all days to split at, of Pearson's comparison of the shares before and after. Days
vary more than chance alone makes them: that is estimated within the two sides of the best split (intra-class
correlation ρ by moments), and a day of n texts counts as n / (1 + (n - 1) ρ). How great the statistic becomes without
any change is simulated: the same days with the same numbers of texts, their counts drawn from one share with a ρ at
the upper end of what these days allow (Dirichlet-multinomial; a few days that happen to be alike prove no calm).
So no table of critical values is trusted, and small or unlike days keep the rate.

A series with a change is split there and its parts are looked at, at half the rate each: in all, a series without
changes has an alarm, or one with changes a false further one, at most at the stated rate. Of several series (products)
the rate holds for all together: half of it for whether a series has a change, by Holm's steps (1979), half for further
ones. Vostrikova 1981 (binary segmentation); Hansen 2000, 10.1111/1468-0262.00124 (which days are possible: those within
7.35 of the best); Besag and Clifford 1991 (simulating until it is clear); Knijnenburg et al. 2009,
10.1093/bioinformatics/btp211 (p-values beyond what was simulated, from the tail).

Not covered: days that hang together with the day before (a mood that lasts). That is looked for and said.
Letters: T periods, C classes, S simulated series. A period without texts is a gap: it counts for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.errors import InputError
from textmill.messages import Message, message, plural_message
from textmill.metrics.prevalence import Correction, as_predicted

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_PERIODS = 3
"""Periods with texts on each side of a change: one day alone may be anything."""
SHORTEST = 8
"""Periods with texts of a series: fewer do not tell how they vary."""
FEW, AT_ONCE, AT_MOST = 100, 250, 2100
"""Series simulated at first, at once after these, and in all."""
CLEAR = 25
"""Simulations that reach the statistic, after which it is clear that there is nothing."""
FAR = 5
"""Times the level: a p-value above it needs no precision."""
OF_TAIL = 10
"""Simulations beyond the statistic below which its p-value comes from the fitted tail; a tenth of all is the tail."""
MOST_RHO = 0.5
LASTS = 1.65
"""Standard errors of a correlation beyond which moods are said to last."""
POSSIBLE = 7.35
"""How far below the best day another may lie and still be among the possible ones (Hansen 2000, 95 %)."""


@dataclass(frozen=True)
class Alarm:
    """The shares changed. Shares are the true ones where a usable confusion was given, else the predicted ones."""

    at: int
    """Number of the first period after the change, gaps counted, from 0."""
    earliest: int
    latest: int
    """Between which it lies with 95 %."""
    class_number: int
    """Of the class whose predicted share changed most clearly."""
    grown: int
    """Of the class that grew most clearly: its texts are the examples."""
    before: Floats
    after: Floats
    """Shares (C,) between the neighbouring changes on each side."""
    difference: Floats
    """(low, high) of after minus before, of each class (C, 2)."""
    p_value: float
    """How often as much is seen in such a series without a change."""
    level: float
    """Below which its p-value had to be."""
    is_corrected: bool


@dataclass(frozen=True)
class Watched:
    """What was found in a series: alarms in order of time, ρ beyond chance, and what is to be said of it.

    stated: the rate of false alarms in words, the same for all series that were looked at together; or why there can be
    no alarm.
    """

    alarms: list[Alarm]
    rho: float
    """Intra-class correlation of the texts of a period, 0: the periods vary as chance makes them."""
    resembles_last: float
    """Correlation of a period with the one before it, changes taken out."""
    stated: Message
    notes: list[Message] = field(default_factory=list)


class Found(NamedTuple):
    """A split of periods start … end: place is the first after it."""

    start: int
    end: int
    place: int
    p_value: float
    level: float


def alarms_in(
    counts: npt.ArrayLike, rate: float = 0.01, correction: Correction | None = None, seed: int = 0
) -> Watched:
    """The changes in one series of counts of predicted classes (T, C).

    rate: of series without a change, the share that has an alarm. Raises InputError for counts of no series.
    """
    return alarms_by({"": counts}, rate, correction, seed)[""]


def alarms_by(
    series: Mapping[str, npt.ArrayLike], rate: float = 0.01, correction: Correction | None = None, seed: int = 0
) -> dict[str, Watched]:
    """The changes in each of several series, at one rate of false alarms for all of them together."""
    if not 0 < rate < 1:
        raise InputError(f"the rate of false alarms is {rate:g}, must be between 0 and 1")
    tables = {name: _table(counts) for name, counts in series.items()}
    there = {name: table[table.sum(axis=1) > 0] for name, table in tables.items()}
    n, share = len(tables), rate if len(tables) == 1 else rate / 2
    firsts = {name: _change(table, 0, len(table), share, seed) for name, table in there.items()}
    found: dict[str, list[Found]] = {name: [] for name in tables}
    for rank, name in enumerate(sorted(firsts, key=lambda name: firsts[name].p_value)):
        first = firsts[name]._replace(level=share / (n - rank))
        if first.p_value > first.level:
            break
        found[name] = _relocated(there[name], [first, *_further(there[name], first, share / n, seed)])
    return {name: _watched(tables[name], found[name], correction, rate, n) for name in tables}


class AlarmStream:
    """The same for periods as they come: an alarm as soon as it is clear.

    After each period the series so far is looked at, at a rate of `rate / horizon`: in any `horizon` periods without a
    change there is an alarm at most at `rate`, however often one looked (Bonferroni over the looks, which is cautious).
    After an alarm the series begins anew at the change; `longest` periods are remembered. Of several streams each takes
    its part of the rate.
    """

    def __init__(
        self,
        n_classes: int,
        rate: float = 0.01,
        horizon: int = 60,
        correction: Correction | None = None,
        seed: int = 0,
        longest: int = 366,
    ):
        if not 0 < rate < 1 or horizon < 1:
            raise InputError(f"a rate of {rate:g} in {horizon} periods: a rate lies between 0 and 1")
        self.rate, self.horizon, self.correction, self.seed, self.longest = rate, horizon, correction, seed, longest
        self.rows = np.zeros((0, n_classes), dtype=np.int64)
        self.first = 0
        """Number of the first period that is remembered."""

    def add(self, counts: npt.ArrayLike) -> Alarm | None:
        """The next period's counts of predicted classes (C,); an alarm where they make a change clear.

        Raises InputError for counts of other classes.
        """
        row = _table(np.asarray(counts)[None])
        if row.shape[1] != self.rows.shape[1]:
            raise InputError(f"counts of {row.shape[1]} classes in a series of {self.rows.shape[1]}")
        self.rows = np.concatenate([self.rows, row])
        if len(self.rows) > self.longest:
            self.first += len(self.rows) - self.longest
            self.rows = self.rows[-self.longest :]
        if not row.sum():
            return None
        there = np.flatnonzero(self.rows.sum(axis=1))
        level = self.rate / self.horizon
        found = _change(self.rows[there], 0, len(there), level, self.seed)
        if found.p_value > level:
            return None
        rho = within_rho(self.rows[there], [found.place])
        alarm = _alarm(self.rows[there], found, 0, len(there), there, rho, self.correction)
        moved = replace(
            alarm, at=alarm.at + self.first, earliest=alarm.earliest + self.first, latest=alarm.latest + self.first
        )
        self.rows, self.first = self.rows[alarm.at :], moved.at
        return moved


def within_rho(counts: npt.ArrayLike, places: Iterable[int] = ()) -> float:
    """The intra-class correlation of the texts of a period, between changes at these places; 0: none beyond chance.

    counts (T, C). By moments: Pearson's sum of squares within the parts, over its degrees of freedom, is 1 + (n - 1) ρ.
    """
    table = _table(counts)
    parts = [part for part in np.split(table[table.sum(axis=1) > 0], sorted(places)) if len(part)]
    squares, freedom, sizes = 0.0, 0, 0.0
    for part in parts:
        n = part.sum(axis=1, keepdims=True)
        share = part.sum(axis=0) / n.sum()
        seen = share > 0
        squares += float((((part / n - share)[:, seen] ** 2) * n / share[seen]).sum())
        freedom += (len(part) - 1) * (int(seen.sum()) - 1)
        sizes += float((n - 1).mean()) * len(part)
    n_periods = sum(map(len, parts))
    if freedom <= 0 or sizes <= 0:
        return 0.0
    return float(np.clip((squares / freedom - 1) * n_periods / sizes, 0, MOST_RHO))


def _table(counts: npt.ArrayLike) -> Ints:
    table = np.asarray(counts)
    if table.ndim != 2 or table.shape[1] < 2 or (table < 0).any():
        raise InputError(f"a series is counts of periods by classes, of 2 or more: this is of shape {table.shape}")
    return table.astype(np.int64)


class Looked(NamedTuple):
    """Of each of S series: the statistic at every place (S, T-1), and Pearson's sum of squares within the sides of the
    best over its degrees of freedom (S,)."""

    at_each: Floats
    dispersion: Floats

    @property
    def best(self) -> Floats:
        return np.asarray(self.at_each.max(axis=1))


def _look(counts: Floats) -> Looked:
    """The statistic of series (S, T, C) that have the same texts in each period (T,), all above 0."""
    n = counts[0].sum(axis=1)  # (T,)
    pooled = counts.sum(axis=1) / n.sum()  # (S, C)
    scale = np.divide(1.0, pooled, out=np.zeros_like(pooled), where=pooled > 0)
    shares = counts / n[:, None]  # (S, T, C)
    freedom = np.maximum(1, (pooled > 0).sum(axis=1) - 1)  # (S,)
    squares = np.einsum("stc,sc,t->s", (shares - pooled[:, None]) ** 2, scale, n)
    within = squares - _splits(shares, np.broadcast_to(n, shares.shape[:2]), scale).max(axis=1)
    dispersion = within / (freedom * (len(n) - 2))
    spare = (n - 1).mean()
    rho = rho_of(dispersion, spare)
    weights = n / (1 + (n - 1) * rho[:, None])  # (S, T): texts that chance alone would need
    return Looked(_splits(shares, weights, scale), dispersion)


def rho_of(dispersion: npt.ArrayLike, spare: float) -> Floats:
    """ρ behind a dispersion of 1 + (n - 1) ρ. spare: n - 1, on average."""
    if spare <= 0:
        return np.zeros_like(dispersion, dtype=np.float64)
    return np.asarray(np.clip((np.asarray(dispersion) - 1) / spare, 0, MOST_RHO))


def at_most(dispersion: float, freedom: int) -> float:
    """The dispersion that shows itself so small in one series of twenty: by the chi-squared law (Wilson-Hilferty)."""
    spread = 2 / (9 * freedom)
    return dispersion / max(1e-3, 1 - spread - 1.645 * math.sqrt(spread)) ** 3


def _splits(shares: Floats, weights: Floats, scale: Floats) -> Floats:
    """Pearson's comparison of the shares before and after each place 1 … T-1 (S, T-1); -inf too near an end."""
    sums = np.cumsum(weights[:, :, None] * shares, axis=1)  # (S, T, C)
    totals = np.cumsum(weights, axis=1)  # (S, T)
    before, whole = totals[:, :-1], totals[:, -1:]
    apart = sums[:, :-1] - sums[:, -1:] * (before / whole)[:, :, None]
    compared = np.einsum("stc,sc->st", apart**2, scale) * whole / (before * (whole - before))
    compared[:, : LEAST_PERIODS - 1] = -math.inf
    compared[:, len(shares[0]) - LEAST_PERIODS :] = -math.inf
    return np.asarray(compared)


def _change(table: Ints, start: int, end: int, level: float, seed: int) -> Found:
    """The best place to split periods start … end of a series without gaps, and its p-value; 1 where too short."""
    part = table[start:end].astype(np.float64)
    part = part[:, part.sum(axis=0) > 0]
    if len(part) < SHORTEST or part.shape[1] < 2:
        return Found(start, end, start, 1.0, level)
    looked = _look(part[None])
    place = int(looked.at_each[0].argmax()) + 1
    freedom = (len(part) - 2) * (part.shape[1] - 1)
    rho = float(rho_of(at_most(float(looked.dispersion[0]), freedom), float((part.sum(axis=1) - 1).mean())))
    p_value = _p_value(float(looked.best[0]), part, rho, level, np.random.default_rng([seed, start, end]))
    return Found(start, end, start + place, p_value, level)


def _p_value(statistic: float, part: Floats, rho: float, level: float, generator: np.random.Generator) -> float:
    """How often such a series without a change reaches the statistic, by simulation; roughly, where far above level."""
    n = part.sum(axis=1).astype(np.int64)
    pooled = part.sum(axis=0) / part.sum()
    simulated = np.empty(0)
    while len(simulated) < AT_MOST:
        n_series = AT_ONCE if len(simulated) else FEW
        drawn = unchanged(pooled, n, rho, n_series, generator)
        simulated = np.concatenate([simulated, _look(drawn.astype(np.float64)).best])
        reached = int((simulated >= statistic).sum())
        if reached >= CLEAR or (reached >= OF_TAIL and reached > FAR * level * len(simulated)):
            return (1 + reached) / (1 + len(simulated))
    if reached >= OF_TAIL:
        return (1 + reached) / (1 + len(simulated))
    return _from_tail(statistic, simulated, (len(part) - 2) * (part.shape[1] - 1))


def _from_tail(statistic: float, simulated: Floats, freedom: int) -> float:
    """The share beyond a statistic that few simulated ones reach.

    A ratio of sums of squares falls off as (1 + x / freedom)^-…: its logarithm has an exponential tail, which is fitted
    to the greatest tenth.
    """
    straight = freedom * np.log1p(simulated / freedom)
    edge = float(np.quantile(straight, 0.9))
    beyond = straight[straight > edge] - edge
    distance = freedom * math.log1p(statistic / freedom) - edge
    return float(len(beyond) / len(simulated) * math.exp(-max(0.0, distance) / float(beyond.mean())))


def unchanged(shares: Floats, n: Ints, rho: float, n_series: int, generator: np.random.Generator) -> Ints:
    """Series (S, T, C) without a change: counts of n texts (T,) a period, their shares (C,) varying by ρ."""
    if rho <= 0:
        return generator.multinomial(n, shares, size=(n_series, len(n)))
    weights = generator.standard_gamma(shares * (1 - rho) / rho, size=(n_series, len(n), len(shares)))
    totals = weights.sum(axis=2, keepdims=True)
    drawn = np.where(totals > 0, weights / np.where(totals > 0, totals, 1), shares)
    return generator.multinomial(np.broadcast_to(n, drawn.shape[:2]), drawn)


def _further(table: Ints, found: Found, level: float, seed: int) -> list[Found]:
    """Changes within the two sides of one that was found, at half the level each.

    Days that may stand on either side of it are left out: they would look like a change of their own.
    """
    more = list[Found]()
    earliest, latest = _possible(table, found.start, found.end)
    for start, end in ((found.start, earliest), (latest, found.end)):
        part = _change(table, start, end, level / 2, seed)
        if part.p_value <= part.level:
            more += [part, *_further(table, part, level / 2, seed)]
    return more


def _possible(table: Ints, start: int, end: int) -> tuple[int, int]:
    """The first and the last place at which periods start … end may be divided as well as at the best."""
    looked = _look(table[None, start:end].astype(np.float64)).at_each[0]
    places = start + 1 + np.flatnonzero(looked >= looked.max() - POSSIBLE)
    return int(places[0]), int(places[-1])


def _relocated(table: Ints, found: list[Found]) -> list[Found]:
    """The changes in order of time, each moved to the best place between its neighbours."""
    ordered = sorted(found, key=lambda one: one.place)
    for number, one in enumerate(ordered):
        start = ordered[number - 1].place if number else 0
        end = ordered[number + 1].place if number + 1 < len(ordered) else len(table)
        part = table[start:end].astype(np.float64)
        place = int(_look(part[None]).at_each[0].argmax()) + 1
        ordered[number] = one._replace(start=start, end=end, place=start + place)
    return ordered


def _watched(table: Ints, found: list[Found], correction: Correction | None, rate: float, n_series: int) -> Watched:
    there = np.flatnonzero(table.sum(axis=1))
    rows = table[there]
    places = [one.place for one in found]
    rho = within_rho(rows, places)
    edges = [0, *places, len(rows)]
    alarms = [
        _alarm(rows, one, start, end, there, rho, correction)
        for one, start, end in zip(found, edges, edges[2:], strict=False)
    ]
    resembles = _resembles_last(rows, places)
    notes = _notes(table, rows, places, rho, resembles)
    return Watched(alarms, rho, resembles, _stated(len(rows), rate, n_series), notes)


def _alarm(
    rows: Ints, found: Found, start: int, end: int, there: Ints, rho: float, correction: Correction | None
) -> Alarm:
    """What is said of a change within periods start … end. there: the number of each row in the series with gaps."""
    earliest, latest = _possible(rows, start, end)
    n = rows.sum(axis=1)
    counted = rows / (1 + (n - 1) * rho)[:, None]
    before, after = counted[start : found.place].sum(axis=0), counted[found.place : end].sum(axis=0)
    pooled = (before + after) / (before + after).sum()
    moved = after / after.sum() - before / before.sum()
    clearness = moved / np.sqrt(np.where(pooled > 0, pooled * (1 - pooled), 1))
    is_corrected = correction is not None and correction.why_not is None
    used = (
        correction
        if correction is not None and is_corrected
        else as_predicted([str(number) for number in range(rows.shape[1])])
    )
    return Alarm(
        at=int(there[found.place]),
        earliest=int(there[earliest]),
        latest=int(there[latest]),
        class_number=int(np.abs(clearness).argmax()),
        grown=int(clearness.argmax()),
        before=used.shares(before).values,
        after=used.shares(after).values,
        difference=used.difference(before, after).intervals,
        p_value=found.p_value,
        level=found.level,
        is_corrected=is_corrected,
    )


def _resembles_last(rows: Ints, places: list[int]) -> float:
    """Correlation of each period's shares with those of the one before it, within the parts between changes."""
    products, squares = 0.0, 0.0
    for part in np.split(rows.astype(np.float64), places):
        if not len(part):
            continue
        n = part.sum(axis=1, keepdims=True)
        off = (part / n - part.sum(axis=0) / n.sum()) * np.sqrt(n)
        products += float((off[1:] * off[:-1]).sum())
        squares += float((off**2).sum())
    return products / squares if squares > 0 else 0.0


def _stated(n_periods: int, rate: float, n_series: int) -> Message:
    if n_periods < SHORTEST:
        return plural_message(
            "%(n)s period with texts is too few for an alarm; it takes %(least)s.",
            "%(n)s periods with texts are too few for an alarm; it takes %(least)s.",
            n_periods,
            least=SHORTEST,
        )
    if n_series == 1:
        return message(
            "Of series of %(n)s periods without a change, at most %(percent)s %% have an alarm.",
            n=f"{n_periods:,}",
            percent=f"{100 * rate:g}",
        )
    return message(
        "Where none of %(n)s series has a change, one of them has an alarm in at most %(percent)s %% of cases (Holm).",
        n=f"{n_series:,}",
        percent=f"{100 * rate:g}",
    )


def _notes(table: Ints, rows: Ints, places: list[int], rho: float, resembles: float) -> list[Message]:
    notes = list[Message]()
    if gaps := len(table) - len(rows):
        notes.append(
            plural_message(
                "%(n)s period has no text: a gap, which counts for nothing.",
                "%(n)s periods have no text: gaps, which count for nothing.",
                gaps,
            )
        )
    if rho > 0 and len(rows) >= SHORTEST and _is_dispersed(rows, places, rho):
        typical = float(np.median(rows.sum(axis=1)))
        notes.append(
            message(
                "Shares vary from period to period %(times)s times as much as chance makes %(n)s texts vary; alarms "
                "allow for it.",
                times=f"{math.sqrt(1 + (typical - 1) * rho):.2g}",
                n=f"{typical:,.0f}",
            )
        )
    if len(rows) >= 4 * LEAST_PERIODS and resembles > LASTS / math.sqrt(len(rows)):
        notes.append(
            message(
                "Periods resemble the one before them (correlation %(r)s): moods that last can raise alarms more often "
                "than stated.",
                r=f"{resembles:.2f}",
            )
        )
    return notes


def _is_dispersed(rows: Ints, places: list[int], rho: float) -> bool:
    """Whether ρ is more than chance alone would have shown in one series of a hundred (normal approximation)."""
    freedom = (len(rows) - 1 - len(places)) * (int((rows.sum(axis=0) > 0).sum()) - 1)
    excess = float((rows.sum(axis=1) - 1).mean()) * rho
    return freedom > 0 and excess > 2.33 * math.sqrt(2 / freedom)
