"""`textmill export RUN --to FORMAT`: a run for other tools. Room: cli/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.output import Shell, for_terminal, table
from textmill.cli.plan import show_plan
from textmill.cli.run_argument import run_argument, settings_of, use_threads
from textmill.cli.verb import verb
from textmill.errors import UsageError
from textmill.tables import EXPORTS

if TYPE_CHECKING:
    from textmill.results import Exported
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
    ),
)
@run_argument
@click.option("--to", metavar="|".join(EXPORTS), help="Format.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="A new folder. Default: export/FORMAT in the run's."
)
@click.option("--fresh", is_flag=True, help="Where DIR is there, move it to .replaced beside it.")
@checkpoint_option
def export_command(
    shell: Shell, run: Run, to: str | None, out: Path | None, fresh: bool, checkpoint: str | None
) -> None:
    """Write RUN for other tools, and prove that it gives the same numbers there.

    What was written is read back by the other tool: logits may differ by 0.0001 at most, vectors of texts by 0.00001,
    and a thousand texts must have the same ids. The proof stands in the folder's README.md. What a format has no place
    for is refused before anything is written; `textmill train --exportable FORMAT` asks that before the first step.
    """
    if to is None:
        raise UsageError("say the format: --to " + ", --to ".join(EXPORTS), hint=f"textmill export {run.path} --to hf")
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
