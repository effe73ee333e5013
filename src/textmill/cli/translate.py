"""`textmill translate RUN < in > out`: a line in, a line out. Room: cli/."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.lines import Lines
from textmill.cli.output import Shell, for_terminal
from textmill.cli.remote_options import PROMPTS, remote_instead
from textmill.cli.run_argument import run_argument, settings_of, use_threads
from textmill.cli.verb import verb
from textmill.errors import InputError, UsageError

if TYPE_CHECKING:
    from textmill.runs import Run
    from textmill.tasks.translating import Translator


@verb(
    "translate",
    knobs=("generate", "machine"),
    examples=(
        "textmill translate runs/news < in.txt > out.txt      a line for each line, in order",
        'textmill translate runs/news "A man rides a bike."   one text',
        "textmill translate runs/news --beams 1 < in.txt      greedy: faster, a little worse",
        "textmill translate runs/news --n-best 3 --json < in.txt",
        "textmill translate runs/news --glossary terms.tsv < in.txt      lines of term, tab, translation",
        "textmill translate runs/both --to en < de.txt      of a run trained with --both-ways",
        'textmill translate runs/news "A man rides a bike." --show looked.svg      what it looked at',
        "textmill translate openai:NAME --prompts en-de.toml < in.txt      a model of a server, told how",
    ),
)
@remote_instead("translate", **PROMPTS)
@run_argument
@click.argument("text", required=False)
@click.option(
    "--n-best", type=click.IntRange(min=1), default=1, metavar="N", help="Translations of each line (--json)."
)
@click.option("--to", metavar="LANGUAGE", help="The language that is wanted, of a run in both directions.")
@click.option("--glossary", metavar="FILE", help="Terms that are to be used: lines of term, tab, translation.")
@click.option("--show", metavar="FILE", help="Draw what each token of the translation of TEXT looked at (.svg, .png).")
@checkpoint_option
def translate_command(
    shell: Shell,
    run: Run,
    text: str | None,
    n_best: int,
    to: str | None,
    glossary: str | None,
    show: str | None,
    checkpoint: str | None,
) -> int:
    """Translate lines by RUN. A line in, a line out: an empty line gives an empty line.

    A line that is longer than what the model was trained to read is cut at the ends of sentences, and that is said. A
    line that is no UTF-8 is named, and its place stays empty; the exit code is 1 then. Numbers, addresses, tags and
    placeholders that a translation lacks are told (--json: in `lost`); so are terms of --glossary, which the search is
    made to write (`terms_lacking`).
    """
    if n_best > 1 and not shell.json:
        raise UsageError("--n-best gives several translations of a line, which --json prints: add --json")
    if show is not None and (text in (None, "-") or Path(show).suffix not in (".svg", ".png")):
        raise UsageError("--show draws one text into an .svg or .png: textmill translate RUN TEXT --show looked.svg")
    if show is not None and not Path(show).parent.is_dir():
        raise InputError("there is no such folder to draw into", where=str(Path(show).parent))
    from textmill.tasks.translating import lacking_told, lost_told, translator_of, unfinished_told

    run.config = settings_of(run, shell, ("generate", "machine"))
    use_threads(run.config)
    translator = translator_of(run, checkpoint, n_best, shell.notice, glossary, to)
    source = Lines(shell) if text in (None, "-") else None
    lines = [text or ""] if source is None else source
    if show is not None:
        draw_looked(translator, str(run.path), text or "", Path(show))
        shell.notice(f"what it looked at: {show}")
    n_cut = 0
    lossy, lacking = FirstOf(), FirstOf()
    for number, translated in enumerate(translator.lines(lines, at_once=1 if sys.stdin.isatty() else 64), start=1):
        n_cut += not translated.finished
        lossy.see(number, translated.lost)
        lacking.see(number, translated.terms_lacking)
        click.echo(translated.to_json() if shell.json else for_terminal(" ".join(translated.translation.split("\n"))))
    if n_cut:
        shell.notice(unfinished_told(n_cut))
    if lossy.n:
        shell.notice(lost_told(lossy.n, lossy.line, lossy.what))
    if lacking.n:
        shell.notice(lacking_told(lacking.n, lacking.line, lacking.what))
    if source is None:
        return 0
    if not source.number:
        raise InputError("there is no line to translate", where="standard input", hint="An empty line is one.")
    return 1 if source.n_bad else 0


def draw_looked(translator: Translator, run: str, text: str, path: Path) -> None:
    """Write the picture of one translation."""
    from textmill.files import write_atomically
    from textmill.report.attention_picture import Looked, draw
    from textmill.report.words import Words

    picture = draw(Looked(run, *translator.looked_at(text)), Words("en"))
    write_atomically(path, picture.svg if path.suffix == ".svg" else picture.png)


@dataclass
class FirstOf:
    """How many lines lack something, the first of them, and what it lacks."""

    n: int = 0
    line: int = 0
    what: list[str] = field(default_factory=list)

    def see(self, line: int, what: list[str]) -> None:
        if what and not self.n:
            self.line, self.what = line, what
        self.n += bool(what)
