"""What a report says in sentences and rows, for page and card alike. Room: report/.

Nothing is computed here but an order: which number is smaller. All numbers come from results.Report.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from textmill.report import numbers
from textmill.report.headline import headline_of
from textmill.report.showing import on_one_line
from textmill.report.words import FLOOR_MEANINGS, LANGUAGES, PARTS, Words, floor_name
from textmill.results import Report

ARCHITECTURES = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU", "transformer": "Transformer", "ngram": "n-gram"}


@dataclass(frozen=True)
class Ranked:
    """One who predicts: the model or a floor, with the number that the report is about."""

    name: str
    metric: str
    value: float
    interval: tuple[float, float] | None
    is_model: bool
    meaning: str

    @property
    def shown(self) -> str:
        return numbers.metric(self.metric, self.value)

    @property
    def low(self) -> str:
        return numbers.metric(self.metric, self.interval[0]) if self.interval else ""

    @property
    def high(self) -> str:
        return numbers.metric(self.metric, self.interval[1]) if self.interval else ""


def name_of(report: Report) -> str:
    """The run's own name: the last part of its path."""
    return PurePath(report.run).name or report.run


def architecture(report: Report) -> str:
    """The architecture as people write it."""
    return ARCHITECTURES.get(report.arch, report.arch)


def languages(report: Report, words: Words) -> str:
    """`English 98.2 %, Chinese 1.8 %`; empty where nothing was counted."""
    shares = report.data.get("languages") or {}
    named = sorted(((share, name) for name, share in shares.items() if share > 0), reverse=True)
    return words.comma.join(
        f"{words(LANGUAGES[name]) if name in LANGUAGES else name} {numbers.share(share)}" for share, name in named
    )


def part_name(part: str, words: Words) -> str:
    """train, validation, test in words; anything else, a path for one, as it is."""
    return words(PARTS[part]) if part in PARTS else on_one_line(part)


def model_value(report: Report) -> float | None:
    """The number that matters; None where it was not measured."""
    return report.evaluation.metrics.get(headline_of(report).metric) if report.evaluation else None


def interval_of(report: Report) -> tuple[float, float] | None:
    """The interval of that number, if one was computed."""
    return report.evaluation.intervals.get(headline_of(report).metric) if report.evaluation else None


def difference_from(report: Report, floor: str) -> tuple[float, float] | None:
    """The paired interval of bpb(model) − bpb(floor), where the measurement has it: finer than the model's own."""
    differences = report.evaluation.convention.get("bpb_minus_floor") if report.evaluation else None
    ends = differences.get(floor) if isinstance(differences, dict) else None
    if not isinstance(ends, (list, tuple)) or len(ends) != 2:
        return None
    return float(ends[0]), float(ends[1])


def interval_label(report: Report, words: Words) -> str:
    """`95 % interval`, where the measurement says what it covers."""
    confidence = report.evaluation.convention.get("confidence") if report.evaluation else None
    if isinstance(confidence, (int, float)) and not isinstance(confidence, bool):
        return words("%(percent)s %% interval", percent=f"{100 * confidence:g}")
    return words("interval")


def ranking(report: Report, words: Words) -> list[Ranked]:
    """The model and its floors by the report's number, best first; `missing_floors` names those without it."""
    value, told = model_value(report), headline_of(report)
    if report.evaluation is None or value is None:
        return []
    rows = [Ranked(words("this model"), told.metric, value, interval_of(report), True, _of_model(report, words))]
    for name, values in report.evaluation.baselines.items():
        if told.metric in values:
            meaning = words(FLOOR_MEANINGS[name]) if name in FLOOR_MEANINGS else ""
            rows.append(Ranked(floor_name(name, words), told.metric, values[told.metric], None, False, meaning))
    sign = 1 if told.is_lower_better else -1
    return sorted(rows, key=lambda row: (math.isnan(row.value), sign * row.value, not row.is_model, row.name))


def missing_floors(report: Report, words: Words) -> list[str]:
    """The names of the floors that every measurement should have and this one has not."""
    if report.evaluation is None:
        return []
    known, told = report.evaluation.baselines, headline_of(report)
    return [floor_name(name, words) for name in told.floors if told.metric not in known.get(name, {})]


