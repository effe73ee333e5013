"""`textmill chat RUN`: a prompt with history. Room: cli/.

What was typed and what was answered make one prompt (generation/chat), and the model goes on with it; a remote model
is told the turns.
"""

from __future__ import annotations

import contextlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.constraint_options import Asked, constraint_options
from textmill.cli.output import Shell, for_terminal, show_error
from textmill.cli.remote_options import SYSTEM, remote_instead
from textmill.cli.run_argument import model_of, run_argument, settings_of
from textmill.cli.verb import verb
from textmill.errors import ConfigError, InputError, RemoteError, TextmillError, UsageError, did_you_mean

if TYPE_CHECKING:
    from textmill.config import Config
    from textmill.generation.chat import ChatStyle, Turn
    from textmill.generation.writing import PromptIds
    from textmill.hub.remote_model import RemoteModel
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
        'textmill chat openai:NAME --system "Be brief."       a model of a server',
    ),
)
@constraint_options
@remote_instead("chat", **SYSTEM)
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
def chat_command(shell: Shell, run: Run, style: ChatStyle | None, asked: Asked, checkpoint: str | None) -> None:
    """Talk with RUN. /? lists what can be said; Ctrl-C stops an answer, Ctrl-D leaves.

    A message of several lines stands between two lines of three quotes. A model of plain text writes on from what was
    said so far; it was not taught to answer. One that was has a chat template: it is laid out by that, and a control
    word that you type, such as <|im_end|>, is read as letters. Under --json-schema or --regex every answer obeys.
    """
    config = settings_of(run, shell, ("generate", "machine", "run.seed"))
    RunChat(shell, run, config, style, asked, checkpoint).talk()


class Chat(ABC):
    """What was said so far, and the settings that it goes on with. commands: what /? lists."""

    commands: ClassVar[dict[str, str]] = HELP
    style: ChatStyle
    """As which /save lays out what was said."""

    def __init__(self, shell: Shell, name: str, config: Config):
        self.shell, self.name, self.config = shell, name, config
        self.turns: list[Turn] = []
        self.n_answers = 0

    def talk(self) -> None:
        """Read and answer until /bye or the end of the input."""
        if not self.shell.json:
            self.shell.notice(f"{self.name}: say something; /? lists what else can be said, Ctrl-D leaves")
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
        from textmill.generation.chat import Turn
        from textmill.results import Chatted

        self.turns.append(Turn("user", self.line(message)))
        # An answer that was stopped has no reason of its own: it ended where Ctrl-C cut it off.
        parts, reason = [], "stop"
        with contextlib.suppress(KeyboardInterrupt):
            for piece, why in self.written(self.config.run.seed + self.n_answers):
                parts.append(piece)
                reason = why or reason
                if not self.shell.json:
                    click.echo(for_terminal(piece) if sys.stdout.isatty() else piece, nl=False)
                    sys.stdout.flush()
        self.n_answers += 1
        text = self.answered("".join(parts))
        self.turns.append(Turn("assistant", self.line(text)))
        if self.shell.json:
            click.echo(Chatted(prompt=message, text=text, finish_reason=reason).to_json())
        else:
            click.echo()

    def answered(self, text: str) -> str:
        """What was written, as the text of a turn."""
        from textmill.generation.chat import chat_answer

        return chat_answer(text, self.style)

    @abstractmethod
    def written(self, seed: int) -> Iterator[tuple[str, str | None]]:
        """The next answer in pieces, and with the last one why it ended there."""

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
            for name, meaning in self.commands.items():
                click.echo(f"{name:15} {meaning}", err=True)
        elif word == "/clear":
            self.turns = []
            self.shell.notice("forgotten")
        elif word == "/set":
            self.set(rest)
        elif word == "/save":
            self.save(rest)
        else:
            raise UsageError(f"unknown {word}", hint=near_command(word, self.commands) or "/? lists what there is")
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


class RunChat(Chat):
    """With a run of this machine."""

    def __init__(
        self,
        shell: Shell,
        run: Run,
        config: Config,
        style: ChatStyle | None,
        asked: Asked,
        checkpoint: str | None,
    ):
        from textmill.generation.chat import style_of
        from textmill.tokens.chat_template import ChatTemplate

        super().__init__(shell, str(run.path), config)
        self.asked = asked
        self.tokenizer = run.tokenizer
        self.style = style_of(style, self.tokenizer, run.info.get("data", {}).get("conversations") is True)
        self.template = ChatTemplate(self.tokenizer.chat_template or "", str(run.path))
        self.model = model_of(run, config, checkpoint)

    def talk(self) -> None:
        with self.template:
            super().talk()

    def written(self, seed: int) -> Iterator[tuple[str, str | None]]:
        from textmill.generation import write
        from textmill.generation.chat import chat_prompt, chat_stops, laid_out

        settings = self.config.generate
        if not self.asked:  # else the constraint says where an answer ends
            settings = settings.model_copy(update={"stop": (*settings.stop, *chat_stops(self.style))})
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
            seed=seed,
            begin_mark=self.config.tokens.begin_mark,
            notice=self.shell.notice,
            constraint=self.asked.constraint(self.tokenizer, [prompt], settings),
        )
        for piece in writing:
            yield piece.text, None
        yield "", writing.results[0].finish_reason


class RemoteChat(Chat):
    """With a model of a server, which is told all turns each time. system: what it is told before them."""

    commands: ClassVar[dict[str, str]] = {"/system TEXT": "what the model is told before all; alone: nothing"} | HELP
    style = "turns"

    def __init__(self, shell: Shell, model: RemoteModel, config: Config, system: str = ""):
        super().__init__(shell, model.name, config)
        self.model, self.system = model, system.strip()

    def answer(self, message: str) -> None:
        """Where the server gives none, at a terminal that is told, and the message can be said again."""
        n_turns = len(self.turns)
        try:
            super().answer(message)
        except (RemoteError, ConfigError) as error:
            if not sys.stdin.isatty():
                raise
            del self.turns[n_turns:]
            click.echo()
            show_error(error)

    def written(self, seed: int) -> Iterator[tuple[str, str | None]]:
        from textmill.generation.chat import Turn, chat_prompt, chat_stops
        from textmill.hub.remote_model import Prompt

        told = [Turn("system", self.system)] * bool(self.system) + self.turns
        messages = tuple((turn.speaker, turn.text) for turn in told)
        prompt = Prompt(chat_prompt(told, "turns"), messages, chat_stops("turns"))
        for piece in self.model.stream(prompt, self.config.generate, seed):
            yield piece.text, piece.finish_reason

    def answered(self, text: str) -> str:
        return text if self.model.endpoint == "chat" else super().answered(text)

    def obey(self, line: str) -> bool:
        word, _, rest = line.partition(" ")
        if word != "/system":
            return super().obey(line)
        self.system = rest.strip()
        self.shell.notice(f"it is told: {self.system}" if self.system else "it is told nothing before")
        return True


def near_command(word: str, commands: Mapping[str, str] = HELP) -> str | None:
    """What may be meant by an unknown command: another one, or a setting that wants its /set."""
    from textmill.config.knobs import all_knobs

    settings = {"seed", *(knob.name for knob in all_knobs().values() if knob.section == "generate")}
    name = word.removeprefix("/").replace("-", "_")
    if name in settings:
        return f"did you mean '/set {name}'?"
    settings_near = did_you_mean(name, settings)
    return did_you_mean(word, [known.split()[0] for known in commands]) or (
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
