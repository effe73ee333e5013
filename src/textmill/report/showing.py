"""Text that someone else wrote, made safe to look at: nothing hidden, nothing that acts. Room: report/.

Used by the page, the card and the pictures. A control character, a bidi override or half a surrogate pair is written
as its escape (`\\x1b`, `\\u202e`), so that what a model wrote can be seen but cannot turn a line round or end a file.
"""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

JOINERS = "\u200c\u200d"  # hold emoji sequences and several scripts together
VISIBLE_SPACE = "\n\t"
HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
KANA = re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d]")
HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
LATIN = re.compile("[A-Za-z]")


def is_hidden(char: str) -> bool:
    """Whether a character shows nothing of its own or does something: controls, format characters, half pairs.

    >>> [is_hidden(char) for char in "a\\n\\x00\\u202e\\u200d"]
    [False, False, True, True, False]
    """
    if char in VISIBLE_SPACE or char in JOINERS:
        return False
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return True
    code = ord(char)
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF  # noncharacters, which HTML and XML refuse


def escape_of(char: str) -> str:
    """How a hidden character is written: `\\x1b`, `\\u202e`, `\\U000e0041`."""
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def visible(text: str) -> str:
    """The text with its hidden characters written out; new lines and tabs stay.

    >>> visible("a\\x00b")
    'a\\\\x00b'
    """
    return "".join(escape_of(char) if is_hidden(char) else char for char in text)


def on_one_line(text: str) -> str:
    """The same on one line, for labels, titles and table cells."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def as_html(text: object) -> Markup:
    """The text as HTML: escaped, each hidden character in a marked span that names its code point."""
    html = Markup()
    plain = 0
    text = str(text)
    for place, char in enumerate(text):
        if is_hidden(char):
            span = Markup('<span class="hidden-character" title="U+{:04X}">{}</span>')
            html += escape(text[plain:place]) + span.format(ord(char), escape_of(char))
            plain = place + 1
    return html + escape(text[plain:])


def language_of(text: str) -> str | None:
    """The language that the script gives away, for a lang attribute: zh, ja, ko, or None where it says nothing."""
    if KANA.search(text):
        return "ja"
    if HANGUL.search(text):
        return "ko"
    return "zh" if HAN.search(text) else None


def language_of_sentence(text: str) -> str:
    """The language of a sentence of the house, which is written in English or Chinese."""
    return "zh-Hans" if HAN.search(text) else "en"


def language_of_sample(text: str, shares: dict[str, float]) -> str:
    """The language of a text that a model wrote. shares: of the training text, by script; "" where nothing is known."""
    found = language_of(text)
    if found:
        return found
    return "en" if LATIN.search(text) and shares.get("en", 0.0) > 0.5 else ""
