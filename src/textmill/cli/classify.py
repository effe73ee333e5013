"""`textmill classify RUN < in > out`: a line in, its class out. Room: cli/."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.lines import Lines
from textmill.cli.output import Shell, for_terminal
from textmill.cli.remote_options import PROBABILITIES, PROMPTS, remote_instead
from textmill.cli.run_argument import run_argument, settings_of, use_threads
from textmill.cli.verb import verb
from textmill.errors import InputError, UsageError

if TYPE_CHECKING:
    from textmill.results import AspectOpinion, Classified
    from textmill.runs import Run


@verb(
    "classify",
    knobs=("machine",),
    examples=(
        "textmill classify runs/reviews < in.txt > out.tsv      a line for each line, in order",
        'textmill classify runs/reviews "A fine film."          one text',
        "textmill classify runs/reviews --json < in.txt         with the probability of every class",
        "textmill classify runs/reviews --abstain 0.8 < in.txt  no answer where it is less sure",
        "textmill classify runs/reviews --aspects price,room,service < in.txt      opinion of each, and its sentence",
        "textmill classify runs/reviews --aspects room --aspects wifi=wifi,internet < in.txt      terms of your own",
        "textmill classify runs/reviews --abstain-flagged < in.txt   nor to texts unlike those of training",
        "textmill classify runs/reviews/floor < in.txt          the floor is a run too",
        "textmill classify openai:NAME --prompts reviews.toml < in.txt      a model of a server, told how",
    ),
)
@remote_instead("classify", **PROMPTS, **PROBABILITIES)
@run_argument
@click.argument("text", required=False)
@click.option(
    "--abstain",
    type=click.FloatRange(min=0.0, max=1.0),
    default=0.0,
    metavar="P",
    help="Give no answer that is less probable than this.",
)
@click.option(
    "--aspects",
    multiple=True,
    metavar="NAMES",
    help="What else to give the opinion of: names with commas, English or Chinese, or one with terms of its own: "
    "wifi=wifi,internet. Can be said again.",
)
@click.option("--abstain-flagged", is_flag=True, help="Give no answer to a text that has a flag.")
@checkpoint_option
def classify_command(
    shell: Shell,
    run: Run,
    text: str | None,
    abstain: float,
    aspects: tuple[str, ...],
    abstain_flagged: bool,
    checkpoint: str | None,
) -> int:
    """Say of each line which class it belongs to: the class, a tab, its probability. An empty line gives an empty line.

    A text of any length is read whole. A line that is no UTF-8 is named, and its place stays empty; the exit code is 1
    then. With --abstain, a line whose answer is not sure enough has no class: its probability stands alone.

    With --aspects, a column more for each: `room: positive 0.981 "Great room"`, the sentence, or the clause, that
    speaks most for it; or `room: not named`. A sentence is about an aspect where it has one of its terms.

    A text that looks unlike those of training is answered and flagged, in a last column: "language", it is in another
    one; "unseen", none of its words and letter groups is known; "domain", too many of them are not known.
    """
    from textmill.tasks.classifying import LINES_AT_ONCE, classifier_of
    from textmill.text.aspects import aspects_said

    wanted = aspects_said(aspects) if aspects else None
    for name in wanted.alone if wanted else ():
        shell.notice(alone_told(name))
    run.config = settings_of(run, shell, ("machine",))
    use_threads(run.config)
    classifier = classifier_of(run, checkpoint)
    source = Lines(shell) if text in (None, "-") else None
    lines = [text or ""] if source is None else source
    at_once = 1 if source is not None and sys.stdin.isatty() else LINES_AT_ONCE
    if classifier.domain is None:
        if abstain_flagged:
            raise UsageError(
                "this run cannot tell which texts are unlike its own, so it flags none",
                where=str(run.path),
                hint="Leave --abstain-flagged out, or train it anew: with 20 held-out texts or more it can.",
            )
        shell.notice("this run does not know which texts are unlike its own: none is flagged")
    n_lines = n_texts = n_unsure = 0
    flagged: Counter[str] = Counter()
    n_naming = dict.fromkeys(wanted.names, 0) if wanted else {}
    for found in classifier.lines(lines, at_once, abstain, wanted, not abstain_flagged):
        n_lines += 1
        for name, opinion in found.aspects.items():
            n_naming[name] += opinion is not None
        n_texts += bool(found.probabilities)
        n_unsure += found.abstained and not (abstain_flagged and found.flags)
        flagged.update([*found.flags, *(["any"] if found.flags else [])])
        click.echo(found.to_json() if shell.json else for_terminal(shown(found)))
    if n_unsure:
        shell.notice(f"lines without an answer, because none is sure enough: {n_unsure:,}")
    if flagged and classifier.domain is not None:
        shell.notice(flags_told(flagged, n_texts, classifier.domain.rate, abstain_flagged))
    if source is None:
        return 0
    if not source.number:
        raise InputError("there is no line to classify", where="standard input", hint="An empty line is one.")
    if n_naming:
        told = ", ".join(f"{name} {n:,}" for name, n in n_naming.items())
        shell.notice(f"lines that name each aspect, of {n_lines:,}: {told}")
    return 1 if source.n_bad else 0


def alone_told(name: str) -> str:
    """That an aspect has no list of terms."""
    from textmill.text.aspects import term_of

    listed = term_of(name)
    advice = f"; '{listed}' has it among its terms" if listed else f". Its own terms: --aspects {name}={name},…"
    return f"there is no list of terms for '{name}': only the word itself is looked for{advice}"


def shown(found: Classified) -> str:
    """`positive<TAB>0.930`, for each aspect a column more, and the flags of a text that has some behind that."""
    if not found.probabilities:
        return ""
    flags = [",".join(found.flags)] if found.flags else []
    return "\t".join([answer(found, "\t"), *(aspect_shown(name, one) for name, one in found.aspects.items()), *flags])


def aspect_shown(name: str, opinion: AspectOpinion | None) -> str:
    """`room: positive 0.981 "Great room"`, or that it is not named."""
    if opinion is None:
        return f"{name}: not named"
    sentence = " ".join(opinion.sentence.split())
    return f'{name}: {answer(opinion, " ", "-")} "{sentence}"'


def answer(found: Classified | AspectOpinion, between: str, no_class: str = "") -> str:
    """Class and probability; of several labels the least sure one's."""
    sure = [found.probabilities[name] for name in found.labels] or [max(found.probabilities.values())]
    return f"{found.label or no_class}{between}{min(sure):.3f}"


def flags_told(flagged: Counter[str], n_texts: int, rate: float, unanswered: bool) -> str:
    """How many texts have flags, by flag."""
    each = ", ".join(f"{name} {flagged[name]:,}" for name in ("language", "unseen", "domain") if flagged[name])
    return (
        f"texts unlike those of training: {flagged['any']:,} of {n_texts:,} ({each}); of texts like the held-out ones "
        f"about {100 * rate:.1f} % are flagged for nothing" + (". They have no answer." if unanswered else "")
    )
