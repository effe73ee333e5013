"""What `textmill monitor` prints, in English or Chinese. Room: cli/. The numbers are those of results.Monitored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textmill.cli.output import on_one_line, table
from textmill.report import followed
from textmill.report.numbers import count, share
from textmill.report.words import Words

if TYPE_CHECKING:
    from textmill.results import Monitored, OpinionSeries

SHOWN_PERIODS, SHOWN_DROPS, SHOWN_EXAMPLES = 14, 5, 3


def monitor_text(found: Monitored, words: Words) -> str:
    """All of it: each series with its last periods and its alarms, then what must be known to read it."""
    blocks = [followed.amount(found, words)]
    for one in found.series:
        blocks.append(series_text(found, one, words))
    blocks.append("\n".join(followed.notes(found, words)))
    if found.n_dropped:
        lines = [
            followed.dropped(found, words),
            *(f"  {on_one_line(words.told(line, found.messages))}" for line in found.dropped[:SHOWN_DROPS]),
        ]
        more = sum(found.n_dropped.values()) - min(SHOWN_DROPS, len(found.dropped))
        if more > 0:
            lines.append("  " + words("and %(n)s more", n=count(more)))
        blocks.append("\n".join(lines))
    if found.page:
        blocks.append("\n".join([found.page, *found.plots]))
    return "\n\n".join(blocks)


def series_text(found: Monitored, one: OpinionSeries, words: Words) -> str:
    """A series: its last periods as a table, its alarms with examples, notes."""
    lines = [f"{found.columns['by']} {on_one_line(one.name)}: {followed.texts(one.n_texts, words)}"] if one.name else []
    shown = one.periods[-SHOWN_PERIODS:] if len(one.periods) > SHOWN_PERIODS + 1 else one.periods
    rows = [[words(followed.EVERY[found.every]), words("texts"), *map(on_one_line, found.classes)]]
    for period in shown:
        cells = [words("no text: a gap")] if period.shares is None else []
        if period.shares is not None and period.intervals is not None:
            for name in found.classes:
                low, high = period.intervals[name]
                cells.append(f"{share(period.shares[name])} ({100 * low:.0f}–{100 * high:.0f})")
            if period.few:
                cells.append(words("few texts"))
        rows.append([followed.said(period.start, found.every), count(period.n), *cells])
    lines.append(table(rows, right=(1,)))
    if len(shown) < len(one.periods):
        n = len(one.periods) - len(shown)
        lines.append(words.plural("%(n)s earlier period: --json or --out", "%(n)s earlier periods: --json or --out", n))
    for number, alarm in enumerate(one.alarms, start=1):
        said = words.told(alarm.said, found.messages)
        lines.append(words("Alarm %(number)s: %(said)s", number=number, said=on_one_line(said)))
        lines.append("  " + followed.behind(alarm, words))
        for example in alarm.examples[:SHOWN_EXAMPLES]:
            place = f"{followed.said(example.moment, found.every)} {on_one_line(example.source)}"
            lines.append(f"    {place}: {on_one_line(example.text)}")
    if not one.alarms:
        lines.append(words("No alarm."))
    lines += [words.told(note, found.messages) for note in one.notes]
    return "\n".join(lines)
