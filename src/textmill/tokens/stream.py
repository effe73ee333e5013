"""Ids to text, one by one, never half a character. Room: tokens/. Used by generation."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class StreamDecoder:
    """The pieces joined, finish(keep_incomplete=True) included, are decode() of the ids.

    Bytes that can no longer become a character give U+FFFD, one for each longest start of a character, as Python's
    decoder and the Unicode standard (section 3.9) do.
    """

    def __init__(self, token_bytes: Sequence[bytes], drops_first_blank: bool = False):
        """token_bytes: the bytes of every id. drops_first_blank: the text begins without a blank, whatever its first
        token says: some tokenizers of others put one before each text."""
        self._token_bytes = token_bytes
        self._drops = drops_first_blank
        self._at_start = drops_first_blank
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token_id: int) -> str:
        """The text that is certain now: "" while a character is not whole. The mark changes nothing."""
        data = self._token_bytes[token_id]
        if self._at_start and data:
            self._at_start = False
            data = data.removeprefix(b" ")
        return self._decoder.decode(data)

    @property
    def incomplete(self) -> bytes:
        """Bytes held back: the start of a character."""
        return self._decoder.getstate()[0]

    def finish(self, keep_incomplete: bool = False) -> str:
        """No more ids come. A character cut in the middle is left out, or kept as U+FFFD; the decoder starts anew."""
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        self._at_start = self._drops
        return rest if keep_incomplete else ""


def _hex_of_bytes(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no character, as <E4><BD>: an error handler for bytes.decode."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"<{byte:02X}>" for byte in error.object[error.start : error.end]), error.end


HEX = "textmill.hex"
codecs.register_error(HEX, _hex_of_bytes)
