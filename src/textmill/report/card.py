"""results.Report -> README.md, the model card: YAML for model hubs, Markdown for people. Room: report/.

Front matter as Hugging Face reads it: huggingface_hub's modelcard template and `model-index`. Names and paths may hold
anything: every string in YAML is quoted, every string in Markdown is escaped.
"""

from __future__ import annotations

import math
import re
import shlex
from functools import cache
from pathlib import PurePath
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from textmill.report import numbers, saying
from textmill.report.class_rows import classes_of
from textmill.report.page import data_of, making_of, numbers_of, verdict_of
from textmill.report.showing import escape_of, is_hidden, on_one_line, visible
from textmill.report.words import METRICS, Words
from textmill.results import Report

PIPELINES = {
    "lm": "text-generation",
    "translate": "translation",
    "classify": "text-classification",
    "answer": "question-answering",
    "mask": "fill-mask",
}
# our metric -> the name under which a hub lists it
HUB_METRICS = {"bpb": "bits_per_byte", "perplexity": "perplexity", "loss": "cross_entropy"}
HUB_METRICS_OF_ANSWERS = {"em": "exact_match", "f1": "f1"}
HUB_METRICS_OF_CLASSES = {"accuracy": "accuracy", "f1_macro": "f1", "brier": "brier_score"}
LANGUAGE_SHARE = 0.05  # a language is named from this share of the characters on
MARKDOWN = re.compile(r"([\\`*_\[\]|~$#!])")
LIST_MARK = re.compile(r"^(\s*)(?:([-+=])|(\d+)([.)])(?=\s|$))")  # at the head of a line it would begin a list

PYTHON = """\
from textmill import open_run
from textmill.generation import write

run = open_run({run})
writing = write(
    run.model(), run.tokenizer, [{prompt}], run.config.generate, seed=0, begin_mark=run.config.tokens.begin_mark
)
print(writing.finish()[0].text)"""


PYTHON_TRANSLATE = """\
import textmill

[found] = textmill.translate({run}, {source}{to})
print(found.translation)"""


PYTHON_CLASSIFY = """\
import textmill

[found] = textmill.classify({run}, {text})
print(found.label, found.probabilities)"""
PYTHON_ANSWER = """\
import textmill
from textmill.tasks.answering import reader_of

reader = reader_of(textmill.open_run({run}))
[[answer]] = reader.read("When was the mill built?", ["The mill was built in 1874."])
print(answer.text, answer.start, answer.end, answer.score)"""
PYTHON_START = """\
import textmill
from textmill import Config

data, task, model = {{"paths": "reviews.csv"}}, {{"name": "classify"}}, {{"start": {run}}}
textmill.train(Config(data=data, task=task, model=model))"""
LONG_TEXT = 80  # characters of a text that is shown how to be classified


def card(report: Report, words: Words) -> str:
    """The whole card as Markdown."""
    data = data_of(report, words)
    values = (
        {"report": report, "name": saying.name_of(report), "is_stock": report.arch in saying.ARCHITECTURES}
        | front_of(report, words)
        | use_of(report)
        | verdict_of(report, words)
        | classes_of(report, words)
        | data
        | numbers_of(report, words)
        | making_of(report, words)
        | {
            "about": about(report, words),
            "colon": "：" if words.lang == "zh" else ":",
            "languages": language_codes(report),
            "further_files": words.plural(
                "%(n)s smaller file is listed in report.html.",
                "%(n)s smaller files are listed in report.html.",
                len(data["folded_files"]),
            ),
        }
    )
    return environment_of(words.lang).get_template("card.md.jinja").render(values)


