"""Texts under a constraint by another's tokenizer: an id writes what its place says, and not all can be written."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import torch
from foreign_files_kit import LAYOUTS

from textmill.config.measure import GenerateConfig
from textmill.errors import InputError
from textmill.generation import write
from textmill.generation.grammars import grammar_of
from textmill.tokens import Tokenizer
from textmill.tokens.foreign import foreign_tokenizer

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


class Even:
    """Every id is as likely as any other."""

    max_context = None

    def __init__(self, vocab_size: int):
        self.vocab_size = vocab_size

    def log_probs(self, ids: torch.Tensor, segments: object = None, state: object = None) -> tuple[torch.Tensor, None]:
        return torch.zeros(*ids.shape, self.vocab_size).log_softmax(-1), None

    def nll(self, ids: torch.Tensor, targets: torch.Tensor, segments: object = None, state: object = None):
        return torch.zeros(ids.shape), None


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tokenizer]:
    @cache
    def of(name: str) -> Tokenizer:
        folder: Path = tmp_path_factory.mktemp("foreign") / name
        return foreign_tokenizer(LAYOUTS[name](folder))

    return of


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("prompt", ["", "the cat"])
def test_texts_obey_or_the_missing_characters_are_named(
    name: str, prompt: str, opened: Callable[[str], Tokenizer]
) -> None:
    tokenizer = opened(name)
    if tokenizer.begin is None:
        prompt = prompt or "a"  # nothing can be written behind nothing
    settings = GenerateConfig(temperature=1.0, top_p=1.0, max_new_tokens=40)
    for asked in ({"json_schema": json.dumps(SCHEMA)}, {"regex": r"[a-e ]{4,}"}, {"regex": "(猫|今)+"}):
        try:
            constraint = grammar_of(tokenizer, [prompt], settings, **asked)
        except InputError as error:
            assert "the vocabulary of this model cannot write it" in error.message, error
            named = re.findall(r"'(.)'", error.message)
            inside = {tokenizer.token_bytes(number) for number in range(tokenizer.vocab_size)}
            assert named
            assert not any(sign.encode() in inside for sign in named[1:])
            continue
        results = write(
            Even(tokenizer.vocab_size),
            tokenizer,
            [prompt],
            settings,
            0,
            n=8,
            begin_mark=not prompt,
            constraint=constraint,
        ).finish()
        for result in results:
            assert result.finish_reason == "stop"
            if "regex" in asked:
                assert re.fullmatch(asked["regex"], result.text)
            else:
                jsonschema.validate(json.loads(result.text), SCHEMA)
