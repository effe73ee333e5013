"""A tokenizer -> tokenizer.json as others read it. Room: hub/. Called by each format that has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from textmill.errors import RunError
from textmill.files import read_json, write_json
from textmill.hub.leaving import Leaving, equal_texts
from textmill.tokens import Tokenizer
from textmill.tokens.tokenizer import FACTS_SUFFIX, FILE, SOURCE_FILE


def write_tokenizer(leaving: Leaving, folder: Path) -> None:
    """tokenizer.json, by which a text gets the control tokens around it that the model reads it with
    (add_special_tokens); where sources have a vocabulary of their own, tokenizer.source.json for them. Raises RunError
    where tokenizer.json alone does not cut as the run's tokenizer."""
    tokenizer = leaving.tokenizer
    for own in files_of(tokenizer).values():
        refuse_more_than_file(leaving, own)
    tokenizer.save(folder)
    for name, own in files_of(tokenizer).items():
        path = folder / name
        path.with_suffix(FACTS_SUFFIX).unlink(missing_ok=True)
        layout, is_read = read_json(path), own is tokenizer.of_source
        around = (leaving.before, leaving.behind) if is_read else ((), ())
        layout["post_processor"] = framing(words_of(layout), *around)
        write_json(path, layout)


def files_of(tokenizer: Tokenizer) -> dict[str, Tokenizer]:
    """Name of a file -> the tokenizer in it: one, or one of targets and one of sources."""
    own = {FILE: tokenizer}
    return own if tokenizer.of_source is tokenizer else own | {SOURCE_FILE: tokenizer.of_source}


def refuse_more_than_file(leaving: Leaving, tokenizer: Tokenizer) -> None:
    facts = getattr(tokenizer, "facts", None)  # of a tokenizer that came with another's model
    if facts is not None and (facts.ids is not None or facts.charsmap or facts.codes):
        raise RunError(
            "this tokenizer came with another's model and is more than tokenizer.json holds: ids of the model's own, "
            "or rules of sentencepiece; nothing was written",
            where=str(leaving.run.path),
            hint="Take the tokenizer files of the model that it came from.",
        )


def words_of(layout: dict[str, Any]) -> dict[int, str]:
    """id -> word, of a parsed tokenizer.json."""
    vocabulary = layout["model"]["vocab"]
    if isinstance(vocabulary, list):  # of unigram: pairs of a word and its score, in the order of their ids
        vocabulary = {word: number for number, (word, _) in enumerate(vocabulary)}
    added = {one["id"]: one["content"] for one in layout["added_tokens"]}
    return {number: word for word, number in vocabulary.items()} | added


def framing(words: dict[int, str], before: Sequence[int], behind: Sequence[int]) -> dict[str, Any] | None:
    """A post-processor of the tokenizers library that puts control tokens around each text; None: there are none."""
    if not before and not behind:
        return None

    def around(text: str) -> list[dict[str, Any]]:
        return [*map(control, before), {"Sequence": {"id": text, "type_id": 0}}, *map(control, behind)]

    def control(number: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": words[number], "type_id": 0}}

    return {
        "type": "TemplateProcessing",
        "single": around("A"),
        "pair": around("A") + around("B"),
        "special_tokens": {
            words[number]: {"id": words[number], "ids": [number], "tokens": [words[number]]}
            for number in sorted({*before, *behind})
        },
    }


def prove_tokenizer(leaving: Leaving, folder: Path, without: Sequence[str] = ()) -> int:
    """How many texts, none of which holds a word of `without`, the tokenizers library alone cuts as the run does: of
    each file. Raises RunError for one that it does not."""
    return sum(
        equal_texts(encoder_of(folder / name), own, name, without) for name, own in files_of(leaving.tokenizer).items()
    )


def encoder_of(path: Path) -> Callable[[Sequence[str]], list[list[int]]]:
    """Texts -> their ids, by the tokenizers library."""
    from tokenizers import Tokenizer as Library

    library = Library.from_file(str(path))
    library.encode_special_tokens = True  # what looks like a control token in a text is text

    def encode(texts: Sequence[str]) -> list[list[int]]:
        return [found.ids for found in library.encode_batch_fast(list(texts), add_special_tokens=False)]

    return encode
