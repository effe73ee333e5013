"""`textmill chat RUN`: a prompt with history. Room: cli/.

What was typed and what was answered make one prompt (generation/chat), and the model goes on with it.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.output import Shell, for_terminal, show_error
from textmill.cli.run_argument import model_of, run_argument, settings_of
from textmill.cli.verb import verb
from textmill.errors import InputError, TextmillError, UsageError, did_you_mean

if TYPE_CHECKING:
    from textmill.config import Config
    from textmill.generation.chat import ChatStyle, Turn
    from textmill.generation.writing import PromptIds
    from textmill.runs import Run

HELP = {
    "/clear": "forget what was said",
    "/set KEY VALUE": "such as /set temperature 0.5, /set max_new_tokens 50, /set seed 7",
    "/save FILE": "write all that was said to a new file",
    "/bye": "leave (also Ctrl-D)",
    "/?": "this list",
}
QUOTES = '"""'


@verb(
    "chat",
    knobs=("generate", "machine", "run.seed"),
    examples=(
        "textmill chat runs/novel",
        "textmill chat runs/novel --temperature 0.5 --max-new-tokens 50",
        "textmill chat runs/dialogues --style turns           User: … Assistant: …, for a model trained on dialogues",
        "textmill chat runs/novel --json < questions.txt      a line of JSON for each answer",
    ),
)
@run_argument
@click.option(
    "--style",
    type=click.Choice(["raw", "turns", "template"]),
    default=None,
    help="template: as the model's own chat template lays turns out (default, where it has one). raw: the text goes "
    "on, line by line (default, where it has none). turns: each line is labelled User: or Assistant: (default of a run "
    "that was trained on conversations).",
)
@checkpoint_option
def chat_command(shell: Shell, run: Run, style: ChatStyle | None, checkpoint: str | None) -> None:
    """Talk with RUN. /? lists what can be said; Ctrl-C stops an answer, Ctrl-D leaves.

    A message of several lines stands between two lines of three quotes. A model of plain text writes on from what was
    said so far; it was not taught to answer. One that was has a chat template: it is laid out by that, and a control
    word that you type, such as <|im_end|>, is read as letters.
    """
    config = settings_of(run, shell, ("generate", "machine", "run.seed"))
    Chat(shell, run, config, style, checkpoint).talk()


