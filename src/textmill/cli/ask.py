"""`textmill ask DOCS... "question"`: answers from documents, with their place, or that there is none. Room: cli/."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from textmill.cli.chat import read_message
from textmill.cli.lines import Lines
from textmill.cli.output import Shell, on_one_line, show_error
from textmill.cli.remote_options import PROMPTS, SCHEME, RemoteSaid, remote_options, told_at_the_end
from textmill.cli.run_argument import open_argument
from textmill.cli.verb import verb
from textmill.errors import InputError, RunError, TextmillError, UsageError, did_you_mean
from textmill.hub.named import is_foreign

if TYPE_CHECKING:
    from textmill.config import Config
    from textmill.results import Asked, AskedAll, Ladder
    from textmill.runs import Run
    from textmill.tasks.asking import Asker, Session

SCHEMES = ("builtin:", "pypi:", "hf:")


@verb(
    "ask",
    knobs=("data", "run.dir"),
    unlisted=("data",),
    examples=(
        'textmill ask manuals/ "How long is the warranty?"     the answer, file:line, the sentence',
        'textmill ask a.pdf notes/ "谁是负责人？" -k 3          several answers',
        "textmill ask manuals/                                 a session: one question after the other",
        "textmill ask manuals/ --json < questions.txt          a line of JSON for each line",
        "textmill ask manuals/ --questions known.jsonl         how many are answered rightly, and refused rightly",
        "textmill ask manuals/ --questions known.jsonl --ladder --run reader    several ways, and which is enough",
        'textmill ask manuals/ "Who signs?" --run runs/reader   a trained reader reads',
        'textmill ask runs/manuals "Who signs?"                 the documents that a run was trained on',
        'textmill ask manuals/ "Who signs?" --run openai:NAME   a model of a server reads',
    ),
)
@remote_options(**PROMPTS)
@click.argument("words", nargs=-1, required=True, metavar="DOCS... [QUESTION]")
@click.option("-k", "--answers", type=click.IntRange(min=1), default=1, metavar="K", help="At most so many answers.")
@click.option(
    "--threshold",
    type=click.FloatRange(min=0.0, max=1.0),
    metavar="P",
    help="Refuse what is less sure. Default: 0.45; of a trained reader 0.5.",
)
@click.option("--run", metavar="RUN", help="A run that was trained to answer: it reads what the index finds.")
@click.option(
    "--reader",
    "reads",
    type=click.Choice(["offered", "trained", "untrained"]),
    default="offered",
    help="Of a run that was trained on documents: what answers. Default: what was better on held-out documents.",
)
@click.option("--ladder", is_flag=True, help="With --questions: several ways to answer them, and which is enough.")
@click.option("--closed", metavar="RUN", help="With --ladder: a language model, which answers without the documents.")
@click.option("--pretrained", metavar="RUN", help="With --ladder: a reader that was trained --from another run.")
@click.option(
    "--questions", metavar="FILE", help="JSON lines of questions with their answers ([]: none): measures all of them."
)
def ask_command(
    shell: Shell,
    remote: RemoteSaid,
    words: tuple[str, ...],
    answers: int,
    threshold: float | None,
    run: str | None,
    reads: Any,
    ladder: bool,
    closed: str | None,
    pretrained: str | None,
    questions: str | None,
) -> int:
    """Answer QUESTION from DOCS: files and folders of any format. An index of them is kept, and only changed files are
    read again.

    Without QUESTION each line of standard input is one; at a terminal one follows the other, and one that names nothing
    ("And its price?") is about what was named last.

    Where no sentence is sure enough, it says so, with the nearest three. Exit code: 0, each question has an answer; 1,
    one has none.
    """
    from textmill.tasks.asking import ask_all, asker_of, known_questions, refuse_nothing

    if ladder and questions is None:
        raise UsageError("--ladder needs questions with known answers: --questions FILE")
    if (closed or pretrained) and not ladder:
        raise UsageError(f"{'--closed' if closed else '--pretrained'} goes with --ladder")
    docs, question = parted(words, questions is not None)
    if question is not None:
        refuse_nothing(question)
    known = list(known_questions(questions)) if questions is not None else []
    if run is not None and run.startswith(SCHEME):
        from textmill.cli.remote import ask_remote, refuse

        refuse(answers=answers > 1, ladder=ladder, reader=reads != "offered")
        with told_at_the_end(shell, remote.opened(run, shell)) as model:
            asker: Asker = ask_remote(shell, model, remote, docs, threshold)
            if questions is None:
                return answer(shell, asker, question, answers)
            found = ask_all(asker, known, questions, run).model_copy(update={"remote": model.use})
            show(shell, found)
            return 0
    if run is None and len(docs) == 1 and (Path(docs[0]) / "run.json").is_file():
        run = docs[0]
    for one in docs:
        if not one.startswith(SCHEMES) and Path(one).is_dir() and is_foreign(Path(one)):
            raise InputError(
                "this is a model, and no document to answer from",
                where=one,
                hint=f'One that answers questions reads documents: textmill ask DOCS "question" --run {one}',
            )
    remote.refuse("none" if run is None else run)
    opened = open_argument(run) if run is not None else None
    if opened is not None and docs == (run,):
        docs, config = documents_of(opened)
    else:
        config = shell.load(data__paths=docs).config
    if ladder:
        from textmill.evaluation.ladder import ladder as answered_in_ways

        index = asker_of(docs, config, None, None, shell.notice).index
        others = [None if name is None else open_argument(name) for name in (closed, pretrained)]
        show(shell, answered_in_ways(index, known, str(questions), docs, opened, *others))
        return 0
    if run is None and reads == "trained":
        raise UsageError("there is no reader that was trained: name its run", hint="textmill ask DOCS --run RUN")
    asker = asker_of(docs, config, opened, threshold, shell.notice, reads)
    if questions is not None:
        show(shell, ask_all(asker, known, questions, run if asker.reader is not None else None))
        return 0
    return answer(shell, asker, question, answers)


def answer(shell: Shell, asker: Asker, question: str | None, answers: int) -> int:
    """One question, or all that come in; the exit code."""
    from textmill.tasks.asking import Session

    if question is not None:
        found = asker.ask(question, answers)
        show(shell, found)
        return 0 if found.found else 1
    if sys.stdin.isatty() and not shell.json:
        talk(shell, Session(asker, answers))
        return 0
    return ask_lines(shell, asker, answers)


def show(shell: Shell, found: Asked | AskedAll | Ladder) -> None:
    """As JSON, or as text in the person's language."""
    from textmill.cli.ask_text import asked_text, ladder_text, measured_text
    from textmill.report.words import Words, language
    from textmill.results import Asked, AskedAll, Ladder

    words = Words(language())
    texts: dict[type, Callable[[Any, Words], str]] = {Asked: asked_text, AskedAll: measured_text, Ladder: ladder_text}
    shell.show(found, lambda found: texts[type(found)](found, words))


