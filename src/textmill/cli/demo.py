"""`textmill demo`: train on the documentation inside Python, and show everything. Room: cli/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textmill.cli.output import Shell, for_terminal
from textmill.cli.plan import show_plan
from textmill.cli.progress import TerminalListener
from textmill.cli.scores import scores_table
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from textmill.results import Demo


@verb(
    "demo",
    writes=True,
    knobs=("train.steps", "run.dir"),
    examples=(
        "textmill demo                  a few minutes on two cores, no network",
        "textmill demo --steps 100      the same in less time: the model may lose to its floors",
        "textmill demo --runs elsewhere -n",
    ),
)
def demo_command(shell: Shell) -> int:
    """Train a Transformer on the documentation that ships inside Python; show its numbers, samples and report.

    Exit code 1 if the model does not beat both floors.
    """
    config = shell.load().config
    steps, runs_dir = config.train.steps, config.run.dir
    if shell.dry_run:
        from textmill.training.demo import DEMO_STEPS

        folders = [f"{runs_dir}/demo/", f"{runs_dir}/.data/"]
        plan = {"text": "builtin:python-docs", "steps": steps or DEMO_STEPS}
        show_plan(shell, verb="demo", run=folders[0].rstrip("/"), writes=folders, plan=plan)
        return 0
    from textmill.runs.lock import refuse_if_locked

    refuse_if_locked(Path(runs_dir) / "demo")  # before torch is loaded
    from textmill.training import demo

    with TerminalListener(shell) as listener:
        found = demo(listener, steps=steps, runs_dir=runs_dir)
    shell.show(found, demo_text)
    return 0 if found.beats_floors else 1


def demo_text(found: Demo) -> str:
    blocks = [scores_table({"bpb": found.bpb}, found.baselines)]
    blocks.append("It beats both floors." if found.beats_floors else "It does not beat both floors.")
    for number, sample in enumerate(found.samples, start=1):
        blocks.append("\n".join([f"sample {number}:", *(f"  {line}" for line in for_terminal(sample).split("\n"))]))
    blocks += [f"report: {found.report}", "\n".join(["next:", *(f"  {command}" for command in found.next)])]
    return "\n\n".join(blocks)