class Chat:
    """What was said so far, and the settings that it goes on with."""

    def __init__(self, shell: Shell, run: Run, config: Config, style: ChatStyle | None, checkpoint: str | None):
        from textmill.generation.chat import style_of
        from textmill.tokens.chat_template import ChatTemplate

        self.shell, self.run, self.config, self.tokenizer = shell, run, config, run.tokenizer
        self.style = style_of(style, self.tokenizer, run.info.get("data", {}).get("conversations") is True)
        self.template = ChatTemplate(self.tokenizer.chat_template or "", str(run.path))
        self.model = model_of(run, config, checkpoint)
        self.turns: list[Turn] = []
        self.n_answers = 0

    def talk(self) -> None:
        """Read and answer until /bye or the end of the input."""
        with self.template:
            self._talk()

    def _talk(self) -> None:
        if not self.shell.json:
            self.shell.notice(f"{self.run.path}: say something; /? lists what else can be said, Ctrl-D leaves")
        while (message := read_message()) is not None:
            if not message.startswith("/"):
                self.answer(message)
                continue
            try:
                if not self.obey(message):
                    return
            except TextmillError as error:
                show_error(error)

    def answer(self, message: str) -> None:
        """Write on from what was said so far and the message; Ctrl-C keeps what stands there."""
        from textmill.generation import write
        from textmill.generation.chat import Turn, chat_answer, chat_prompt, chat_stops, laid_out
        from textmill.results import Chatted

        settings = self.config.generate
        settings = settings.model_copy(update={"stop": (*settings.stop, *chat_stops(self.style))})
        self.turns.append(Turn("user", self.line(message)))
        prompt: str | PromptIds = chat_prompt(self.turns, self.style)
        if self.style == "template":
            prompt, typed = laid_out(self.turns, self.template, self.tokenizer)
            if typed:
                self.shell.notice(f"control words that were typed are read as letters: {' '.join(typed)}")
        writing = write(
            self.model,
            self.tokenizer,
            [prompt],
            settings,
            seed=self.config.run.seed + self.n_answers,
            begin_mark=self.config.tokens.begin_mark,
            notice=self.shell.notice,
        )
        self.n_answers += 1
        parts: list[str] = []
        with contextlib.suppress(KeyboardInterrupt):
            for piece in writing:
                parts.append(piece.text)
                if not self.shell.json:
                    click.echo(for_terminal(piece.text) if sys.stdout.isatty() else piece.text, nl=False)
                    sys.stdout.flush()
        text = chat_answer("".join(parts), self.style)
        self.turns.append(Turn("assistant", self.line(text)))
        if self.shell.json:
            # An answer that was stopped has no result of its own: it ended where Ctrl-C cut it off.
            reason = writing.results[0].finish_reason if writing.results else "stop"
            click.echo(Chatted(prompt=message, text=text, finish_reason=reason).to_json())
        else:
            click.echo()

    def line(self, text: str) -> str:
        """A turn as it stands in the prompt: raw text needs a line end, labels bring their own."""
        return text if self.style != "raw" or text.endswith("\n") else text + "\n"

    def obey(self, line: str) -> bool:
        """Do what a line that begins with / says; False to leave."""
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if word == "/bye":
            return False
        if word in ("/?", "/help"):
            for name, meaning in HELP.items():
                click.echo(f"{name:15} {meaning}", err=True)
        elif word == "/clear":
            self.turns = []
            self.shell.notice("forgotten")
        elif word == "/set":
            self.set(rest)
        elif word == "/save":
            self.save(rest)
        else:
            raise UsageError(f"unknown {word}", hint=near_command(word) or "/? lists what there is")
        return True

    def set(self, rest: str) -> None:
        """/set temperature 0.5: a knob of [generate], or the seed."""
        from textmill.config.layers import section_with

        name, _, value = rest.partition(" ")
        if not name or not value.strip():
            raise UsageError("/set takes a key and a value", hint="/set temperature 0.5")
        key = "run.seed" if name == "seed" else f"generate.{name.removeprefix('generate.')}"
        self.config = section_with(self.config, key, value.strip())
        self.shell.notice(f"{name} is {value.strip()}")

    def save(self, rest: str) -> None:
        """/save FILE: never over a file that is there."""
        from textmill.generation.chat import chat_prompt

        if not rest:
            raise UsageError("/save takes the name of a file")
        try:
            with Path(rest).open("x", encoding="utf-8", newline="") as file:
                file.write(chat_prompt(self.turns, self.style))
        except FileExistsError:
            raise InputError("this file is there already", where=rest, hint="take another name") from None
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", where=rest) from None
        self.shell.notice(f"saved in {rest}")


def near_command(word: str) -> str | None:
    """What may be meant by an unknown command: another one, or a setting that wants its /set."""
    from textmill.config.knobs import all_knobs

    settings = {"seed", *(knob.name for knob in all_knobs().values() if knob.section == "generate")}
    name = word.removeprefix("/").replace("-", "_")
    if name in settings:
        return f"did you mean '/set {name}'?"
    settings_near = did_you_mean(name, settings)
    return did_you_mean(word, [known.split()[0] for known in HELP]) or (
        settings_near.replace("'", "'/set ", 1) if settings_near else None
    )


def read_message() -> str | None:
    """The next line, or the lines between two of three quotes; None at the end of the input."""
    line = _read_line(">>> ")
    while line is not None and not line.strip():
        line = _read_line(">>> ")
    if line is None or not line.startswith(QUOTES):
        return line
    lines, line = [], line.removeprefix(QUOTES)
    while line is not None and not line.rstrip().endswith(QUOTES):
        lines.append(line)
        line = _read_line("... ")
    lines.append((line or "").rstrip().removesuffix(QUOTES))
    return "\n".join(lines).strip("\n")


def _read_line(prompt: str) -> str | None:
    """A line without its end. At a terminal with a prompt and line editing; Ctrl-C there begins the line anew."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        line = sys.stdin.readline()
        return line.rstrip("\r\n") if line else None
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401
    while True:
        try:
            return input(prompt)
        except EOFError:
            click.echo(err=True)
            return None
        except KeyboardInterrupt:
            click.echo("\n(Ctrl-D or /bye leaves)", err=True)
