"""Verbs with a remote model in RUN's place. Room: cli/. Each is called by remote_options.remote_instead."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from textmill.cli.constraint_options import Asked
from textmill.cli.lines import Lines
from textmill.cli.output import Shell, for_terminal
from textmill.cli.remote_options import SCHEME, RemoteSaid, told_at_the_end
from textmill.cli.text_argument import text_from
from textmill.errors import InputError, UsageError

if TYPE_CHECKING:
    from textmill.cli.form_options import FormSaid
    from textmill.generation.chat import ChatStyle
    from textmill.hub.few_shot import FewShot, FewShotTask
    from textmill.hub.remote_evaluation import TextWays
    from textmill.hub.remote_model import RemoteModel
    from textmill.results import Comparison
    from textmill.tasks.asking import Asker

NOT_REMOTE = "is not for a remote model"


def generate(
    shell: Shell,
    model: RemoteModel,
    remote: RemoteSaid,
    prompt: str | None,
    n: int,
    copies: bool,
    checkpoint: str | None,
    form: FormSaid,
    given: dict[str, str],
    asked: Asked,
) -> None:
    """The texts; at a terminal one text as it comes."""
    from textmill.hub.remote_model import Prompt
    from textmill.hub.remote_work import write_remote

    refuse(checkpoint=checkpoint, copies=copies, **asked.options())
    if given:
        raise UsageError("a remote model was trained without conditions", where=f"--{next(iter(given))}")
    form.refuse("a form is kept token by token, and a remote model's tokens are its server's: it needs a run of yours")
    config = shell.load().config
    text = text_from(prompt)
    if n == 1 and not shell.json and sys.stdout.isatty():
        for piece in model.stream(Prompt.plain(text), config.generate, config.run.seed):
            click.echo(for_terminal(piece.text), nl=False)
            sys.stdout.flush()
        click.echo()
        return
    for place, result in enumerate(write_remote(model, text, config.generate, config.run.seed, n)):
        if shell.json:
            click.echo(result.to_json())
        else:
            click.echo(("\n" if place else "") + result.text)


def chat(
    shell: Shell,
    model: RemoteModel,
    remote: RemoteSaid,
    style: ChatStyle | None,
    asked: Asked,
    checkpoint: str | None,
) -> None:
    """As with a run: its server lays the turns out."""
    from textmill.cli.chat import RemoteChat

    refuse(checkpoint=checkpoint, style=style, **asked.options())
    RemoteChat(shell, model, shell.load().config, remote.get("system") or "").talk()


def score(
    shell: Shell, model: RemoteModel, remote: RemoteSaid, text: str | None, alternatives: int, checkpoint: str | None
) -> None:
    """As of a run, by what the server echoes."""
    from textmill.cli.score import score_text
    from textmill.hub.remote_echo import MOST_ALTERNATIVES
    from textmill.hub.remote_work import score_remote

    refuse(checkpoint=checkpoint)
    if alternatives > MOST_ALTERNATIVES:
        raise UsageError(f"a server names {MOST_ALTERNATIVES} alternatives at most, not {alternatives}")
    shell.show(score_remote(model, text_from(text), alternatives), score_text)


def classify(
    shell: Shell,
    model: RemoteModel,
    remote: RemoteSaid,
    text: str | None,
    abstain: float,
    aspects: tuple[str, ...],
    abstain_flagged: bool,
    checkpoint: str | None,
) -> int:
    """A line in, its label out; an answer that is none of the labels leaves its place empty, and is counted."""
    from textmill.hub.remote_work import LINES_AT_ONCE, classify_remote

    refuse(checkpoint=checkpoint, abstain=abstain, aspects=aspects, abstain_flagged=abstain_flagged)
    few = few_shot_of(remote, "classify")
    source, lines, at_once = lines_of(shell, text, LINES_AT_ONCE)
    n_other, first = 0, ""
    probable = bool(remote.get("probabilities"))
    for number, found in enumerate(classify_remote(model, few, lines, at_once, probable), start=1):
        if found.said is not None and not found.label:
            n_other += 1
            first = first or f"line {number}: {' '.join(found.said.split())[:60]!r}"
        click.echo(found.to_json() if shell.json else found.label)
    if n_other:
        shell.notice(f"answers that are none of the labels: {n_other:,}; their places stay empty (first: {first})")
    return ended(source, "classify")


def translate(
    shell: Shell, model: RemoteModel, remote: RemoteSaid, text: str | None, checkpoint: str | None, **values: Any
) -> int:
    """A line in, a line out."""
    from textmill.hub.remote_work import LINES_AT_ONCE, translate_remote
    from textmill.tasks.translating import unfinished_told

    n_best = values.pop("n_best")
    refuse(checkpoint=checkpoint, n_best=n_best > 1, **values)
    few = few_shot_of(remote, "translate")
    source, lines, at_once = lines_of(shell, text, LINES_AT_ONCE)
    n_cut = 0
    for found in translate_remote(model, few, lines, shell.load().config.generate, at_once):
        n_cut += not found.finished
        click.echo(found.to_json() if shell.json else for_terminal(" ".join(found.translation.split("\n"))))
    if n_cut:
        shell.notice(unfinished_told(n_cut))
    return ended(source, "translate")


def evaluate(
    shell: Shell,
    model: RemoteModel,
    remote: RemoteSaid,
    data: str | None,
    fail_under: str | None,
    abstain: float | None,
    writing: bool,
    choose: bool,
    texts: int | None,
    checkpoint: str | None,
) -> int:
    """As of a run; nothing is kept but the answers."""
    from textmill.cli.eval import refuse_without_writing, shown
    from textmill.cli.plan import show_plan
    from textmill.hub.remote_evaluation import evaluate_remote, planned, read_for

    refuse(checkpoint=checkpoint, abstain=abstain, writing=writing or None, choose=choose or None, texts=texts)
    refuse_without_writing(shell, {})
    if data is None:
        raise UsageError("a remote model has held nothing out: name what it is to be measured on, --data PATH")
    config, few, ways = shell.load().config, few_shot_said(remote), ways_of(remote)
    probable = bool(remote.get("probabilities"))
    if shell.dry_run:
        documents, _ = read_for(data, config, few)
        kept = [str(model.settings.cache)] if model.settings.cache is not None else []
        show_plan(
            shell,
            verb="eval",
            run=model.name,
            writes=kept,
            plan={"data": data, **planned(documents, few, ways, probable)},
        )
        return 0
    found = evaluate_remote(model, data, config, few, ways, probable)
    return shown(shell, found, fail_under)


def compared_with_remote(shell: Shell, remote: RemoteSaid, names: tuple[str, str], data: str | None) -> Comparison:
    """Two RUNs on one text, one or both of them remote; what a run of ours reads the text by holds for both."""
    from textmill.cli.run_argument import open_argument, settings_of, use_threads
    from textmill.evaluation import evaluate as evaluate_run
    from textmill.evaluation.comparing import compared
    from textmill.hub.remote_evaluation import evaluate_remote

    if data is None:
        raise UsageError("a remote model has held nothing out: name what both are to be measured on, --data PATH")
    few, ways = few_shot_said(remote), ways_of(remote)
    runs = {name: open_argument(name) for name in names if not name.startswith(SCHEME)}
    config = shell.load().config
    for run in runs.values():
        run.config = config = settings_of(run, shell, ("eval", "machine"))
        use_threads(config)
    found = []
    for name in names:
        if name in runs:
            found.append(evaluate_run(runs[name], data))
        else:
            with told_at_the_end(shell, remote.opened(name, shell)) as model:
                found.append(evaluate_remote(model, data, config, few, ways))
    return compared(found, config.eval)


def ask_remote(
    shell: Shell,
    model: RemoteModel,
    remote: RemoteSaid,
    docs: tuple[str, ...],
    threshold: float | None,
) -> Asker:
    """Documents that a remote model reads."""
    from textmill.hub.few_shot import few_shot_file
    from textmill.hub.remote_work import remote_asker

    path = remote.get("prompts")
    few = None if path is None else few_shot_file(path, "answer")
    return remote_asker(docs, shell.load(data__paths=docs).config, model, few, threshold, shell.notice)


# --- what they share


def few_shot_said(remote: RemoteSaid) -> FewShot | None:
    """The file of --prompts, of any task, where one was said."""
    from textmill.hub.few_shot import few_shot_file

    path = remote.get("prompts")
    return None if path is None else few_shot_file(path)


def ways_of(remote: RemoteSaid) -> TextWays:
    """--begin and --piece."""
    from textmill.hub.remote_evaluation import TextWays

    said = {name: value for name in ("begin", "piece") if (value := remote.get(name)) is not None}
    if said and remote.get("prompts") is not None:
        raise UsageError(f"--{next(iter(said))} is of texts, and --prompts of answers", hint="Leave one of them out.")
    return TextWays(**said)


def refuse(**said: object) -> None:
    """Raises UsageError for an option that has no meaning for a remote model."""
    for name, value in said.items():
        if value:
            raise UsageError(f"--{name.replace('_', '-')} {NOT_REMOTE}", hint="Leave it out.")


def few_shot_of(remote: RemoteSaid, task: FewShotTask) -> FewShot:
    """The file of --prompts. Raises UsageError where none was said."""
    from textmill.hub.few_shot import FORM, few_shot_file

    path = remote.get("prompts")
    if path is None:
        raise UsageError(f"a remote model has to be told how to {task}: --prompts FILE", hint=FORM)
    return few_shot_file(path, task)


def lines_of(shell: Shell, text: str | None, at_once: int) -> tuple[Lines | None, Any, int]:
    """Standard input, or one text; and how many are asked together."""
    if text not in (None, "-"):
        return None, [text], 1
    source = Lines(shell)
    return source, source, 1 if sys.stdin.isatty() else at_once


def ended(source: Lines | None, verb: str) -> int:
    """The exit code. Raises InputError where there was no line."""
    if source is None:
        return 0
    if not source.number:
        raise InputError(f"there is no line to {verb}", where="standard input", hint="An empty line is one.")
    return 1 if source.n_bad else 0
