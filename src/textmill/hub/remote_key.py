"""The key of a server, struck out of all that the server says. Room: hub/. Used by remote_server.py.

A server may repeat a key in an error, in a text, in pieces of a stream, or escaped in JSON: it is struck out of what is
read, after JSON is undone, and before anything is shown or kept.
"""

from __future__ import annotations

from typing import Any

STRUCK = "[key]"
LEAST_PART = 8
"""So many characters of a key, and half of it, from its beginning on are struck out too where a text ends there."""


class Struck:
    """What strikes a key out. None: there is none, and all texts stay as they are."""

    def __init__(self, key: str | None):
        self.key = key or None

    def text(self, text: str) -> str:
        """Without the key; and without its beginning at the end of the text, where that is a good part of it.

        >>> Struck("sk-0123456789").text("your sk-0123456789, or sk-01234567")
        'your [key], or [key]'
        """
        if self.key is None:
            return text
        text = text.replace(self.key, STRUCK)
        n = self._begun(text)
        return text[:-n] + STRUCK if n >= max(LEAST_PART, len(self.key) / 2) else text

    def of(self, value: Any) -> Any:
        """The same of all texts in a value that JSON can hold; where a list holds the key in pieces, none of them
        stays.

        >>> Struck("sk-01").of({"sk-01": ["a sk-", "01", None], "n": 1})
        {'[key]': ['[key]', '[key]', None], 'n': 1}
        """
        if self.key is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.of(name): self.of(own) for name, own in value.items()}
        if isinstance(value, list):
            texts = [_text_of(own) for own in value]
            if self.key in "".join(texts) and not any(self.key in text for text in texts):
                return [_without_text(own) for own in value]
            return [self.of(own) for own in value]
        return value

    def pieces(self) -> StruckPieces:
        """For a text that comes in pieces."""
        return StruckPieces(self)

    def _begun(self, text: str) -> int:
        """How many characters at the end of a text are the beginning of the key, but not all of it."""
        key = self.key or ""
        return next((n for n in range(min(len(key) - 1, len(text)), 0, -1) if text.endswith(key[:n])), 0)


class StruckPieces:
    """A text that comes in pieces, however it is cut: what may be the beginning of the key waits for what follows."""

    def __init__(self, struck: Struck):
        self.struck, self._waits = struck, ""

    def push(self, piece: str) -> str:
        """What can be shown now."""
        key = self.struck.key
        if key is None:
            return piece
        text = (self._waits + piece).replace(key, STRUCK)
        n = self.struck._begun(text)
        self._waits = text[len(text) - n :]
        return text[: len(text) - n]

    def end(self) -> str:
        """What is left when nothing follows."""
        left, self._waits = self.struck.text(self._waits), ""
        return left


def _text_of(value: Any) -> str:
    """A piece of a text in a list: itself, or what its `token` or `text` says."""
    if isinstance(value, dict):
        value = value.get("token", value.get("text"))
    return value if isinstance(value, str) else ""


def _without_text(value: Any) -> Any:
    if isinstance(value, str):
        return STRUCK
    if isinstance(value, dict):
        return {name: STRUCK if isinstance(own, str | list | dict) else own for name, own in value.items()}
    return value
