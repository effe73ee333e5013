"""How often does an alarm of opinion come without a change, and how often and where with one?

    python benchmarks/opinion_alarms.py [--series 300] [--streams 100] [--rate 0.01] [--only NAME...]

Series of 60 days are made: true shares of a day, perhaps swinging beyond chance; texts of these classes; a
classifier's confusion on them. Printed for each design, over so many series: the share with an alarm without a change
(the stated rate should be above it); with a change on a day drawn from 10 to 50, the share found, the share with a
further, false alarm, the error in days (median, nine in ten), how often the day lay between the stated two, how often
the interval of the change in the true share covered it. Then the same for periods that come one by one, with the delay
in days; and corrected shares of a day, how often their interval covered the truth.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from textmill.metrics.alarms import AlarmStream, alarms_in
from textmill.metrics.prevalence import Correction

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

N_DAYS, LABELLED = 60, 500


def right(share: float, n_classes: int = 2) -> Floats:
    """A classifier that is right in a share of the texts of each class, its errors on all others alike."""
    off = (1 - share) / (n_classes - 1)
    return np.full((n_classes, n_classes), off) + (share - off) * np.eye(n_classes)


@dataclass(frozen=True)
class Design:
    """before, after: true shares; rho: how much those of a day swing; lasting: correlation with the last day's."""

    before: tuple[float, ...]
    after: tuple[float, ...]
    n: tuple[int, ...] = (200,)
    """Texts of a day, from the first on and again from the beginning."""
    rates: Floats = field(default_factory=lambda: right(0.8))
    rho: float = 0.0
    lasting: float = 0.0

    def series(self, day: int | None, generator: np.random.Generator) -> Ints:
        """Counts of predicted classes (60, C); day: of the change, or none."""
        truths = np.array([self.before if day is None or now < day else self.after for now in range(N_DAYS)])
        if self.lasting:
            truths = truths + self.swing(generator)
        elif self.rho:
            truths = np.array([generator.dirichlet(truth * (1 - self.rho) / self.rho) for truth in truths])
        return generator.multinomial(np.resize(self.n, N_DAYS), np.clip(truths, 0, 1) @ self.rates)

    def swing(self, generator: np.random.Generator) -> Floats:
        """Of two classes: a first-order autoregression as wide as ρ makes days that do not hang together."""
        width = math.sqrt(self.rho * self.before[0] * self.before[1])
        moods = [width * generator.standard_normal()]
        for _ in range(N_DAYS - 1):
            moods.append(
                self.lasting * moods[-1] + width * math.sqrt(1 - self.lasting**2) * generator.standard_normal()
            )
        return np.stack([moods, np.negative(moods)], axis=1)

    def correction(self, generator: np.random.Generator) -> Correction:
        """The confusion as so many labelled texts show it."""
        n_labelled = np.full(len(self.before), LABELLED // len(self.before))
        names = [str(number) for number in range(len(self.before))]
        return Correction(generator.multinomial(n_labelled, self.rates), names, draws=500)


DESIGNS = {
    "two classes, 50 % to 60 %": Design((0.5, 0.5), (0.6, 0.4)),
    "two classes, 80 % to 70 %": Design((0.8, 0.2), (0.7, 0.3)),
    "two classes, 80 % to 90 %": Design((0.8, 0.2), (0.9, 0.1)),
    "three classes, 50 30 20 to 40 40 20": Design((0.5, 0.3, 0.2), (0.4, 0.4, 0.2), rates=right(0.8, 3)),
    "swinging days (rho 0.02)": Design((0.5, 0.5), (0.6, 0.4), rho=0.02),
    "swinging days (rho 0.1)": Design((0.5, 0.5), (0.6, 0.4), rho=0.1),
    "unlike days, swinging": Design((0.5, 0.5), (0.6, 0.4), n=(20, 50, 1000, 200, 5), rho=0.02),
    "gaps: every third day without text": Design((0.5, 0.5), (0.6, 0.4), n=(200, 200, 0)),
    "20 texts a day, a rare class, 95 % to 85 %": Design((0.95, 0.05), (0.85, 0.15), n=(20,)),
    "moods that last (rho 0.02, correlation 0.5)": Design((0.5, 0.5), (0.6, 0.4), rho=0.02, lasting=0.5),
}


def whole_series(design: Design, n: int, rate: float) -> str:
    """A line of the table: alarms on whole series."""
    false = further = found = between = covered = 0
    errors = list[int]()
    for number in range(n):
        generator = np.random.default_rng([1, number])
        false += bool(alarms_in(design.series(None, generator), rate, seed=number).alarms)
        day, correction = int(generator.integers(10, 51)), design.correction(generator)
        alarms = alarms_in(design.series(day, generator), rate, correction, seed=number).alarms
        if not alarms:
            continue
        found += 1
        further += len(alarms) > 1
        nearest = min(alarms, key=lambda alarm: abs(alarm.at - day))
        errors.append(abs(nearest.at - day))
        between += nearest.earliest <= day <= nearest.latest
        low, high = nearest.difference[0]
        covered += low <= design.after[0] - design.before[0] <= high
    of_found = max(1, found)
    middle, nine = np.quantile(errors, [0.5, 0.9]) if errors else (math.nan, math.nan)
    return (
        f"{100 * false / n:5.1f} %  {100 * found / n:5.1f} %  {100 * further / n:5.1f} %  {middle:4.0f} {nine:4.0f}  "
        f"{100 * between / of_found:5.1f} %  {100 * covered / of_found:5.1f} %"
    )


def one_by_one(design: Design, n: int, rate: float) -> str:
    """A line of the table: alarms on a stream, the change on day 30."""
    false = early = 0
    delays = list[int]()
    for number in range(n):
        generator = np.random.default_rng([2, number])
        stream = AlarmStream(len(design.before), rate, N_DAYS, seed=number)
        false += any(stream.add(row) is not None for row in design.series(None, generator))
        stream = AlarmStream(len(design.before), rate, N_DAYS, seed=number)
        for day, row in enumerate(design.series(30, generator)):
            if stream.add(row) is not None:
                if day < 30:
                    early += 1
                else:
                    delays.append(day - 30)
                break
    middle, nine = np.quantile(delays, [0.5, 0.9]) if delays else (math.nan, math.nan)
    shares = "  ".join(f"{100 * count / n:5.1f} %" for count in (false, len(delays), early))
    return f"{shares}  delay {middle:3.0f} {nine:3.0f}"


def of_a_day(design: Design, n: int) -> str:
    """A line of the table: intervals of corrected shares of one day."""
    covered = widths = corrected = errors = raw = 0.0
    for number in range(n):
        generator = np.random.default_rng([3, number])
        correction = design.correction(generator)
        truth = np.array(design.before)
        counts = generator.multinomial(max(design.n), truth @ design.rates)
        if correction.why_not is not None:
            continue
        shares = correction.shares(counts)
        low, high = shares.intervals[0]
        corrected += 1
        covered += low <= truth[0] <= high
        widths += high - low
        errors += shares.values[0] - truth[0]
        raw += counts[0] / counts.sum() - truth[0]
    return (
        f"covered {100 * covered / corrected:5.1f} %  width {widths / corrected:.3f}  "
        f"mean error {errors / corrected:+.3f}  not corrected {raw / corrected:+.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=300)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--only", nargs="*", default=[])
    asked = parser.parse_args()
    designs = {name: design for name, design in DESIGNS.items() if not asked.only or any(o in name for o in asked.only)}
    print(f"{asked.series} series each, stated rate {100 * asked.rate:g} %")
    print(f"{'whole series':46}  false    found   further  error p90  between  covered")
    for name, design in designs.items():
        start = time.perf_counter()
        line = whole_series(design, asked.series, asked.rate)
        print(f"{name:46} {line}   {time.perf_counter() - start:.0f} s", flush=True)
    print(f"{asked.streams} streams each")
    print(f"{'one by one, change on day 30':46}  false    found   too early")
    for name, design in designs.items():
        start = time.perf_counter()
        line = one_by_one(design, asked.streams, asked.rate)
        print(f"{name:46} {line}   {time.perf_counter() - start:.0f} s", flush=True)
    print("shares of one day, corrected by the confusion of 500 labelled texts")
    for name, design in designs.items():
        print(f"{name:46} {of_a_day(design, asked.series)}", flush=True)


if __name__ == "__main__":
    main()
