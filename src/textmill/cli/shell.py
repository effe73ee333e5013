"""The `textmill` command: finds the verb, turns what went wrong into a line and an exit code. Room: cli/.

Verbs are loaded when they are called: the overview reads static lines from tables.VERBS, so that it loads nothing.
Exit codes: 0 done, 1 done and the answer is no, 2 usage, config or input, 70 our own bug, 130 and 143 stopped by a
signal after saving.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import click
from click.exceptions import Exit, NoSuchCommand, NoSuchOption

import textmill
from textmill.cli.output import error_line, forget, show_error
from textmill.errors import InputError, Interrupted, NoMemory, TextmillError, UsageError, did_you_mean
from textmill.stopping import leave_if_importing
from textmill.tables import VERBS, load

BUG = 70
OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EACCES, errno.EPERM, errno.EROFS)
STOPPED = "stopped"
STOPPED_TRAINING = "stopped: the same command begins again, or goes on with a run that it had begun"
TRAINERS = ("train", "choose", "demo")

EXAMPLES = """\
textmill: from raw text to a language model that is trained, measured and explained.

  textmill demo                               train on the text inside Python, see everything
  textmill look my_texts/                     what is in there, what would be dropped
  textmill train my_texts/                    train; the same command goes on after Ctrl-C
  textmill train my_texts/ --arch lstm        rnn, lstm, gru or transformer
  textmill eval runs/my_texts                 how good is it, beside its floor
  textmill generate runs/my_texts "Once"      let it write

All verbs: textmill --help. Help of one: textmill train --help."""


class Verbs(click.Group):
    """The verbs of tables.VERBS, each loaded when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = load(VERBS[cmd_name][0])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.command(
    cls=Verbs,
    invoke_without_command=True,
    subcommand_metavar="VERB [OPTIONS]",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--version", is_flag=True, help="Print the version.")
@click.pass_context
def textmill_command(ctx: click.Context, version: bool) -> None:
    """From raw text to a language model that is trained, measured and explained."""
    if version:
        click.echo(f"textmill {textmill.__version__}")
    elif ctx.invoked_subcommand is None:
        click.echo(EXAMPLES)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (default: this process's); the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if "_TEXTMILL_COMPLETE" in os.environ:  # click's shell completion
        textmill_command.main(arguments, prog_name="textmill")
    _stand_in_for_closed_streams()
    _write_any_file_name()
    stopped_words = STOPPED_TRAINING if arguments[:1] and arguments[0] in TRAINERS else STOPPED
    try:
        with _stopped_in_order(stopped_words), textmill_command.make_context("textmill", list(arguments)) as ctx:
            code = textmill_command.invoke(ctx)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except Exit as left:
        return left.exit_code
    except BrokenPipeError:
        forget(sys.stdout)
        return 0
    except (KeyboardInterrupt, Terminated) as stopped:
        click.echo(f"\n{stopped_words}", err=True)
        return 128 + (signal.SIGTERM if isinstance(stopped, Terminated) else signal.SIGINT)
    except Interrupted as stopped:
        click.echo(str(stopped), err=True)
        return stopped.exit_code
    except TextmillError as error:
        return _refuse(error, arguments)
    except click.UsageError as error:
        return _refuse(_usage_error(error), arguments)
    except click.ClickException as error:
        return _refuse(UsageError(error.format_message()), arguments)
    except OSError as error:
        if error.errno in OF_THE_MACHINE:
            where = None if error.filename is None else str(error.filename)
            return _refuse(InputError(str(error.strerror), where=where), arguments)
        return _our_bug(error, arguments)
    except MemoryError:
        return _refuse(NoMemory("memory ran out", hint="Free some, or give the command less at once."), arguments)
    except Exception as error:
        return _our_bug(error, arguments)


class Terminated(BaseException):
    """SIGTERM came, and nothing else watches for it."""


@contextlib.contextmanager
def _stopped_in_order(words: str) -> Iterator[None]:
    """SIGTERM unwinds the stack, as Ctrl-C does, so that temporary files go; the handlers from before are put back.

    Where somebody else handles a signal already, it stays so.
    """

    def stopped(number: int, frame: FrameType | None) -> None:
        leave_if_importing(number, frame, words)
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    usual: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    ours = [number for number, handler in usual.items() if signal.getsignal(number) == handler]
    if threading.current_thread() is not threading.main_thread():
        ours = []
    for number in ours:
        signal.signal(number, stopped)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, usual[number])


def _refuse(error: TextmillError, arguments: list[str]) -> int:
    show_error(error, arguments)
    return error.exit_code


def _usage_error(error: click.UsageError) -> UsageError:
    """click's complaints in the shape of ours."""
    path = error.ctx.command_path if error.ctx is not None else "textmill"
    seek = f"`{path} --help` shows examples"
    if isinstance(error, NoSuchCommand):
        group = error.ctx.command if error.ctx is not None else None
        known = group.list_commands(click.Context(group)) if isinstance(group, click.Group) else []
        said = f"{path} {error.command_name}".removeprefix("textmill ")
        return UsageError(f"no verb '{said}'", hint=did_you_mean(error.command_name, known) or seek)
    if isinstance(error, NoSuchOption):
        if path == "textmill":
            return UsageError(
                f"no option '{error.option_name}' before the verb",
                hint=f"Options stand after it: textmill VERB {error.option_name}",
            )
        return UsageError(f"no option '{error.option_name}' in {path}", hint=_near_option(error) or seek)
    message = error.format_message().rstrip(".")
    return UsageError(f"{path}: {message[:1].lower()}{message[1:]}", hint=seek)


def _near_option(error: NoSuchOption) -> str | None:
    """The nearest option of the verb; one with the right name in another section comes first."""
    from textmill.config.layers import nearest_key

    if error.ctx is None:
        return None
    known = [name for param in error.ctx.command.get_params(error.ctx) for name in param.opts + param.secondary_opts]
    name = error.option_name.lstrip("-")
    if "." in error.option_name:  # two knobs that share nothing but their section are not near
        near = nearest_key(error.option_name.lstrip("-"), [option.lstrip("-") for option in known])
        dashed = [option for option in known if option.lstrip("-") == near]
        return f"did you mean '{dashed[0]}'?" if dashed else None
    twins = [option for option in known if option.lstrip("-").rpartition(".")[2] == name]
    return f"did you mean '{twins[0]}'?" if twins else did_you_mean(error.option_name, known)


def _our_bug(error: Exception, arguments: list[str]) -> int:
    """Keep the traceback in a file and say where: it is of no use to whoever typed the command."""
    import platform
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="textmill-bug-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as log:
            log.write(f"textmill {textmill.__version__}, Python {platform.python_version()}, {platform.platform()}\n")
            log.write(f"arguments: {arguments!r}\n\n")
            log.writelines(traceback.format_exception(error))
        place = f"The traceback is in {log.name}"
    except OSError as no_place:
        place = f"The traceback could not be kept: {no_place}"
    first = str(error).partition("\n")[0]
    click.echo(
        error_line(f"a bug of Textmill, not of your input: {type(error).__name__}: {first}", arguments), err=True
    )
    click.echo(f"  {place}", err=True)
    return BUG


def _stand_in_for_closed_streams() -> None:
    """A stream that was closed before (`>&-`, some daemons) is None: what goes there goes nowhere.

    The null device takes the free number, so that no file of ours gets it and what a library prints.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123


def _write_any_file_name() -> None:
    """File names need not be valid Unicode; printing one gives its own bytes back."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8":
        reconfigure(errors="surrogateescape")
