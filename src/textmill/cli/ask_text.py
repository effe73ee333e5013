"""What `textmill ask` prints, in English or Chinese. Room: cli/. The numbers are those of results.Asked and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from textmill.cli.output import for_terminal, on_one_line, table
from textmill.report.numbers import count
from textmill.report.words import Words

if TYPE_CHECKING:
    from textmill.results import Asked, AskedAll, AskedAnswer, Ladder


def asked_text(found: Asked, words: Words) -> str:
    """For each answer: what it is and how sure, where it stands, and its sentence in its context."""
    if found.found:
        return "\n\n".join(answer_text(one) for one in found.answers)
    lines = [
        click.style(words.plural("not found in %(n)s file", "not found in %(n)s files", found.n_files), fg="yellow")
    ]
    if found.unplaced:
        said = for_terminal(found.unplaced)
        lines.append(words("said, but it stands in none of the passages: %(said)s", said=said))
    if found.nearest:
        lines += [words("nearest:"), *(answer_text(one) for one in found.nearest)]
    return "\n".join(lines)


def answer_text(one: AskedAnswer) -> str:
    place = on_one_line(one.source) + (f":{one.line}" if one.line is not None else "")
    head = f"{click.style(on_one_line(one.answer), bold=True)}  ({one.score:.2f})  {click.style(place, fg='cyan')}"
    asked = [f"  {for_terminal(one.question)}"] if one.question else []
    return "\n".join([head, *asked, *(f"  {line}" for line in context_text(one).splitlines() if line.strip())])


def context_text(one: AskedAnswer) -> str:
    """The lines of the passage around the sentence, with it and the answer marked."""
    text, start, end = one.context, one.text_start, one.text_start + len(one.text)
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    last = len(text) if last < 0 else last
    inside, behind = one.answer_start, one.answer_start + len(one.answer)
    parts = [
        for_terminal(text[first:start]),
        click.style(for_terminal(text[start:inside]), bold=True),
        click.style(for_terminal(text[inside:behind]), bold=True, fg="green", underline=True),
        click.style(for_terminal(text[behind:end]), bold=True),
        for_terminal(text[end:last]),
    ]
    return "".join(part for part in parts if click.unstyle(part))


def measured_text(found: AskedAll, words: Words) -> str:
    """The rates with their intervals, beside the baseline."""
    names = {
        "right": words("answered rightly, of %(n)s with an answer", n=count(found.n_with_answer)),
        "refused": words("refused, of %(n)s without one", n=count(found.n_without_answer)),
        "answered": words("answered, of %(n)s", n=count(found.n_questions)),
        "precise": words("right, of those answered"),
        "em": words("exact match of the answers, all questions"),
        "f1": words("F1 of the answers, all questions"),
    }
    rows = [["", words("share"), "95 %", words("overlap")]]
    for name, title in names.items():
        if name in found.metrics:
            floor = found.baselines["overlap"].get(name)
            share = f"{100 * found.metrics[name]:.1f} %"
            rows.append(
                [
                    title,
                    share,
                    between(found.intervals.get(name), words),
                    "–" if floor is None else f"{100 * floor:.1f} %",
                ]
            )
    lines = [
        table(rows, right=(1, 2, 3)),
        words(
            "threshold %(threshold)s; overlap: a sentence of the best passage, never refused",
            threshold=f"{found.threshold:g}",
        ),
    ]
    return "\n".join([*lines, *(words("mistake: %(what)s", what=on_one_line(one)) for one in found.mistakes)])


def ladder_text(found: Ladder, words: Words) -> str:
    """A row for each way, and under it those that were not run."""
    rows = [
        [
            "",
            words("right"),
            words("refused"),
            words("exact match"),
            "F1",
            "95 %",
            words("s a question"),
            words("training s"),
            words("parameters"),
            "MB",
        ]
    ]
    for rung in found.rungs:
        if not rung.ran:
            continue
        shares = [
            f"{100 * rung.metrics[name]:.1f} %" if name in rung.metrics else "–"
            for name in ("right", "refused", "em", "f1")
        ]
        rows.append(
            [
                f"{words.told(rung.title, found.messages)}{' *' if rung.name == found.recommended else ''}",
                *shares,
                between(rung.intervals.get("f1"), words),
                f"{rung.seconds_a_question:.4f}",
                "–" if rung.training_s is None else f"{rung.training_s:,.0f}",
                "–" if rung.n_parameters is None else f"{rung.n_parameters:,}",
                f"{rung.size_bytes / 1e6:.1f}",
            ]
        )
    lines = [
        words(
            "%(n)s questions, %(m)s of them without an answer",
            n=count(found.n_questions),
            m=count(found.n_without_answer),
        ),
        table(rows, right=range(1, len(rows[0]))),
        *(
            words("not run: %(title)s: %(command)s", title=words.told(rung.title, found.messages), command=rung.command)
            for rung in found.rungs
            if not rung.ran
        ),
        words("s a question: of a processor; MB: weights and index; * recommended"),
        words.told(found.verdict, found.messages),
    ]
    return "\n".join(lines)


def between(interval: tuple[float, float] | None, words: Words) -> str:
    """An interval of shares, in percent."""
    if interval is None:
        return "–"
    low, high = (f"{100 * end:.1f}" for end in interval)
    return words("%(low)s to %(high)s", low=low, high=high)