def standing(report: Report, words: Words) -> str:
    """Where the model stands beside its floors, in a sentence or two."""
    bpb = model_value(report)
    if report.evaluation is None or bpb is None:
        return words("Not measured.")
    if headline_of(report).metric != "bpb":
        return words.told(report.evaluation.verdict, report.evaluation.messages)
    if not math.isfinite(bpb):
        return words("The number is not finite: this model gives some text of the held-out part no probability at all.")
    every = {name: values["bpb"] for name, values in report.evaluation.baselines.items() if "bpb" in values}
    uniform = every.get("uniform", math.inf)
    floors = {name: floor for name, floor in every.items() if name != "uniform" and math.isfinite(floor)}
    if bpb >= uniform:
        return words(
            "No better than guessing: when every token is held equally likely, the same text takes %(bits)s bits per "
            "byte.",
            bits=numbers.measure(uniform),
        )
    if not floors:
        return words(
            "No n-gram floor was measured beside this number, so it cannot be said from here whether it is good."
        )
    best = min(floors, key=lambda name: (floors[name], name))
    said = {"floor": floor_name(best, words), "bits": numbers.measure(floors[best])}
    if bpb >= floors[best]:
        return words(
            "Does not beat its floor: %(floor)s needs %(bits)s bits per byte. Counting what follows what "
            "predicts this text as well or better.",
            **said,
        )
    difference = difference_from(report, best)
    if difference is not None:
        low, high = difference
        between = {"low": numbers.measure(low).replace("-", "−"), "high": numbers.measure(high).replace("-", "−")}
        if high >= 0:
            return words(
                "Better than every floor, but not by more than chance could make: beside the best of them, %(floor)s "
                "at %(bits)s, the paired difference lies between %(low)s and %(high)s.",
                **said,
                **between,
            )
        return words(
            "Better than every floor. Beside the best of them, %(floor)s at %(bits)s, the paired difference lies "
            "between %(low)s and %(high)s.",
            **said,
            **between,
        )
    interval = interval_of(report)
    if interval is None:
        return words(
            "Better than every floor; the best of them is %(floor)s at %(bits)s. No interval was computed.", **said
        )
    if interval[1] >= floors[best]:
        return words(
            "Better than every floor, but not by more than chance could make: the best of them, %(floor)s at %(bits)s, "
            "lies inside the interval.",
            **said,
        )
    return words(
        "Better than every floor: the whole interval lies below the best of them, %(floor)s at %(bits)s.", **said
    )


def not_measured(report: Report, words: Words) -> str:
    """Why there is no number, as far as the report knows."""
    if report.evaluation is not None:
        return words("The measurement does not hold this number. Measure the run again:")
    if report.steps is not None and report.step < report.steps:
        return words(
            "The run stands at step %(step)s of %(steps)s and nothing was measured on held-out text yet. "
            "The same training command continues it; this one measures it as it is:",
            step=numbers.count(report.step),
            steps=numbers.count(report.steps),
        )
    return words("Nothing was measured on held-out text yet. This command does it:")


def command(verb: str, run: str, *words: str) -> str:
    """A shell line that can be pasted."""
    return " ".join(["textmill", verb, shlex.quote(run), *(shlex.quote(word) for word in words)])


def next_commands(report: Report) -> list[str]:
    """What to try: the run's own suggestions; else to go on training where it is not finished, and to let it write."""
    if report.next:
        return report.next
    go_on = [report.command] if report.command and report.status != "finished" else []
    return go_on + ([command("generate", report.run, prompt_for(report))] if report.step else [])


def prompt_for(report: Report) -> str:
    """The beginning of a text in the language that the model read most of."""
    return opening_for(report.data.get("languages") or {})[0]


def opening_for(languages: Mapping[str, float]) -> tuple[str, str]:
    """How a text begins, and its first sentence, in the one of our two languages that has the larger share."""
    if languages.get("zh", 0) > languages.get("en", 0):
        return "从前", "从前有一座山。"
    return "Once", "Once upon a time there was a mountain."


def _of_model(report: Report, words: Words) -> str:
    total = report.n_parameters.get("total")
    said = architecture(report)
    return said if total is None else words.comma.join([said, words("%(n)s parameters", n=numbers.count(total))])


def utilisation(report: Report, words: Words) -> str:
    """How much of the machine the updates used; "" where it was not measured."""
    found = report.utilisation
    share = found.get("share")
    if share is None:
        return ""
    told = words(
        "The updates used %(share)s of what this machine multiplies at most: %(flops)s GFLOP/s of a peak of %(peak)s, "
        "which a product of large matrices reached before the first step.",
        share=numbers.share(share),
        flops=f"{share * found['peak_flops_per_s'] / 1e9:,.1f}",
        peak=f"{found['peak_flops_per_s'] / 1e9:,.1f}",
    )
    counted = words(
        "Counted: %(flops)s MFLOP a token, by the convention %(convention)s.",
        flops=f"{found['flops_per_token'] / 1e6:,.2f}",
        convention=words(str(found["convention"])),
    )
    return told + words.space + counted
