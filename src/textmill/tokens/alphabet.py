"""The 256 bytes, each as one printable character. Room: tokens/ (documents -> ids -> batches).

tokenizer.json holds text only, so byte-level tokenizers spell a byte as a character that JSON, editors and people can
read. The spelling is GPT-2's (openai/gpt-2 `src/encoder.py`, bytes_to_unicode), which every reader of the format knows.
"""

from __future__ import annotations


def _gpt2_symbols() -> tuple[str, ...]:
    """Printable Latin-1 bytes stand for themselves; the other 68 are spelled U+0100 and on, in their order."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in printable else next(others)) for byte in range(256))


SYMBOLS = _gpt2_symbols()
_BYTE_OF = {ord(symbol): byte for byte, symbol in enumerate(SYMBOLS)}
_TO_LATIN = dict.fromkeys(range(0x100), "\uffff") | _BYTE_OF
"""For str.translate: a symbol becomes the character of its byte, what spells none one that Latin-1 has not."""


def spelled(data: bytes) -> str:
    """Bytes as tokenizer.json writes them.

    >>> spelled("é x".encode())
    'Ã©Ġx'
    """
    return "".join(SYMBOLS[byte] for byte in data)


def unspelled(symbols: str) -> bytes:
    """Back to bytes. Raises KeyError for a character that spells no byte.

    >>> unspelled("Ã©Ġx").decode()
    'é x'
    """
    try:
        return symbols.translate(_TO_LATIN).encode("latin-1")
    except UnicodeEncodeError as error:
        raise KeyError(symbols[error.start]) from None
