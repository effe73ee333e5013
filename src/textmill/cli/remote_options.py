"""`openai:NAME` in RUN's place: the options of a remote model, and which verbs take one. Room: cli/."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from textmill.cli.output import Shell
from textmill.errors import UsageError

if TYPE_CHECKING:
    from textmill.hub.remote_model import RemoteModel
    from textmill.hub.remote_server import Endpoint
    from textmill.results import RemoteUse

SCHEME = "openai:"
PREFIX = "remote_"
Verb = Callable[..., Any]


class RemoteOption(click.Option):
    """An option that is for remote models alone: help lists them apart."""


OPTIONS: dict[str, dict[str, Any]] = {
    "--base-url": {"metavar": "URL", "help": "Of the server. Default: OPENAI_BASE_URL, else OpenAI's."},
    "--api-key-file": {"metavar": "FILE", "help": "A file with the key. Default: OPENAI_API_KEY."},
    "--endpoint": {
        "type": click.Choice(["auto", "completions", "chat"]),
        "help": "How it is asked. Default: found out.",
    },
    "--timeout": {
        "type": click.FloatRange(min=0, min_open=True),
        "metavar": "SECONDS",
        "help": "To wait for an answer. Default: 60.",
    },
    "--retries": {
        "type": click.IntRange(min=0, max=100),
        "metavar": "N",
        "help": "Times to ask again after 429, 500 or silence. Default: 4.",
    },
    "--at-once": {
        "type": click.IntRange(min=1, max=256),
        "metavar": "N",
        "help": "Requests on their way together. Default: 4.",
    },
    "--price-in": {"type": click.FloatRange(min=0), "metavar": "X", "help": "For a million tokens of prompts."},
    "--price-out": {"type": click.FloatRange(min=0), "metavar": "X", "help": "For a million tokens of answers."},
    "--cache": {"metavar": "DIR", "help": "Where answers are kept, so that the same costs nothing twice."},
    "--no-cache": {"is_flag": True, "default": None, "help": "Keep no answers, and use none."},
}
PROMPTS: dict[str, dict[str, Any]] = {
    "prompts": {"metavar": "FILE", "help": "Instruction and examples, TOML or JSON (docs/remote.md)."}
}

SYSTEM: dict[str, dict[str, Any]] = {
    "system": {"metavar": "TEXT", "help": "What the model is told before all that is said."}
}
PROBABILITIES: dict[str, dict[str, Any]] = {
    "probabilities": {
        "is_flag": True,
        "default": None,
        "help": "Of each label, where the server tells them: as many requests as labels, in a chat one.",
    }
}
TEXT_WAYS: dict[str, dict[str, Any]] = {
    "begin": {
        "metavar": "TEXT",
        "help": "Stands before each text, uncounted, so that all of the text has a probability.",
    },
    "piece": {"type": click.IntRange(min=1), "metavar": "N", "help": "Characters read together. Default: 4000."},
}


def remote_options(**more: dict[str, Any]) -> Callable[[Verb], Verb]:
    """Give the verb the options, as `remote: RemoteSaid`. more: options of its own, by name with _ for -."""

    def decorate(function: Verb) -> Verb:
        @functools.wraps(function)
        def parted(shell: Shell, **values: Any) -> Any:
            own = {name: values.pop(name) for name in list(values) if name.startswith(PREFIX)}
            said = RemoteSaid({name.removeprefix(PREFIX): value for name, value in own.items() if value is not None})
            return function(shell, remote=said, **values)

        options = OPTIONS | {f"--{name.replace('_', '-')}": settings for name, settings in more.items()}
        decorated: Verb = parted
        for flag, settings in reversed(options.items()):
            name = PREFIX + flag.removeprefix("--").replace("-", "_")
            decorated = click.option(flag, name, cls=RemoteOption, **settings)(decorated)
        return decorated

    return decorate


class RemoteSaid:
    """The options of remote models that were said."""

    def __init__(self, values: dict[str, Any]):
        self.values = values

    def get(self, name: str) -> Any:
        """What was said, or None."""
        return self.values.get(name)

    def refuse(self, run: str) -> None:
        """Raises UsageError where any was said, of a RUN that is not remote."""
        for name in self.values:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is for a remote model, and RUN is {run}", hint=f"Say {SCHEME}NAME in its place.")

    def opened(self, name: str, shell: Shell, first: Endpoint = "completions") -> RemoteModel:
        """The model. Raises UsageError, InputError, MissingExtra."""
        from textmill.hub.remote_model import open_remote
        from textmill.hub.remote_server import RemoteSettings, key_of_file

        if self.get("cache") is not None and self.get("no_cache"):
            raise UsageError("say --cache DIR or --no-cache, not both")
        settings: dict[str, Any] = {
            "base_url": self.get("base_url"),
            "endpoint": self.get("endpoint"),
            "timeout_s": self.get("timeout"),
            "retries": self.get("retries"),
            "at_once": self.get("at_once"),
            "price_in": self.get("price_in"),
            "price_out": self.get("price_out"),
        }
        settings = {key: value for key, value in settings.items() if value is not None}
        if self.get("api_key_file") is not None:
            settings["api_key"] = key_of_file(self.get("api_key_file"))
        if self.get("no_cache"):
            settings["cache"] = None
        elif self.get("cache") is not None:
            settings["cache"] = Path(self.get("cache"))
        return open_remote(name, RemoteSettings(**settings), shell.notice, first)


def remote_instead(door: str, **more: dict[str, Any]) -> Callable[[Verb], Verb]:
    """Let the verb take `openai:NAME` in RUN's place.

    door: a function of cli/remote.py, called as the verb is, with the remote model as `run` and `remote` for options of
    its own. Stands above run_argument.
    """

    def decorate(function: Verb) -> Verb:
        @functools.wraps(function)
        def either(shell: Shell, remote: RemoteSaid, run: str, **values: Any) -> Any:
            if not run.startswith(SCHEME):
                remote.refuse(run)
                return function(shell, run=run, **values)
            from textmill.cli import remote as verbs

            first: Endpoint = "chat" if door == "chat" else "completions"
            with told_at_the_end(shell, remote.opened(run, shell, first)) as model:
                return getattr(verbs, door)(shell, model, remote, **values)

        return remote_options(**more)(either)

    return decorate


class told_at_the_end:  # noqa: N801  a with-statement reads it as a sentence
    """A remote model; what it cost is told whatever happens."""

    def __init__(self, shell: Shell, model: RemoteModel):
        self.shell, self.model = shell, model

    def __enter__(self) -> RemoteModel:
        return self.model

    def __exit__(self, *about: object) -> None:
        self.model.close()
        use = self.model.use
        if use.n_requests or use.n_cached or use.n_retries:
            self.shell.notice(use_told(self.model.name, use))


def use_told(name: str, use: RemoteUse) -> str:
    """What was asked and what it cost, in a line."""
    said = [f"{use.n_requests:,} request{'' if use.n_requests == 1 else 's'}"]
    if use.n_retries:
        said.append(f"{use.n_retries:,} asked again")
    if use.n_cached:
        said.append(f"{use.n_cached:,} answer{'' if use.n_cached == 1 else 's'} from the cache")
    tokens = f"{use.n_prompt_tokens:,} tokens in, {use.n_completion_tokens:,} out"
    if use.n_uncounted:
        tokens += f", of {use.n_uncounted:,} not known"
    cost = "" if use.cost is None else f"; cost {'at least ' if use.n_uncounted else ''}{use.cost:.6g}"
    return f"{name}: {', '.join(said)}; {tokens}{cost}"
