"""results.Report -> report.html, one file that works offline and runs no scripts. Room: report/.

Sorts, folds and rounds; the template (page.html.jinja) only lays out. Long lists are folded, never cut in silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from textmill.report import numbers, saying, showing
from textmill.report.class_rows import OF_CLASS, classes_of
from textmill.report.drawing import Pictures
from textmill.report.headline import headline_of
from textmill.report.sheet import fact_rows, label_of, written
from textmill.report.words import (
    CURVE_COLUMNS,
    LEDGER_MEANINGS,
    LOOPS,
    METRICS,
    N_,
    PARTS,
    STATUSES,
    TIMES,
    Words,
    category_name,
    checkpoint_name,
    comparable,
    floor_name,
    floor_order,
    ledger_order,
)
from textmill.results import FileLook, Report

FILES_SHOWN = 12
SAMPLES_SHOWN_FIRST, SAMPLES_SHOWN_LAST = 2, 3
LONG_SAMPLE = 1200  # characters; a longer one gets a box of its own that scrolls
CURVE_ROWS = 3000  # a longer curve is shown where it was evaluated, and says so
DOCUMENT_ROWS = 500
OF_TEXTS = {"loss": N_("loss, nats per text")}
OF_MASKED = {"loss": N_("loss, nats per hidden token"), "perplexity": N_("perplexity of hidden tokens")}
PART_COLUMNS = {
    "n_documents": N_("documents"),
    "n_tokens": N_("tokens"),
    "n_bytes": N_("bytes"),
    "n_chars": N_("characters"),
}
CONTENTS = {
    "verdict": N_("How good is it?"),
    "classes": N_("Class by class"),
    "loss": N_("Loss by step"),
    "samples": N_("Samples by step"),
    "limits": N_("What this model cannot do"),
    "next": N_("What to try next"),
    "data": N_("What it read"),
    "numbers": N_("All numbers, floors and intervals"),
    "convention": N_("How the numbers were taken"),
    "making": N_("How it was made"),
    "config": N_("Configuration"),
}


@dataclass(frozen=True)
class SampleGroup:
    """The samples that were written at one step."""

    step: int | None
    samples: list[dict[str, Any]]


def page(report: Report, pictures: Pictures, words: Words) -> str:
    """The whole page as HTML."""
    values = (
        {"report": report, "pictures": pictures.drawn, "notes": pictures.notes}
        | head_of(report, words)
        | verdict_of(report, words)
        | classes_of(report, words)
        | curve_of(report, words)
        | samples_of(report, words)
        | data_of(report, words)
        | numbers_of(report, words)
        | making_of(report, words)
    )
    return written("page.html.jinja", values, words)


def head_of(report: Report, words: Words) -> dict[str, Any]:
    return {
        "kind": words("Textmill report"),
        "name": saying.name_of(report),
        "status": words(STATUSES[report.status]) if report.status in STATUSES else report.status,
        "status_class": report.status if report.status in STATUSES else "other",
        "arch": saying.architecture(report),
        "n_parameters": report.n_parameters.get("total"),
        "languages": saying.languages(report, words),
        "contents": [
            (anchor, words(title))
            for anchor, title in CONTENTS.items()
            if anchor != "classes" or (report.evaluation and report.evaluation.classes)
        ],
    }


def verdict_of(report: Report, words: Words) -> dict[str, Any]:
    """The verdict's first sentence is left out where it is known to be one: `standing` says it with intervals."""
    evaluation, told = report.evaluation, headline_of(report)
    verdict = words.retold(evaluation.verdict, evaluation.messages) if evaluation else []
    if evaluation and evaluation.verdict in evaluation.messages:
        verdict = verdict[1:] if told.metric == "bpb" else []
    return {
        "headline": (value := saying.model_value(report)),
        "headline_shown": numbers.metric(told.metric, value),
        "unit": words(told.unit),
        "best_first": words(told.best_first),
        "note": words(told.note),
        "short_note": words(told.short_note),
        "interval": (interval := saying.interval_of(report)),
        "interval_shown": [numbers.metric(told.metric, end) for end in interval or ()],
        "interval_label": saying.interval_label(report, words),
        "standing": saying.standing(report, words),
        "verdict": words.space.join(verdict),
        "limits": [words.told(limit, report.messages) for limit in report.limits],
        "ranking": saying.ranking(report, words),
        "missing_floors": saying.missing_floors(report, words),
        "not_measured": saying.not_measured(report, words),
        "eval_command": saying.command("eval", report.run),
        "next_commands": saying.next_commands(report),
        "floors_caption": floors_caption(report, words),
    }


