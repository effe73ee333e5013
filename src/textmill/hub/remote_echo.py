"""The log-probabilities that a server echoes -> tokens with their places in the text. Room: hub/. Pure.

Used by remote_model.py. Servers write tokens that are parts of characters in ways of their own, and some set a mark
before the text; what cannot be placed without doubt is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from textmill.results import RemoteUse

MOST_ALTERNATIVES = 5  # that the interface gives for each token


class NoEcho(ValueError):
    """What came is not the text with its log-probabilities."""


class NoLogprobs(NoEcho):
    """There are none in it."""


@dataclass(frozen=True)
class EchoedToken:
    """A token of a text. start, end: code points of it. logprob: nats; None where the server gives none.
    alternatives: the likeliest tokens here and their nats, best first. rank: 1 is the likeliest; None where it is not
    among them."""

    text: str
    start: int
    end: int
    logprob: float | None
    alternatives: tuple[tuple[str, float], ...]
    rank: int | None = None


@dataclass(frozen=True)
class Echo:
    """A text as its server's tokens. In `tokens` stands all of the text; a mark that the server sets before it does
    not. place: of the first token that has a probability, in code points of the text. n_unscored, unscored_bytes: the
    tokens before it that stand in the text, and their UTF-8."""

    text: str
    tokens: tuple[EchoedToken, ...]
    place: int
    n_unscored: int
    unscored_bytes: bytes
    use: RemoteUse | None = None
    """What asking for it cost."""

    @property
    def scored(self) -> tuple[EchoedToken, ...]:
        """The tokens that have a probability: all from the first one on."""
        return tuple(token for token in self.tokens if token.logprob is not None)


def echo_of(answer: Mapping[str, Any], text: str, n_more: int = 0) -> Echo:
    """The echo in a server's answer. n_more: tokens it was to write behind the text, which are left out.

    Raises NoLogprobs where there are none, NoEcho where they are not those of the text.
    """
    choice = answer["choices"][0]
    given = choice.get("logprobs")
    tokens, logprobs = (given.get(key) if isinstance(given, dict) else None for key in ("tokens", "token_logprobs"))
    if not isinstance(tokens, list) or not isinstance(logprobs, list) or len(tokens) != len(logprobs) or not tokens:
        raise NoLogprobs("it answers without log-probabilities")
    tops, offsets = given.get("top_logprobs"), given.get("text_offset")
    if n_more:
        written = n_written(answer, choice, text)
        tokens, logprobs = tokens[: len(tokens) - written], logprobs[: len(logprobs) - written]
        offsets = offsets[: len(tokens)] if isinstance(offsets, list) else None
    values: list[float | None] = []
    for place, (token, value) in enumerate(zip(tokens, logprobs, strict=True)):
        number = not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
        if not isinstance(token, str) or not (number or value is None) or (number and value > 1e-3):
            raise NoEcho(f"the server's log-probability of token {place + 1} is none: {value!r}")
        values.append(float(value) if number else None)
    first = next((place for place, value in enumerate(values) if value is not None), len(values))
    if None in values[first:]:
        raise NoEcho("the server left out log-probabilities in the middle of the text")
    spans = places_in(text, tokens, offsets if isinstance(offsets, list) else None)
    if spans is None:
        raise NoEcho("the tokens that the server gives back are not those of the text it was asked for")
    found = []
    for place, (start, end) in enumerate(spans):
        others = tops[place] if isinstance(tops, list) and place < len(tops) else None
        best = sorted(others.items(), key=lambda one: -one[1]) if isinstance(others, dict) else []
        kept = tuple((readable(str(word)), float(value)) for word, value in best)[:MOST_ALTERNATIVES]
        own_value = values[place]
        better = None if own_value is None else sum(value > own_value for _, value in kept)
        rank = None if better is None or better == len(kept) else better + 1
        found.append(EchoedToken(readable(tokens[place]), start, end, own_value, kept, rank))
    place = found[first].start if first < len(found) else len(text)
    parts = [bytes_of(tokens[number]) for number in range(first) if found[number].end > found[number].start]
    known = [part for part in parts if part is not None]
    unscored = b"".join(known) if len(known) == len(parts) else text[:place].encode()
    shown = tuple(token for token in found if token.end > token.start or token.logprob is not None)
    return Echo(text, shown, place, len(parts), unscored)


def n_written(answer: Mapping[str, Any], choice: Mapping[str, Any], text: str) -> int:
    """How many tokens stand behind the text, where one was to be written: none where the model ended at once."""
    usage = answer.get("usage")
    written = usage.get("completion_tokens") if isinstance(usage, dict) else None
    if isinstance(written, int) and 0 <= written <= 1:
        return written
    said = choice.get("text")
    return int(isinstance(said, str) and len(said) > len(text))


def places_in(text: str, tokens: Sequence[str], offsets: Sequence[Any] | None) -> list[tuple[int, int]] | None:
    """Where each token stands in the text, in code points; a mark before it stands nowhere, (0, 0). None where they are
    not tokens of this text.

    Tokens may be parts of characters, written as bytes (`bytes:\\xe5\\xb1`) or as U+FFFD; then offsets, the server's
    own code points of their beginnings, say where they are, and without them none is known.

    >>> places_in("ab", ["<s>", "a", "b"], None), places_in("ab", ["a", "c"], None)
    ([(0, 0), (0, 1), (1, 2)], None)
    """
    for n_marks in (0, 1):
        own = [bytes_of(token) for token in tokens[n_marks:]]
        if all(part is not None for part in own):
            if b"".join(part or b"" for part in own) == text.encode():
                return [(0, 0)] * n_marks + _spans(text, [len(part or b"") for part in own])
            continue
        whole = [(None if part is None else part) for part in own]
        places = offsets[n_marks:] if offsets is not None and len(offsets) == len(tokens) else None
        if places is not None and _fit(text, whole, tokens[n_marks:], places):
            ends = [*places[1:], len(text)]
            return [(0, 0)] * n_marks + [(start, max(start, end)) for start, end in zip(places, ends, strict=True)]
    return None


def _fit(text: str, parts: Sequence[bytes | None], tokens: Sequence[str], places: Sequence[Any]) -> bool:
    if not all(isinstance(place, int) and 0 <= place <= len(text) for place in places) or (places and places[0] != 0):
        return False
    if any(one > other for one, other in pairwise(places)):
        return False
    return all(
        part is None or token.startswith("bytes:") or text.startswith(token, place)
        for part, token, place in zip(parts, tokens, places, strict=True)
    )


def _spans(text: str, lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Places in bytes, one after the other, as code points; part of a character counts as the whole."""
    from textmill.generation.scoring import character_places

    spans, start = [], 0
    for length in lengths:
        spans.append((start, start + length))
        start += length
    return character_places(text, spans) if spans else []


def bytes_of(token: str) -> bytes | None:
    """The bytes of a token as the interface writes it; None where it is part of a character that is not told.

    >>> bytes_of("山"), bytes_of(r"bytes:\xe5\xb1"), bytes_of("\ufffd")
    (b'\xe5\xb1\xb1', b'\xe5\xb1', None)
    """
    if re.fullmatch(r"bytes:(\\x[0-9a-fA-F]{2})+", token):
        return bytes.fromhex(token.removeprefix("bytes:").replace("\\x", ""))
    return None if "\ufffd" in token else token.encode(errors="surrogatepass")


def readable(token: str) -> str:
    """A token for the eye: bytes as in the token texts of our own.

    >>> readable(r"bytes:\xe5\xb1")
    '<E5><B1>'
    """
    if not token.startswith("bytes:"):
        return token
    part = bytes_of(token) or b""
    return "".join(f"<{byte:02X}>" for byte in part) if part != token.encode() else token
