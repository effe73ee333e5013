"""What all verbs share: help that opens with examples, the common options, a flag for every knob. Room: cli/.

A knob's short flag (--steps) and its help come from its declaration; every knob of the verb's sections also has its
long form (--train.steps). The values are words: config/layers fits them, so that a flag and a file fail alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from textmill.cli.output import Shell, colour_wanted
from textmill.cli.remote_options import RemoteOption
from textmill.config.knobs import Knob, all_knobs
from textmill.errors import UsageError

SHORT, LONG = "short_", "long_"


def verb(
    name: str,
    *,
    examples: Sequence[str],
    knobs: Sequence[str] = (),
    unlisted: Sequence[str] = (),
    writes: bool = False,
) -> Callable[[Callable[..., Any]], Verb]:
    """Make a function (shell: Shell, …) a verb.

    examples: command lines that open its help. knobs: the sections and single keys that it takes.
    unlisted: sections whose short flags its help leaves out. writes: it has -n.
    """

    def make(function: Callable[..., Any]) -> Verb:
        settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
        decorate = click.command(
            name, cls=Verb, context_settings=settings, examples=examples, knobs=knobs, unlisted=unlisted, writes=writes
        )
        return decorate(function)

    return make


class Verb(click.Command):
    """A verb; calls its function with a Shell first."""

    def __init__(
        self,
        *args: Any,
        examples: Sequence[str] = (),
        knobs: Sequence[str] = (),
        unlisted: Sequence[str] = (),
        writes: bool = False,
        **kwargs: Any,
    ):
        self.function: Callable[..., Any] = kwargs["callback"]
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.wanted = list(knobs)
        self.knobs = [knob for knob in all_knobs().values() if knob.section in knobs or knob.key in knobs]
        self.own = list(self.params)
        self.flags = [_short_option(knob, hidden=knob.section in unlisted) for knob in self.knobs if knob.flag]
        self.common = common_options(writes)
        self.params += [*self.flags, *(_long_option(knob) for knob in self.knobs), *self.common]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # so that the message can name the verb
            raise

    def invoke(self, ctx: click.Context) -> Any:
        values = ctx.params
        ctx.color = colour_wanted(["--no-color"] if values.pop("no_color") else ())
        said: dict[str, Any] = {}
        for knob in self.knobs:
            short, long = values.pop(SHORT + _slug(knob), None), values.pop(LONG + _slug(knob), None)
            if short not in (None, ()) and long not in (None, ()):
                raise UsageError(f"say {knob.flag} or --{knob.key}, not both")
            if short not in (None, ()):
                said[knob.key] = short
            elif long not in (None, ()):
                said[knob.key] = long[0] if knob.repeated and len(long) == 1 else long
        shell = Shell(
            json=values.pop("json_wanted"),
            quiet=values.pop("quiet"),
            verbose=values.pop("verbose"),
            dry_run=values.pop("dry_run", False),
            config_file=values.pop("config_file"),
            said=said,
        )
        return ctx.invoke(self.function, shell, **values)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(formatter, self.examples)
        super().format_help(ctx, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        remote = [param for param in self.own if isinstance(param, RemoteOption)]
        own = [param for param in self.own if not isinstance(param, RemoteOption)]
        titles: dict[str, Sequence[click.Parameter]] = {
            "Options": [*own, *self.flags],
            "Of a remote model, openai:NAME": remote,
            "Everywhere": self.common,
        }
        for title, params in titles.items():
            options = [param for param in params if isinstance(param, click.Option)]
            records = [record for option in options if (record := option.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
        if self.knobs:
            formatter.write_paragraph()
            formatter.write_text(
                f"Every knob of {', '.join(self.wanted)} can be said as --section.name VALUE; "
                "`textmill config keys` lists them."
            )


def verb_group(
    name: str, *, examples: Sequence[str], verbs: Mapping[str, str]
) -> Callable[[Callable[[], None]], Verbs]:
    """Make a function, of which only the docstring is taken, a group of verbs: it shows its help where none is named.

    examples: command lines that open its help. verbs: name -> one line for the help, static.
    """

    def make(function: Callable[[], None]) -> Verbs:
        decorate = click.group(
            name,
            cls=Verbs,
            invoke_without_command=True,
            subcommand_metavar="VERB [OPTIONS]",
            context_settings={"help_option_names": ["-h", "--help"]},
            examples=examples,
            verbs=verbs,
        )
        return decorate(function)

    return make


class Verbs(click.Group):
    """Verbs under one name."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), verbs: Mapping[str, str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.examples, self.verbs = examples, verbs

    def invoke(self, ctx: click.Context) -> Any:
        result = super().invoke(ctx)
        if ctx.invoked_subcommand is None:
            click.echo(ctx.get_help())
        return result

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(formatter, self.examples)
        super().format_help(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(self.verbs.items()))


def write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    """Examples first: most readers need nothing else (clig.dev)."""
    with formatter.section("Examples"):
        for example in examples:
            formatter.write(f"{'':{formatter.current_indent}}{example}\n")
    formatter.write_paragraph()


def common_options(writes: bool) -> list[click.Parameter]:
    """The options that every verb has; -n where it writes files."""
    options = [
        click.Option(["--json", "json_wanted"], is_flag=True, help="Print one JSON document."),
        click.Option(["-q", "--quiet"], is_flag=True, help="Nothing on stderr but errors."),
        click.Option(["-v", "--verbose"], is_flag=True, help="Say more on stderr."),
        click.Option(["--no-color"], is_flag=True, help="No colours (as with NO_COLOR)."),
        click.Option(
            ["-c", "--config", "config_file"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Knobs from a TOML file; above textmill.toml, below flags.",
        ),
    ]
    if writes:
        options.append(
            click.Option(["-n", "--dry-run"], is_flag=True, help="Print the plan and the files, write nothing.")
        )
    return list(options)


def _slug(knob: Knob) -> str:
    return f"{knob.section}__{knob.name}"


def _short_option(knob: Knob, hidden: bool) -> click.Option:
    name = SHORT + _slug(knob)
    if knob.kind is bool:
        off = f"--no-{str(knob.flag).lstrip('-')}"
        return click.Option([f"{knob.flag}/{off}", name], default=None, help=knob.help, hidden=hidden)
    return click.Option(
        [str(knob.flag), name], multiple=knob.repeated, metavar=knob.metavar, help=knob.help, hidden=hidden
    )


def _long_option(knob: Knob) -> click.Option:
    return click.Option([f"--{knob.key}", LONG + _slug(knob)], multiple=knob.repeated, hidden=True)
