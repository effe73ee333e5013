"""`textmill export RUN --to FORMAT`: a run for other tools. Room: cli/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.output import Shell, for_terminal, table
from textmill.cli.plan import show_plan
from textmill.cli.run_argument import run_argument, settings_of, use_threads
from textmill.cli.verb import verb
from textmill.errors import UsageError
from textmill.tables import EXPORTS, SMALLER

if TYPE_CHECKING:
    from textmill.results import Exported, Smaller
    from textmill.runs import Run


@verb(
    "export",
    knobs=("machine",),
    writes=True,
    examples=(
        "textmill export runs/novel --to hf             a folder that transformers loads, without code of ours",
        "textmill export runs/novel --to onnx           a graph for onnxruntime: every architecture, state included",
        "textmill export runs/news --to onnx            of a translator two: encoder and decoder",
        "textmill export runs/novel --to gguf           one file, as llama.cpp reads it: presets llama and gpt2",
        "textmill export runs/novel --to sentence-transformers      vectors of texts, for SentenceTransformer",
        "textmill export runs/novel --to hf --out novel-hf",
        "textmill export runs/novel --to int8           a run in a quarter of the bytes, with what that costs",
    ),
)
@run_argument
@click.option("--to", metavar="|".join((*EXPORTS, *SMALLER)), help="Format.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="A new folder. Default: export/FORMAT in the run's."
)
@click.option("--fresh", is_flag=True, help="Where DIR is there, move it to .replaced beside it.")
@click.option("--data", metavar="PATH", help="Of int8 and bf16: text to measure on. Default: what RUN held out.")
@click.option(
    "--fail-over",
    type=float,
    metavar="X",
    help="Of int8 and bf16: exit with 1 where more is lost, in bits per character; of classifiers in accuracy.",
)
@checkpoint_option
def export_command(
    shell: Shell,
    run: Run,
    to: str | None,
    out: Path | None,
    fresh: bool,
    checkpoint: str | None,
    data: str | None,
    fail_over: float | None,
) -> None:
    """Write RUN for other tools, and prove that it gives the same numbers there.

    What was written is read back by the other tool: logits may differ by 0.0001 at most, vectors of texts by 0.00001,
    and a thousand texts must have the same ids. The proof stands in the folder's README.md. What a format has no place
    for is refused before anything is written; `textmill train --exportable FORMAT` asks that before the first step.

    int8 and bf16 are runs of Textmill again, with smaller files, which open wherever RUN stands. Both are measured on
    the same text, and what is lost is told.
    """
    if to is None:
        formats = ", --to ".join((*EXPORTS, *SMALLER))
        raise UsageError(f"say the format: --to {formats}", hint=f"textmill export {run.path} --to hf")
    if to in SMALLER:
        made_smaller(shell, run, to, out, fresh, checkpoint, data, fail_over)
        return
    if data is not None or fail_over is not None:
        flag = "--data" if data is not None else "--fail-over"
        raise UsageError(f"{flag} is of --to {' and --to '.join(SMALLER)}, which are measured", hint="Leave it out.")
    from textmill.hub.export import export, folder_for, refuse_taken
    from textmill.hub.exportable import format_named

    form, folder = format_named(to), folder_for(run, to, out)
    run.config = settings_of(run, shell, ("machine",))
    use_threads(run.config)
    if shell.dry_run:
        refuse_taken(folder, fresh)
        form.refuse(run.config, run.tokenizer.kind)
        plan = {"to": to, "checkpoint": checkpoint or run.default_checkpoint}
        show_plan(shell, verb="export", run=str(run.path), writes=[str(folder)], plan=plan)
        return
    shell.show(export(run, to, folder, checkpoint=checkpoint, fresh=fresh, notice=shell.notice), exported_text)


def made_smaller(
    shell: Shell,
    run: Run,
    to: Any,
    out: Path | None,
    fresh: bool,
    checkpoint: str | None,
    data: str | None,
    fail_over: float | None,
) -> None:
    """--to int8, --to bf16."""
    from textmill.hub.export import folder_for, refuse_taken
    from textmill.hub.smaller import loses_more, refuse_unshrinkable, shrink

    folder = folder_for(run, to, out)
    run.config = settings_of(run, shell, ("machine",))
    use_threads(run.config)
    if shell.dry_run:
        refuse_taken(folder, fresh)
        refuse_unshrinkable(run)
        plan = {"to": to, "checkpoint": checkpoint or run.default_checkpoint}
        show_plan(shell, verb="export", run=str(run.path), writes=[str(folder)], plan=plan)
        return
    made = shrink(run, to, folder, data=data, checkpoint=checkpoint, fresh=fresh, notice=shell.notice)
    shell.show(made, smaller_text)
    if fail_over is not None and loses_more(made, fail_over):
        shell.notice(f"more is lost than --fail-over {fail_over:g} allows")
        raise SystemExit(1)


def smaller_text(made: Smaller) -> str:
    from textmill.cli.compare import signed
    from textmill.cli.scores import titles_of
    from textmill.report.numbers import shown, size

    one, two = made.metrics
    titles = titles_of(one)
    cells = [["", "original", made.to, "lost or gained", f"{made.confidence:.0%} interval"]]
    for name, told in made.differences.items():
        ends = " to ".join(map(signed, told.interval)) if told.interval else ""
        cells.append([titles.get(name, name), shown(name, one[name]), shown(name, two[name]), signed(told.value), ends])
    least, median, most = made.speed
    rows = [
        ["written", made.out],
        ["weights", f"{size(made.bytes_before)} -> {size(made.bytes_after)}, step {made.step:,}"],
        ["measured on", f"{made.data}: {made.n_documents:,} documents"],
        ["speed", f"{median:g} times the original's ({least:g} to {most:g}, in turns)"],
    ]
    return for_terminal(
        "\n".join([table(rows), "", table(cells, right=range(1, 5)), *(f"note: {note}" for note in made.notes)])
    )


def exported_text(exported: Exported) -> str:
    from textmill.report.numbers import size

    proof = exported.proof
    rows = [
        ["written", exported.out],
        *([f"  {name}", size(n_bytes)] for name, n_bytes in exported.files.items()),
        ["runs as", exported.architecture],
        ["weights", f"step {exported.step:,}"],
        [proof.of, f"differ by {proof.max_difference:.2g} at most, of {proof.n_numbers:,}"],
        ["ids", f"of {proof.n_texts_equal:,} of {proof.n_texts:,} texts are equal"],
        *([["greedy", f"{proof.n_greedy} likeliest tokens are equal"]] if proof.n_greedy else []),
        ["read by", ", ".join(f"{name} {number}" for name, number in proof.by.items())],
    ]
    return for_terminal("\n".join([table(rows), *(f"note: {note}" for note in exported.notes)]))
