"""`textmill choose PATH...`: each architecture for an equal time, and a recommendation. Room: cli/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from textmill.cli.output import Shell, table
from textmill.cli.plan import plan_text
from textmill.cli.progress import TerminalListener
from textmill.cli.scores import COLUMNS, FLOORS
from textmill.cli.train import loaded_for
from textmill.cli.verb import verb
from textmill.config.knobs import SECTIONS

if TYPE_CHECKING:
    from textmill.results import Chosen


@verb(
    "choose",
    knobs=tuple(SECTIONS),
    unlisted=("generate",),
    writes=True,
    examples=(
        "textmill choose novel.txt --minutes 40     RNN, LSTM, GRU and Transformer, ten minutes each",
        "textmill choose novel.txt --minutes 40     again: goes on after Ctrl-C; what is finished stays",
        "textmill choose novel.txt --minutes 8 --size tiny --json",
        "textmill choose novel.txt -n               the runs that would be made, nothing is written",
    ),
)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
def choose_command(shell: Shell, paths: tuple[str, ...]) -> int:
    """Train each architecture for an equal share of --minutes, and recommend one.

    The runs are runs/NAME-choose-ARCH, and can be used like any other. Preparing the text is shared and comes before
    the shares. The table and the picture lie in runs/NAME-choose.
    """
    loaded_for(shell, paths)  # refused, or fetched, as what a training run reads
    flags = shell.said | ({"data.paths": paths} if paths else {})
    if shell.dry_run:
        from textmill.training import plan_choice

        shell.show(plan_choice(flags, shell.config_file), plan_text)
        return 0
    from textmill.training import choose

    with TerminalListener(shell) as listener:
        chosen = choose(flags, shell.config_file, listener=listener)
    shell.show(chosen, chosen_text)
    if chosen.next:
        shell.notice("\n".join(["next:", *(f"  {command}" for command in chosen.next)]))
    return 0


def chosen_text(chosen: Chosen) -> str:
    from textmill.report.numbers import measure
    from textmill.report.saying import ARCHITECTURES

    cells = [["", COLUMNS["bpb"], "95 % interval", "behind the best", "parameters", "steps", "run"]]
    for one in chosen.candidates:
        cells.append(
            [
                ARCHITECTURES.get(one.arch, one.arch),
                measure(one.metrics["bpb"]),
                interval_text(one.intervals.get("bpb")),
                interval_text(one.behind),
                f"{one.n_parameters.get('total', 0):,}",
                f"{one.step:,}",
                one.run,
            ]
        )
    for name, values in chosen.baselines.items():
        if "bpb" in values:
            cells.append([FLOORS.get(name, name), measure(values["bpb"])])
    lines = [table(cells, right=range(1, 6)), "", f"recommended: {chosen.recommended}", chosen.reason]
    pictures = [path for path in chosen.plots if path.endswith(".svg")]
    return "\n".join([*lines, *(["", f"picture: {pictures[0]}"] if pictures else [])])


def interval_text(interval: tuple[float, float] | None) -> str:
    from textmill.report.numbers import measure

    return "" if interval is None else " to ".join(map(measure, interval))
