"""The documents of the repository, and what stands in them: blocks, commands, links, headings."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import click

from textmill.cli.output import Shell
from textmill.cli.shell import textmill_command
from textmill.cli.verb import Verb
from textmill.config.layers import load_config

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELLS = ("sh", "console")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path | str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [block for name, block in FENCE.findall(text) if name == language]


def inline(text: str) -> list[str]:
    """The code spans of the running text; those over a line end are joined."""
    return [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", FENCE.sub("", text))]


def command_lines(text: str) -> list[str]:
    """Every command line: those of shell blocks, those after $ in console blocks, and those in the running text."""
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    lines += [
        line.removeprefix("$ ")
        for block in blocks(text, "console")
        for line in block.splitlines()
        if line.startswith("$ ")
    ]
    return [line for line in [*lines, *inline(text)] if line.strip()]


def textmill_words(line: str) -> list[list[str]]:
    """The arguments of each `textmill …` of a command line; pipes and redirections are taken off.

    >>> textmill_words('cat a.txt | textmill score runs/a - > out')
    [['score', 'runs/a', '-']]
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>")
    lexer.whitespace_split = True
    found, current, is_target = [], list[str](), False
    for word in [*lexer, "|"]:
        if word == "|":
            if current[:1] == ["textmill"] and len(current) > 1:
                found.append(current[1:])
            current, is_target = [], False
        elif word in ("<", ">", ">>"):
            is_target = True
        elif is_target:
            is_target = False
        else:
            current.append(word)
    return found


@dataclass
class Parsed:
    """A command line as its verb would get it."""

    verb: str
    said: dict[str, Any]
    values: dict[str, Any]


def parse(words: list[str], folder: Path) -> Parsed:
    """Parse a command line as the shell does, knobs included, without doing anything.

    Raises click.UsageError or a TextmillError. folder: an empty one, so that no textmill.toml has a say.
    """
    group: click.Group = textmill_command
    command: click.Command = textmill_command
    names, rest = list[str](), list(words)
    while isinstance(command, click.Group):
        if not rest or rest[0].startswith("-"):  # textmill --help
            command.make_context("textmill", rest, resilient_parsing=True)
            return Parsed(" ".join(names), {}, {"arguments": rest})
        found = group.get_command(click.Context(group), rest[0])
        if found is None:
            raise click.UsageError(f"no verb {rest[0]!r}")
        names.append(rest.pop(0))
        command = found
        if isinstance(command, click.Group):
            group = command
    if "--help" in rest:
        return Parsed(" ".join(names), {}, {"arguments": rest})
    assert isinstance(command, Verb)
    told: list[Parsed] = []

    def listen(shell: Shell, **values: Any) -> None:
        load_config(shell.said, None, folder)
        told.append(Parsed(" ".join(names), shell.said, values))

    with mock.patch.object(command, "function", listen), command.make_context(names[-1], rest) as ctx:
        command.invoke(ctx)
    return told[0]


def links(text: str) -> list[str]:
    """Where the links of a page lead, those to other places left out."""
    targets = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text))
    return [target for target in targets if "://" not in target]


def anchors(text: str) -> set[str]:
    """The names that headings have in links, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows(text: str) -> list[list[str]]:
    """The cells of every table row; headers and rules are left out."""
    found = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        is_header = number + 1 < len(lines) and re.match(r"\|[ :|-]+\|$", lines[number + 1])
        if line.startswith("|") and not is_header and not re.match(r"\|[ :|-]+\|$", line):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found
