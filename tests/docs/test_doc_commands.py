"""Every command that a document prints is one that the program takes."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from pages import PAGES, blocks, command_lines, name_of, parse, text_of, textmill_words

from textmill.errors import TextmillError
from textmill.tables import VERBS

SAID = [(name_of(page), line) for page in PAGES for line in command_lines(text_of(page)) if "textmill " in line]
NAMED = re.compile(r"textmill [\w-]+")  # `textmill eval`, spoken of and not meant to be typed
LANGUAGES = [("README.md", "README.zh.md"), ("docs/tutorial.md", "docs/tutorial.zh.md")]
OWN_WORDS = ("prompt", "text", "words", "generate.stop")  # what each language says in its own words


def test_a_verb_that_is_spoken_of_exists() -> None:
    named = [(page, line.split()[1]) for page, line in SAID if NAMED.fullmatch(line)]
    assert [pair for pair in named if pair[1] not in VERBS] == []


@pytest.mark.parametrize(
    ("page", "line"),
    [pair for pair in SAID if not NAMED.fullmatch(pair[1])],
    ids=lambda word: word.replace("textmill ", ""),
)
def test_a_printed_command_parses_with_its_knobs(page: str, line: str, tmp_path: Path) -> None:
    for words in textmill_words(line):
        parse(words, tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "textmill trian novel.txt",
        "textmill train novel.txt --stpes 3",
        "textmill train novel.txt --train.lr fast",
        "textmill train novel.txt --arch gru --model.n_heads 2",
        "textmill config shwo",
        "cat novel.txt | textmill look",
    ],
)
def test_a_command_that_the_program_refuses_does_not_parse(line: str, tmp_path: Path) -> None:
    [words] = textmill_words(line)
    with pytest.raises((click.UsageError, TextmillError)):
        parse(words, tmp_path)


def test_commands_are_found_in_blocks_and_in_the_text() -> None:
    page = "Say `textmill ls`.\n\n```console\n$ textmill info a | head > b\nnot this\n```\n\n```sh\nmake demo\n```\n"
    lines = command_lines(page)
    assert lines == ["make demo", "textmill info a | head > b", "textmill ls"]
    assert [textmill_words(line) for line in lines] == [[], [["info", "a"]], [["ls"]]]


@pytest.mark.parametrize("pair", LANGUAGES, ids=lambda pair: pair[0])
def test_both_languages_hold_the_same_commands(pair: tuple[str, str], tmp_path: Path) -> None:
    def of(page: str) -> list[Any]:
        lines = [line for language in ("sh", "console") for line in _lines(page, language)]
        found: list[Any] = []
        for line in lines:
            commands = textmill_words(line)
            found += [_without_own_words(parse(words, tmp_path)) for words in commands] or [line]
        return found

    english, chinese = (of(page) for page in pair)
    assert english == chinese
    assert len(english) > 10


def _lines(page: str, language: str) -> list[str]:
    lines = [line for block in blocks(text_of(page), language) for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if language == "sh" or line.startswith("$ ")]


def _without_own_words(parsed: Any) -> Any:
    said = {key: value for key, value in parsed.said.items() if key not in OWN_WORDS}
    values = {key: value for key, value in parsed.values.items() if key not in OWN_WORDS}
    return parsed.verb, said, values


def test_both_readmes_hold_the_same_python() -> None:
    def of(page: str) -> str:
        tree = ast.parse("\n".join(blocks(text_of(page), "python")))
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and not re.match(r"^[\w./-]+$", node.value, re.ASCII)
            ):
                node.value = "its own words"
        return ast.dump(tree, indent=1)

    assert of("README.md") == of("README.zh.md")


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_a_readme_shows_every_verb(page: str) -> None:
    lines = command_lines(text_of(page))
    shown = {words[1] for line in lines if len(words := shlex.split(line)) > 1 and words[0] in ("textmill", "make")}
    assert set(VERBS) <= shown


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_is_made_with_make_stands_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", text_of("Makefile"), re.MULTILINE))
    said = {line.split()[1] for line in command_lines(text_of(page)) if re.match(r"^make [\w-]+$", line)}
    assert said <= targets