def floors_caption(report: Report, words: Words) -> str:
    if report.evaluation is None:
        return ""
    said = words("Measured on: %(part)s.", part=saying.part_name(report.evaluation.data, words))
    if saying.interval_of(report):
        said += words.space + words("The thin line on the model's bar is its interval.")
    return said


def curve_of(report: Report, words: Words) -> dict[str, Any]:
    keys = list(dict.fromkeys(["step", *CURVE_COLUMNS, *(key for point in report.curve for key in point)]))
    keys = [key for key in keys if any(key in point for point in report.curve)]
    points = sorted(report.curve, key=lambda point: point["step"])
    shown = points
    if len(points) > CURVE_ROWS:
        shown = [point for point in points if any(key.startswith("valid") for key in point)] or points
    summary = words.plural("%(n)s logged step in numbers", "%(n)s logged steps in numbers", len(shown))
    if len(shown) < len(points):
        summary += words(" (those with an evaluation; all %(n)s are in metrics.jsonl)", n=numbers.count(len(points)))
    caption = words("Training loss is that of the single updates, validation loss that of the held-out part.")
    floors = set(report.evaluation.baselines) if report.evaluation else set()
    if report.evaluation and floors - {"ngram_bytes"}:
        part = saying.part_name(report.evaluation.data, words)
        caption += words.space + (
            words(
                "The floors stand as measured on: %(part)s. The one over bytes has another unit; see bits per byte "
                "above.",
                part=part,
            )
            if headline_of(report).metric == "bpb"
            else words("The floors stand as measured on: %(part)s.", part=part)
        )
    return {
        "curve": [[point.get(key) for key in keys] for point in shown],
        "curve_columns": [label_of(key, CURVE_COLUMNS, words) for key in keys],
        "curve_summary": summary,
        "loss_caption": caption,
    }


def samples_of(report: Report, words: Words) -> dict[str, Any]:
    shares = report.data.get("languages") or {}
    groups: dict[Any, SampleGroup] = {}
    for sample in report.samples:
        step, prompt, text = sample.get("step"), str(sample.get("prompt") or ""), str(sample.get("text") or "")
        group = groups.setdefault(step, SampleGroup(step, []))
        written = text[len(prompt) :] if prompt and text.startswith(prompt) else text
        group.samples.append(
            {
                "prompt": prompt,
                "text": written,
                "lang": showing.language_of_sample(prompt + text, shares),
                "is_long": len(text) > LONG_SAMPLE,
            }
        )
    ordered = [groups[step] for step in sorted(groups, key=lambda step: (step is None, step or 0))]
    first, last = SAMPLES_SHOWN_FIRST, SAMPLES_SHOWN_LAST
    folded = ordered[first:-last] if len(ordered) > first + last + 1 else []
    return {
        "samples": ordered,
        "first_samples": ordered[:first],
        "folded_samples": folded,
        "last_samples": ordered[-last:],
        "folded_samples_summary": words.plural(
            "%(n)s more step in between", "%(n)s more steps in between", len(folded)
        ),
        "loops": [(words(LOOPS[name]) if name in LOOPS else name, value) for name, value in report.loops.items()],
    }


