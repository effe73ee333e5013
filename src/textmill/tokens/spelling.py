"""The bytes that each token of another's tokenizer stands for, read from its decoder. Room: tokens/.

Used by foreign. A decoder of the tokenizers library is a chain of steps; those that a token's text alone decides make a
table of bytes, which is what streaming, counting and decoding go by here as with our own tokenizers.

    decoder                             token -> text
    ByteLevel                           each character spells a byte (alphabet)
    Metaspace, or Replace "▁" -> " "    "▁" is a blank; <0x0A> is a byte (ByteFallback); the first blank of a text goes
    WordPiece                           "##ing" -> "ing", "run" -> " run"; the first blank of a text goes
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from textmill.tokens.alphabet import SYMBOLS, unspelled

BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
TIDIED = (
    *((f" {sign}", sign) for sign in ".?!,"),
    (" ' ", "'"),
    *((f" {end}", end) for end in ("n't", "'m")),
    (" do not", " don't"),
    *((f" {end}", end) for end in ("'s", "'ve", "'re")),
)
"""What the library's WordPiece decoder joins where `cleanup` is on, in its order."""


@dataclass(frozen=True)
class Spelling:
    """bytes_of: a token's word -> its bytes inside a text. drops_first_blank: at the start of a text a blank is left
    out. is_bytes: every character of a word spells a byte."""

    bytes_of: Callable[[str], bytes]
    drops_first_blank: bool
    is_bytes: bool


def spelling_of(layout: dict[str, Any]) -> Spelling:
    """Of a parsed tokenizer.json. Raises ValueError naming a decoder that no table of bytes can stand for."""
    steps = list(steps_of(layout.get("decoder")))
    kinds = [step["type"] for step in steps]
    if kinds == ["ByteLevel"]:
        return Spelling(_of_bytes, False, True)
    if not kinds:
        return Spelling(lambda word: f" {word}".encode(), True, False)
    changes: list[Callable[[str], str]] = []
    drops, fused, has_bytes = False, False, False
    for step in steps:
        match step["type"]:
            case "Replace":
                changes.append(_replaces(step))
            case "Metaspace":
                changes.append(lambda word, sign=step["replacement"]: word.replace(sign, " "))  # type: ignore[misc]
                drops = drops or step.get("prepend_scheme", "always") != "never"
            case "WordPiece":
                changes.append(_word_piece(step["prefix"], bool(step.get("cleanup", True))))
                drops = True
            case "ByteFallback":
                has_bytes = True
            case "Fuse":
                fused = True
            case "Strip" if fused and step["content"] == " " and step["start"] == 1 and not step["stop"]:
                drops = True
            case other:
                raise ValueError(f"the decoder {other}")

    def bytes_of(word: str) -> bytes:
        if has_bytes and (found := BYTE.fullmatch(word)):
            return bytes([int(found[1], 16)])
        for change in changes:
            word = change(word)
        return word.encode()

    return Spelling(bytes_of, drops, False)


def comes_back(layout: dict[str, Any]) -> bool:
    """Whether every text comes back exactly from its ids: bytes, all 256 of them known, of a text that is not changed
    before it is cut. False where that is not certain."""
    vocab = layout["model"].get("vocab")
    return (
        layout["model"]["type"] == "BPE"
        and spelling_of(layout).is_bytes
        and layout.get("normalizer") is None
        and isinstance(vocab, dict)
        and all(symbol in vocab for symbol in SYMBOLS)
        and all(_keeps_all(step) for step in steps_of(layout.get("pre_tokenizer"), "pretokenizers"))
        and not any(token.get("lstrip") or token.get("rstrip") for token in layout.get("added_tokens", []))
    )


def _keeps_all(step: dict[str, Any]) -> bool:
    if step["type"] == "ByteLevel":
        return not step.get("add_prefix_space", True)
    return step["type"] == "Digits" or (step["type"] in ("Split", "Punctuation") and step.get("behavior") != "Removed")


def steps_of(part: Any, inside: str = "decoders") -> Iterator[dict[str, Any]]:
    """The steps of a decoder, a pre-tokenizer (`pretokenizers`) or a normalizer (`normalizers`), those of sequences in
    their place."""
    if part is None:
        return
    if part["type"] == "Sequence":
        for step in part[inside]:
            yield from steps_of(step, inside)
    else:
        yield part


def _of_bytes(word: str) -> bytes:
    try:
        return unspelled(word)
    except KeyError:  # an added token stands for itself
        return word.encode()


def _replaces(step: dict[str, Any]) -> Callable[[str], str]:
    pattern, content = step["pattern"], step["content"]
    if "String" not in pattern:
        raise ValueError("the decoder Replace with a pattern")
    return lambda word: word.replace(pattern["String"], content)


def _word_piece(prefix: str, cleanup: bool) -> Callable[[str], str]:
    def change(word: str) -> str:
        word = word.removeprefix(prefix) if word.startswith(prefix) else f" {word}"
        for dirty, clean in TIDIED if cleanup else ():
            word = word.replace(dirty, clean)
        return word

    return change
