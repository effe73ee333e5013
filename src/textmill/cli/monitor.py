"""`textmill monitor RUN FILE... --time COLUMN`: opinion over time, and when it changed. Room: cli/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.fetching import fetch_on_use
from textmill.cli.output import Shell
from textmill.cli.plan import show_plan
from textmill.cli.run_argument import run_argument, settings_of, use_threads
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from textmill.config import DataConfig
    from textmill.runs import Run

READING = ("data.text", "data.header", "data.columns", "data.encoding", "data.strict")


@verb(
    "monitor",
    knobs=(*READING, "machine"),
    writes=True,
    examples=(
        "textmill monitor runs/reviews stream.csv --time date              shares by day, and alarms",
        "textmill monitor runs/reviews stream.csv --time date --by product a series for each product",
        "textmill monitor runs/reviews 2023.csv 2024.jsonl --time date --every week",
        "textmill monitor runs/reviews stream.csv --time 日期 --zone Asia/Shanghai --out page/",
        "textmill monitor runs/reviews stream.csv --time date --dates day-first    03/04/2024 is in April",
        "cat stream.jsonl | textmill monitor runs/reviews - --time date --json",
    ),
)
@run_argument
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
@click.option("--time", required=True, metavar="COLUMN", help="The column or key that holds the dates.")
@click.option("--by", metavar="COLUMN", help="A series for each value of this column or key, such as a product.")
@click.option(
    "--every",
    type=click.Choice(["hour", "day", "week", "month"]),
    default="day",
    show_default=True,
    help="The periods that texts are counted by; a week begins on Monday.",
)
@click.option(
    "--zone",
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="By whose clock periods begin, and of dates that name no zone: Asia/Shanghai, +08:00.",
)
@click.option(
    "--dates",
    type=click.Choice(["day-first", "month-first"]),
    help="How 03/04/2024 is read. Default: as the other dates of the column say; where they do not, that is an error.",
)
@click.option(
    "--false-alarms",
    type=click.FloatRange(min=0.0, max=1.0, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    metavar="RATE",
    help="Share of series without a change that may have an alarm; with --by, of all series together.",
)
@checkpoint_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write monitor.html, monitor.json and plots/ into DIR.",
)
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of it. Default: TEXTMILL_LANG, LANG.")
def monitor_command(
    shell: Shell,
    run: Run,
    paths: tuple[str, ...],
    out: Path | None,
    lang: str | None,
    false_alarms: float,
    **wished: Any,
) -> None:
    """Follow opinion over time: how large the share of each class is, day by day, and when it changed.

    FILE is a table or JSON lines (.csv .tsv .jsonl .json .parquet) with a column of texts and one of dates, or `-` for
    standard input. RUN classifies each text. Shares are corrected for the errors that it makes on held-out labelled
    text, with intervals; a day without texts is a gap. An alarm says when a share changed, by how much, and shows texts
    behind it. A date that cannot be read is named, counted and left out; --strict stops there.
    """
    from textmill.report.words import Words, language

    words = Words(lang or language())
    run.config = settings_of(run, shell, ("machine",))
    if shell.dry_run:
        writes = [str(out / name) for name in ("monitor.html", "monitor.json", "plots/")] if out else []
        plan = {"paths": list(paths), **wished, "false_alarms": false_alarms, "lang": words.lang}
        show_plan(shell, verb="monitor", run=str(run.path), writes=writes, plan=plan)
        return
    from textmill.cli.monitor_text import monitor_text
    from textmill.evaluation.opinion import monitor

    use_threads(run.config)
    fetch_on_use(shell, paths)
    found = monitor(run, paths, data=reading_of(run, shell), rate=false_alarms, **wished)
    if out is not None:
        from textmill.report import render_monitor

        found, notes = render_monitor(found, out, words.lang)
        for note in notes:
            shell.notice(note)
    shell.show(found, lambda found: monitor_text(found, words))


def reading_of(run: Run, shell: Shell) -> DataConfig:
    """How the run's own text was read, with what is said now. Whether it was strict then says nothing of a stream."""
    from textmill.config.layers import overlay

    loaded = shell.load()
    data = overlay(run.config, loaded, READING).data
    return data.model_copy(update={"strict": loaded.config.data.strict})