def data_of(report: Report, words: Words) -> dict[str, Any]:
    data = report.data
    columns = [key for key in PART_COLUMNS if isinstance(data.get(key), dict)]
    names = _ordered({part for key in columns for part in data[key]}, PARTS)
    apart = {"notes", "bad_records", *columns}
    files = sorted(report.files, key=lambda file: (-file.bytes, file.path))
    folded = files[FILES_SHOWN:] if len(files) > FILES_SHOWN + 1 else []
    bad_records = [str(record) for record in _several(data.get("bad_records"))]
    return {
        "parts": [
            {"name": saying.part_name(part, words), "cells": [data[key].get(part) for key in columns]} for part in names
        ],
        "part_columns": [words(PART_COLUMNS[key]) for key in columns],
        "data_facts": fact_rows({key: value for key, value in data.items() if key not in apart}, words),
        "data_notes": [words.told(str(note), report.messages) for note in _several(data.get("notes"))],
        "bad_records": bad_records,
        "bad_records_summary": words.plural(
            "%(n)s record that could not be read", "%(n)s records that could not be read", len(bad_records)
        ),
        "ledger": [
            {
                "name": category_name(category, words),
                "bytes": report.ledger[category],
                "meaning": words(LEDGER_MEANINGS[category]) if category in LEDGER_MEANINGS else "",
            }
            for category in ledger_order(report.ledger)
        ],
        "files": files[: len(files) - len(folded)],
        "folded_files": folded,
        "folded_files_summary": words.plural("%(n)s smaller file", "%(n)s smaller files", len(folded)),
        "files_caption": words("Bytes by file, largest first"),
        "categories": _categories(files),
    }


def _categories(files: list[FileLook]) -> list[str]:
    return ledger_order({category for file in files for category in file.ledger})


def numbers_of(report: Report, words: Words) -> dict[str, Any]:
    evaluation = report.evaluation
    if evaluation is None:
        return {
            "metric_rows": [],
            "floor_columns": [],
            "numbers_caption": "",
            "has_byte_floor": False,
            "documents": [],
            "convention": [],
            "convention_notes": [],
        }
    floors = floor_order(evaluation.baselines)
    classes = evaluation.classes
    used = {
        *evaluation.metrics,
        *evaluation.intervals,
        *(key for floor in floors for key in evaluation.baselines[floor]),
    }
    if classes is not None:  # they have a table of their own
        used -= {f"{OF_CLASS}{name}" for name in classes.names}
    rows = []
    of_what = {"n_texts": OF_TEXTS, "n_masked": OF_MASKED}
    meanings = next((own for key, own in of_what.items() if key in evaluation.metrics), {})
    for name in _ordered(used, METRICS):
        label, is_word = label_of(name, METRICS | meanings, words)
        value, interval = evaluation.metrics.get(name), evaluation.intervals.get(name)
        rows.append(
            {
                "label": label,
                "is_word": is_word,
                "value": value,
                "shown": numbers.metric(name, value),
                "interval": interval,
                "low": numbers.metric(name, interval[0]) if interval else "",
                "high": numbers.metric(name, interval[1]) if interval else "",
                "floors": [
                    (value, numbers.metric(name, value))
                    for floor in floors
                    for value in [evaluation.baselines[floor].get(name) if comparable(name, floor) else None]
                ],
            }
        )
    warned = set(classes.alarms) if classes is not None else set()
    notes = [note for note in _several(evaluation.convention.get("notes")) if note not in warned]
    convention = {key: value for key, value in evaluation.convention.items() if key != "notes"}
    differences = convention.get("bpb_minus_floor")
    if isinstance(differences, dict):
        convention["bpb_minus_floor"] = {name: _signed_interval(ends) for name, ends in differences.items()}
    convention |= {
        name: _signed_interval(ends) for name, ends in convention.items() if "minus_" in name and isinstance(ends, list)
    }
    about = {"data": saying.part_name(evaluation.data, words)}
    if evaluation.checkpoint:
        about["checkpoint"] = checkpoint_name(evaluation.checkpoint, words)
    return {
        "metric_rows": rows,
        "floor_columns": [floor_name(floor, words) for floor in floors],
        "numbers_caption": words("Measured on: %(part)s", part=saying.part_name(evaluation.data, words)),
        "has_byte_floor": "ngram_bytes" in floors,
        "convention": fact_rows(about, words) + fact_rows(convention, words, evaluation.messages),
        "convention_notes": [words.told(str(note), evaluation.messages) for note in notes],
    } | documents_of(evaluation.documents, words)


