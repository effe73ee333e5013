"""`textmill generate RUN "prompt"`: a run writes on. Room: cli/."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.condition_options import condition_options
from textmill.cli.constraint_options import Asked, constraint_options
from textmill.cli.form_options import FormSaid, form_options, with_room
from textmill.cli.output import Shell, for_terminal
from textmill.cli.remote_options import remote_instead
from textmill.cli.run_argument import model_of, run_argument, settings_of
from textmill.cli.text_argument import text_from
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from collections.abc import Callable

    from textmill.config import GenerateConfig
    from textmill.generation import Constraint, Writing
    from textmill.generation.writing import PromptIds
    from textmill.results import Generated
    from textmill.runs import Prepared, Run

KNOBS = ("generate", "machine", "run.seed")


@verb(
    "generate",
    knobs=KNOBS,
    examples=(
        'textmill generate runs/novel "Once upon a time"',
        'textmill generate runs/novel "Once" --n 3 --seed 7 --max-new-tokens 50',
        'textmill generate runs/novel "Once" --temperature 0        always the likeliest token',
        "echo Once | textmill generate runs/novel                   the prompt from standard input (also: -)",
        'textmill generate runs/novel "Once" --copies                what of it stands in the training text, and where',
        'textmill generate runs/novel "" --stop "." --json          an empty prompt: a text from its beginning',
        'textmill generate runs/tang "" --form 5x4 --rhyme --acrostic 春夏秋冬      a poem that keeps its form',
        'textmill generate runs/tang "" --title 春望 --author 杜甫      under conditions that it was trained with',
        'textmill generate runs/novel "A cat: " --json-schema cat.json      JSON that a schema accepts; also: --regex',
        'textmill generate openai:NAME "Once" --base-url http://127.0.0.1:8000/v1      a model of a server',
    ),
)
@condition_options
@form_options
@constraint_options
@remote_instead("generate")
@run_argument
@click.argument("prompt", required=False)
@click.option("--n", type=click.IntRange(min=1), default=1, metavar="N", help="Texts to write.")
@click.option("--copies", is_flag=True, help="Say how much of a text stands in the training text, and where.")
@checkpoint_option
def generate_command(
    shell: Shell,
    run: Run,
    prompt: str | None,
    n: int,
    copies: bool,
    checkpoint: str | None,
    form: FormSaid,
    given: dict[str, str],
    asked: Asked,
) -> None:
    """Let RUN write on from a prompt. The text alone goes to stdout, without the prompt.

    The prompt is an argument, `-`, or what is piped in (without its last line end). The same seed gives the same text.
    Several texts stand apart by an empty line; --json prints a line of JSON for each. A form is of the new text: the
    prompt is read before it, and is no part of it. Under --json-schema or --regex every text obeys, and ends within
    --max-new-tokens. What --copies finds goes to stderr, or into the JSON.
    """
    from textmill.generation import write

    if asked:
        form.refuse("a text keeps a form, or obeys --json-schema or --regex: not both")
    config = settings_of(run, shell, KNOBS)
    prepared = run.prepared() if copies else None  # refuses one whose text is gone, before anything is written
    model = model_of(run, config, checkpoint)
    verse = form.constraint(run)
    settings = config.generate
    if verse is not None:
        settings = with_room(config, shell.load().said, verse)
    said = text_from(prompt)
    text: str | PromptIds = said
    if given or run.config.data.conditions:
        from textmill.generation.writing import PromptIds, encoded_prompt
        from textmill.tasks.conditions import conditions_before

        before, notes = conditions_before(run, given, config.run.seed)
        for note in notes:
            shell.notice(note)
        begin = [run.tokenizer.begin] if config.tokens.begin_mark and run.tokenizer.begin is not None else []
        ids = [*begin, *encoded_prompt(run.tokenizer, before), *encoded_prompt(run.tokenizer, said)]
        text = PromptIds(before + said, ids)

    def writing_of(settings: GenerateConfig, constraint: Constraint | None, notice: Callable[[str], None]) -> Writing:
        return write(
            model,
            run.tokenizer,
            [text],
            settings,
            seed=config.run.seed,
            n=n,
            begin_mark=config.tokens.begin_mark,
            notice=notice,
            constraint=constraint,
        )

    writing = writing_of(settings, verse or asked.constraint(run.tokenizer, [text], settings), shell.notice)
    is_watched = n == 1 and not shell.json and sys.stdout.isatty()
    if is_watched:
        for piece in writing:
            click.echo(for_terminal(piece.text), nl=False)
            sys.stdout.flush()
        click.echo()
    results = writing.finish()
    if verse is not None:
        from textmill.generation.obedience import form_kept, obedience_of

        longest = max(map(len, writing.ids))
        free = writing_of(settings.model_copy(update={"max_new_tokens": longest}), None, lambda text: None)
        free.finish()
        kept, told = form_kept(str(verse.verse.form), obedience_of(model, writing, verse), obedience_of(model, free))
        shell.notice(told)
        results = [result.model_copy(update={"form": form}) for result, form in zip(results, kept, strict=True)]
    results = with_copies(results, prepared)
    for place, result in enumerate([] if is_watched else results):
        if shell.json:
            click.echo(result.to_json())
        else:
            click.echo(("\n" if place else "") + result.text)
    if not shell.json:
        show_copies(shell, results)


def with_copies(results: list[Generated], prepared: Prepared | None) -> list[Generated]:
    """The texts, and of each how much of it stands in the training text, where there is one to look in."""
    if prepared is None:
        return results
    from textmill.evaluation.copied import copied

    found = copied([result.text for result in results], prepared)
    return [result.model_copy(update={"copied": own}) for result, own in zip(results, found, strict=True)]


def show_copies(shell: Shell, results: list[Generated]) -> None:
    """On stderr, a block for each text."""
    from textmill.cli.writing import copied_text
    from textmill.report.words import Words, language

    for result in results:
        if result.copied is not None:
            shell.notice(copied_text(result.copied, Words(language())))