def documents_of(run: Run) -> tuple[tuple[str, ...], Config]:
    """The documents that a run was trained on, and how they are read. Raises RunError where it was on none."""
    from textmill.config import Config, RunConfig

    if not run.config.data.make_questions:
        raise RunError(
            "this run was not trained on documents, so it has none to answer from",
            where=str(run.path),
            hint='Name them: textmill ask DOCS "question" --run RUN',
        )
    data = run.config.data.model_copy(update={"questions": None, "make_questions": None})
    return data.paths, Config(data=data, run=RunConfig(dir=str(run.path.parent)))


def ask_lines(shell: Shell, asker: Asker, answers: int) -> int:
    """A question a line; the exit code."""
    lines, code = Lines(shell), 0
    for line in lines:
        try:
            found = asker.ask(line, answers)
        except InputError as error:
            where = error.where or f"standard input:{lines.number}"
            raise InputError(error.message, where=where, hint=error.hint) from None
        code = code if found.found else 1
        show(shell, found)
    if not lines.number:
        raise InputError("there is no question", where="standard input", hint="textmill ask manuals/ < questions.txt")
    return code


def talk(shell: Shell, session: Session) -> None:
    """Read and answer until the end of the input."""
    shell.notice(f"{session.asker.index.n_files:,} files; ask something. Ctrl-D or /bye leaves")
    while (question := read_message()) is not None and question.strip() != "/bye":
        try:
            found = session.ask(question)
        except TextmillError as error:
            show_error(error)
            continue
        if found.about:
            shell.notice(f"(about {on_one_line(found.about)})")
        show(shell, found)


def parted(words: tuple[str, ...], all_docs: bool) -> tuple[tuple[str, ...], str | None]:
    """DOCS, and the question: the last word, but for one that is a file or looks like one. Raises UsageError."""
    if all_docs or is_path(words[-1]):
        return words, None
    if len(words) > 1:
        return words[:-1], words[-1]
    near = did_you_mean(words[0].rstrip("/"), [path.name for path in Path.cwd().iterdir()])
    raise UsageError(
        f"DOCS are missing: '{on_one_line(words[0])}' is no file and no folder",
        hint=near or 'textmill ask manuals/ "How long is the warranty?"',
    )


def is_path(word: str) -> bool:
    """Whether a word is meant as a file: one that there is, or that is written like one."""
    if word == "-" or word.startswith(SCHEMES):
        return True
    if not word.strip():
        return False
    try:
        if Path(word).exists():
            return True
    except (OSError, ValueError):
        return False
    return not re.search(r"[\s?？]", word) and (word.endswith("/") or re.search(r"\.[a-z0-9]{1,5}$", word) is not None)
