"""A text from the command line: the word itself, or standard input. Room: cli/."""

from __future__ import annotations

import sys

from textmill.cli.output import on_one_line
from textmill.cli.progress import shortened
from textmill.errors import InputError

SHOWN_COLUMNS = 60


def text_from(word: str | None) -> str:
    """`word`; standard input for "-", or where there is no word and something is piped in; "" at a terminal.

    Standard input loses its last line end, which shells add. Raises InputError where the text is no UTF-8.
    """
    if word is not None and word != "-":
        try:
            word.encode()
        except UnicodeEncodeError as error:
            place = len(word[: error.start].encode())
            shown = shortened(on_one_line(word), SHOWN_COLUMNS)
            raise InputError(f"the text '{shown}' is no UTF-8 at byte {place}", where="command line") from None
        return word
    if word is None and (sys.stdin is None or sys.stdin.isatty()):
        return ""
    piped = sys.stdin.buffer.read()
    try:
        text = piped.decode("utf-8")
    except UnicodeDecodeError as error:
        line = piped.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"is no UTF-8 at byte {error.start}", where=f"standard input:{line}", hint="convert it: iconv -t UTF-8"
        ) from None
    return text.removesuffix("\n").removesuffix("\r")
