"""Where a long text may be cut so that its ids stay the same, for every kind. Room: tokens/ (documents -> ids).

Used by sample (a vocabulary is learned from parts) and Tokenizer (a long text is encoded in parts). No kind has a token
that crosses a piece of its rule (WORD, QWEN2, a character, a byte), and a rule decides from a place on by what follows
alone. So a text may be cut between two pieces, wherever the first one ends in the same place without what follows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from textmill.text.long_text import Text

PART_CHARS = 1 << 20

_MARKS = ".,;:!?。，、；：！？"

# Python's \s holds all that is white space to the tokenizers library, and U+001C to U+001F beside it.
SAFE_PLACE = re.compile(
    r"(?<=\S)(?= )"  # before a run of blanks; after it would tear the blank from the word that it belongs to
    r"|(?<=\n)(?=\S)"  # where a line begins
    rf"|(?<=[0-9A-Za-z\u4e00-\u9fff])(?=[{_MARKS}])"  # a word or digit ends where a sign follows, if no apostrophe
    r"|(?<=[0-9])(?=[\s\S])"  # a digit is a piece of its own
)

BEFORE_BLANK = re.compile(r"(?s:.*)(?<=[^\W_])(?=\s)")

LONGEST = 1 << 20
"""Characters after which a run without any break is cut all the same, where it is only learned from."""

_FIRST_LOOK = 1 << 10


def parts_of(text: Text, part_chars: int = PART_CHARS, longest: int | None = None) -> Iterator[str]:
    """The text in parts whose ids, joined, are the ids of the text.

    A part has part_chars characters at most; where so many hold no safe place, it goes on to the next one. If `longest`
    is given, to so many characters at most: to the last blank in them, or else, in a run without any break, to the end
    of them, and the ids about that place may be others then.
    """
    start = 0
    while len(text) - start > part_chars:
        stop = stop_of_part(text, start, part_chars)
        if stop is None:
            most = len(text) if longest is None else min(len(text), start + max(longest, part_chars))
            stop = next_safe_place(text, start + part_chars + 1, most)
            if stop == most < len(text):
                stop = start + (_last_blank(text[start:most]) or most - start)
        yield text[start:stop]
        start = stop
    if start < len(text) or not start:
        yield text[start : len(text)]


def is_unbroken(part: str, longest: int = LONGEST) -> bool:
    """Whether a part that parts_of gave was cut after `longest` characters because there was no break in them."""
    return len(part) >= longest and last_safe_place(part, 0, len(part)) is None and not _last_blank(part)


def _last_blank(part: str) -> int | None:
    """Where white space follows a letter or digit, for the last time: two pieces, too, but far more places to try."""
    found = BEFORE_BLANK.match(part)
    return found.end() if found else None


def stop_of_part(text: Text, start: int, part_chars: int) -> int | None:
    """The end of the part of at most part_chars characters that begins at `start`: the end of the text, or the last
    safe place; None where there is none."""
    if len(text) - start <= part_chars:
        return len(text)
    stop = last_safe_place(text[start : start + part_chars + 1], 0, part_chars)
    return None if stop is None else start + stop


def next_safe_place(text: Text, start: int, end: int | None = None) -> int:
    """The first safe place from `start` on, or `end`, by default that of the text, where it comes first."""
    end = len(text) if end is None else end
    while start < end:
        found = SAFE_PLACE.search(text[start - 1 : min(end + 1, start + PART_CHARS)], 1)
        if found and start - 1 + found.start() < end:
            return start - 1 + found.start()
        start += PART_CHARS
    return end


def last_safe_place(text: str, start: int, stop: int) -> int | None:
    """The last safe place behind `start` and not behind `stop`, which lies inside the text."""
    reach, end = _FIRST_LOOK, stop
    while end > start:
        begin = max(start + 1, stop - reach)
        # One character more than the last place: the place itself is seen by what follows it.
        places = [match.start() for match in SAFE_PLACE.finditer(text, begin, end + 1) if match.start() <= end]
        if places:
            return places[-1]
        reach, end = 4 * reach, begin - 1
    return None