def documents_of(documents: list[dict[str, Any]], words: Words) -> dict[str, Any]:
    keys = list(dict.fromkeys(key for document in documents for key in document))
    shown = documents[:DOCUMENT_ROWS]
    left_out = len(documents) - len(shown)
    return {
        "documents": [
            [
                (
                    document.get(key),
                    value if isinstance(value := document.get(key), str) else numbers.metric(key, value),
                )
                for key in keys
            ]
            for document in shown
        ],
        "document_columns": [label_of(key, METRICS, words) for key in keys],
        "documents_summary": words.plural(
            "Sums of %(n)s document or block", "Sums of %(n)s documents or blocks", len(documents)
        ),
        "documents_left_out": words.plural(
            "%(n)s further document is not listed here; it is in the run's eval folder.",
            "%(n)s further documents are not listed here; they are in the run's eval folder.",
            left_out,
        )
        if left_out
        else "",
    }


def making_of(report: Report, words: Words) -> dict[str, Any]:
    longest = max(report.time.values(), default=0.0)
    times = sorted(report.time.items(), key=lambda item: (-item[1], item[0]))
    model = {"arch": report.arch, "task": report.task} | {
        f"{name}.{key}": value
        for name, values in (("n_parameters", report.n_parameters), ("tokenizer", report.tokenizer))
        for key, value in values.items()
    }
    return {
        "time": [
            {
                "label": label,
                "is_word": is_word,
                "seconds": seconds,
                "shown": numbers.duration(seconds, words),
                "percent": f"{100 * seconds / longest:.1f}" if longest > 0 and seconds > 0 else "0",
            }
            for name, seconds in times
            for label, is_word in [label_of(name, TIMES, words)]
        ],
        "utilisation": saying.utilisation(report, words),
        "model_facts": fact_rows(
            {key: value for key, value in model.items() if value not in (None, "")}, words, report.messages
        ),
        "versions": fact_rows(report.versions, words),
        "hardware": fact_rows(report.hardware, words),
        "config": config_of(report),
    }


def config_of(report: Report) -> list[tuple[str, list[tuple[str, bool, Any]]]]:
    """(section, rows) in the order of the configuration; knobs outside a section come first under ""."""
    loose = {key: value for key, value in report.config.items() if not isinstance(value, dict)}
    sections = {"": loose} if loose else {}
    sections |= {key: value for key, value in report.config.items() if isinstance(value, dict)}
    return [(name, [(key, False, value) for key, value in numbers.facts(values)]) for name, values in sections.items()]


def _ordered(names: Iterable[str], known: dict[str, str]) -> list[str]:
    """Known names in the table's order, then the others by name."""
    names = set(names)
    return [name for name in known if name in names] + sorted(names - set(known))


def _signed_interval(ends: Any) -> Any:
    """`−0.31 … +0.02`: the ends of the interval of a difference."""
    if not isinstance(ends, (list, tuple)) or not all(isinstance(end, (int, float)) for end in ends):
        return ends
    return " … ".join(f"{'+' if end > 0 else ''}{numbers.measure(end)}" for end in ends)


def _several(value: Any) -> list[Any]:
    """A list of notes, whether one was given, several or none."""
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
