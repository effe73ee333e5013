"""A tokenizer -> tokenizer.json as others read it. Room: hub/. Called by each format that has one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textmill.files import read_json, write_json
from textmill.hub.leaving import Leaving, equal_texts
from textmill.tokens.tokenizer import FACTS_SUFFIX, FILE


def write_tokenizer(leaving: Leaving, folder: Path) -> None:
    """tokenizer.json, by which a text begins with the mark where the model reads it so (add_special_tokens)."""
    tokenizer = leaving.tokenizer
    tokenizer.save(folder)
    path = folder / FILE
    path.with_suffix(FACTS_SUFFIX).unlink(missing_ok=True)
    layout = read_json(path)
    if leaving.begin is not None and leaving.begin == tokenizer.mark:
        layout["post_processor"] = begins_with(tokenizer.token_text(tokenizer.mark), tokenizer.mark)
        write_json(path, layout)


def begins_with(word: str, number: int) -> dict[str, Any]:
    """A post-processor of the tokenizers library that puts a control token before each text."""

    def special(of: str) -> dict[str, Any]:
        return {"SpecialToken": {"id": word, "type_id": 0}} if of == "mark" else {"Sequence": {"id": of, "type_id": 0}}

    return {
        "type": "TemplateProcessing",
        "single": [special("mark"), special("A")],
        "pair": [special("mark"), special("A"), special("mark"), special("B")],
        "special_tokens": {word: {"id": word, "ids": [number], "tokens": [word]}},
    }


def prove_tokenizer(leaving: Leaving, folder: Path, without: Sequence[str] = ()) -> int:
    """How many texts, none of which holds a word of `without`, the tokenizers library alone cuts as the run does.
    Raises RunError for one that it does not."""
    from tokenizers import Tokenizer as Library

    library = Library.from_file(str(folder / FILE))
    library.encode_special_tokens = True  # what looks like a control token in a text is text

    def encode(texts: Sequence[str]) -> list[list[int]]:
        return [found.ids for found in library.encode_batch_fast(list(texts), add_special_tokens=False)]

    return equal_texts(encode, leaving.tokenizer, "tokenizer.json", without)