@cache
def environment_of(lang: str) -> Environment:
    """The template and its filters in a language: read and compiled once in a process."""
    environment = Environment(
        loader=PackageLoader("textmill.report", "."),
        extensions=["jinja2.ext.i18n"],
        autoescape=False,  # Markdown: each value goes through md, fenced or yaml
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.install_gettext_translations(Words(lang).translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "count": numbers.count,
        "fenced": fenced,
        "md": markdown,
        "measure": numbers.measure,
        "plain": numbers.plain,
        "yaml": yaml_string,
        "yaml_number": yaml_number,
    }
    return environment


def front_of(report: Report, words: Words) -> dict[str, Any]:
    metrics = report.evaluation.metrics if report.evaluation else {}
    names = {
        "bpb": words("bits per byte"),
        "perplexity": words("perplexity per token"),
        "loss": words("nats per token"),
        **{name: words(METRICS[name]) for name in (*HUB_METRICS_OF_CLASSES, *HUB_METRICS_OF_ANSWERS)},
    }
    of_task = {"classify": HUB_METRICS_OF_CLASSES, "mask": HUB_METRICS_OF_CLASSES, "answer": HUB_METRICS_OF_ANSWERS}
    wanted = of_task.get(report.task, HUB_METRICS)
    paths = report.data.get("paths") or []
    return {
        "pipeline_tag": PIPELINES.get(report.task),
        "dataset": ", ".join(PurePath(str(path)).name or str(path) for path in paths) or saying.name_of(report),
        "measured": [
            {"type": hub_name, "name": names[name], "value": metrics[name]}
            for name, hub_name in wanted.items()
            if math.isfinite(metrics.get(name, math.nan))
        ],
    }


def language_codes(report: Report) -> list[str]:
    """zh and en, where they are a noticeable share of the text; other scripts are not told apart and not named."""
    shares = report.data.get("languages") or {}
    return sorted(code for code in ("en", "zh") if shares.get(code, 0) >= LANGUAGE_SHARE)


def use_of(report: Report) -> dict[str, str]:
    """Commands and Python that open this run. A card travels: a path from the root of this machine is not in it."""
    path = PurePath(report.run)
    run = str(PurePath(*path.parts[-2:])) if path.is_absolute() else report.run
    prompt, sentence = saying.opening_for(report.data.get("languages") or {})
    if report.task == "translate":
        source = next((str(sample["prompt"]) for sample in report.samples), sentence)
        into = (report.data.get("into") or [])[:1]
        wanted = [word for name in into for word in ("--to", name)]
        commands = saying.command("translate", run, *wanted, source), saying.command("translate", run, *wanted)
        return {
            "commands": f"{commands[0]}\n{commands[1]} < in.txt",
            "python": PYTHON_TRANSLATE.format(
                run=repr(run), source=repr(source), to="".join(f", to={name!r}" for name in into)
            ),
        }
    if report.task == "answer":
        return {
            "commands": saying.command("eval", run),
            "python": PYTHON_ANSWER.format(run=repr(run)),
        }
    if report.task == "mask":
        words = ["textmill", "train", "reviews.csv", "--task", "classify", "--from", shlex.quote(run)]
        return {"commands": " ".join(words), "python": PYTHON_START.format(run=repr(run))}
    if report.task == "classify":
        text = next((str(sample["prompt"]) for sample in report.samples), sentence)[:LONG_TEXT]
        one = saying.command("classify", run, text)
        return {
            "commands": f"{one}\n{saying.command('classify', run)} < in.txt",
            "python": PYTHON_CLASSIFY.format(run=repr(run), text=repr(text)),
        }
    return {
        "commands": f"{saying.command('generate', run, prompt)}\n{saying.command('score', run, sentence)}",
        "python": PYTHON.format(run=repr(run), prompt=repr(prompt)),
    }


def about(report: Report, words: Words) -> str:
    """The model in a line."""
    total = report.n_parameters.get("total")
    said = [saying.architecture(report)]
    if total is not None:
        said.append(words("%(n)s parameters", n=numbers.count(total)))
    kind, size = report.tokenizer.get("kind"), report.tokenizer.get("vocab_size")
    if kind and size:
        said.append(words("tokenizer %(kind)s with %(n)s tokens", kind=kind, n=numbers.count(size)))
    if report.steps is None:
        said.append(words("step %(step)s", step=numbers.count(report.step)))
    else:
        said.append(
            words("step %(step)s of %(steps)s", step=numbers.count(report.step), steps=numbers.count(report.steps))
        )
    shares = saying.languages(report, words)
    return words.comma.join([*said, shares] if shares else said)


def markdown(text: object) -> str:
    """A text inside Markdown, on one line, that formats nothing and holds no HTML.

    >>> markdown("<b> a|b *c*")
    '&lt;b&gt; a\\\\|b \\\\*c\\\\*'
    """
    line = on_one_line(str(text))
    line = MARKDOWN.sub(r"\\\1", line)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return LIST_MARK.sub(lambda found: f"{found[1]}{found[3] or ''}\\{found[2] or found[4]}", line)


def fenced(text: str, language: str = "") -> str:
    """A text as a code block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{visible(text)}\n{fence}"


def yaml_string(text: object) -> str:
    r"""A double-quoted YAML string: colons, quotes, line ends and any Unicode are safe in it.

    >>> print(yaml_string('a: "b"\n'))
    "a: \"b\"\n"
    """
    named = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return (
        '"' + "".join(named.get(char) or (_yaml_escape(char) if is_hidden(char) else char) for char in str(text)) + '"'
    )


def yaml_number(value: float) -> str:
    """A finite number that every YAML reader takes for one: 1e-05 has a point, as YAML 1.1 wants."""
    text = repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _yaml_escape(char: str) -> str:
    # Half a surrogate pair is no character in YAML: its escape is written as text.
    return "\\" + escape_of(char) if 0xD800 <= ord(char) <= 0xDFFF else escape_of(char)
