"""README.md of an export: what it is, how it is used without Textmill, and the proof that it is equal. Room: hub/.

Front matter as Hugging Face's hub reads it, like the card of a run (report/card.py).
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from textmill.hub.leaving import Leaving, Written
from textmill.report.card import PIPELINES, fenced, markdown, yaml_string
from textmill.report.numbers import metric
from textmill.report.words import METRICS

LANGUAGE_SHARE = 0.05
MORE_METRICS = {"bpb": "bits per byte"}


def card_of(leaving: Leaving, written: Written, title: str) -> str:
    """The whole card as Markdown."""
    run, proof = leaving.run, written.proof
    assert proof is not None, "a format proves what it writes"
    checked = ", ".join(f"{name} {number}" for name, number in proof.by.items())
    one, many = {"logits": ("a logit", "logits"), "vectors": ("a number of a vector", "numbers")}[proof.of]
    lines = [
        *front_of(leaving, written),
        f"# {markdown(run.name)}",
        "",
        f"{markdown(written.architecture)}, exported as {title} by Textmill from step {leaving.step:,} of a run of "
        f"`--task {run.config.task.name}`. Tokenizer: {leaving.tokenizer.kind}, {leaving.tokenizer.vocab_size:,} ids.",
        "",
        "## Use",
        "",
        f"With {', '.join(written.needs)} alone, in this folder:",
        "",
        fenced(written.python.rstrip(), "python"),
        "",
        *(f"- {markdown(note)}" for note in written.notes),
        *([""] if written.notes else []),
        "## Proof",
        "",
        f"Measured when it was exported, by {markdown(checked)}:",
        "",
        f"- largest difference of {one} from the run: **{proof.max_difference:.2g}** (at most {proof.allowed:g} is "
        f"let through), of {proof.n_numbers:,} {many}; {markdown(proof.how)}",
        f"- texts cut into the same ids: **{proof.n_texts_equal:,} of {proof.n_texts:,}** (seeded: English, Chinese, "
        "other scripts, emoji, signs, words of control)",
        *(
            [f"- likeliest tokens, one after the other: **{proof.n_greedy} of {proof.n_greedy} equal**"]
            * bool(proof.n_greedy)
        ),
        "",
        *measured(leaving),
    ]
    return "\n".join(lines).rstrip() + "\n"


def front_of(leaving: Leaving, written: Written) -> list[str]:
    shares: dict[str, float] = leaving.run.info.get("data", {}).get("languages") or {}
    languages = [code for code in ("en", "zh") if shares.get(code, 0) >= LANGUAGE_SHARE]
    pipeline = PIPELINES.get(leaving.config.task.name)
    lines = ["---", f"library_name: {written.library}", "tags:", "- textmill"]
    lines += [f"- {leaving.config.model.arch}"]
    lines += [f"pipeline_tag: {pipeline}"] if pipeline else []
    lines += ["language:", *(f"- {code}" for code in languages)] if languages else []
    lines += [f"{name}: {yaml_string(value)}" for name, value in written.front.items()]
    return [*lines, "---", ""]


def measured(leaving: Leaving) -> list[str]:
    """What the run measured of its best weights, as it stands in the run."""
    found: Any = leaving.run.evaluation()
    if found is None:
        return []
    rows = [(METRICS[name], metric(name, value)) for name, value in found.metrics.items() if name in METRICS]
    data = markdown(PurePath(str(found.data)).name)
    return [
        "## Measured",
        "",
        f"The run, on {data}, with the best weights by validation:",
        "",
        "| | |",
        "| --- | ---: |",
        *(f"| {markdown(title)} | {value} |" for title, value in rows),
        "",
    ]
