"""Which fonts can draw a text: looked up glyph by glyph, never hoped for. Room: report/.

Used by pictures.py for PNG. (In SVG text stays text: the reader's browser chooses the font.) Matplotlib draws a box
for a character that no font of its list has; `find` says beforehand which characters those are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BASE = "DejaVu Sans"  # ships with matplotlib
# Taken first where several fonts draw equally many of the characters.
PREFERRED = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "SimHei",
    "Noto Sans CJK JP",
    "Noto Serif CJK SC",
)
DRAWS_BOXES = ("last resort", "lastresort", "adobe blank", "tofu")  # cover every code point, with a box or nothing


@dataclass(frozen=True)
class Found:
    """families: for matplotlib's fallback, the base first. missing: characters that none of them draws."""

    families: tuple[str, ...]
    missing: frozenset[str]


def find(text: str) -> Found:
    """The fewest installed fonts that draw the text, most useful first, and what no font here draws."""
    needed = {char for char in text if not char.isspace()}
    needed -= _drawn_by(BASE, needed)
    families = [BASE]
    if needed:
        drawn = {family: _drawn_by(family, needed) for family in _families()}
        while needed and drawn:
            best = min(drawn, key=lambda family: (-len(drawn[family] & needed), _rank(family), family))
            if not drawn[best] & needed:
                break
            families.append(best)
            needed -= drawn.pop(best)
    return Found(tuple(families), frozenset(needed))


def code_points(chars: Iterable[str]) -> str:
    """`U+7EA2 U+697C`, in the order given."""
    return " ".join(f"U+{ord(char):04X}" for char in chars)


def spelled(text: str, missing: frozenset[str]) -> str:
    """The text with each missing character written as its code point in brackets.

    >>> spelled("run 红", frozenset("红"))
    'run [U+7EA2]'
    """
    return "".join(f"[{code_points(char)}]" if char in missing else char for char in text)


def _rank(family: str) -> int:
    return PREFERRED.index(family) if family in PREFERRED else len(PREFERRED)


def _families() -> list[str]:
    """Every family that matplotlib can draw with, fonts installed since its list was made included."""
    from matplotlib import font_manager

    known = {str(font.fname) for font in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        try:
            font_manager.fontManager.addfont(path)
        except (OSError, RuntimeError, ValueError):  # a format that matplotlib does not read, bitmap emoji for one
            continue
    names = {font.name for font in font_manager.fontManager.ttflist}
    return sorted(name for name in names if not any(word in name.lower() for word in DRAWS_BOXES))


def _drawn_by(family: str, chars: set[str]) -> set[str]:
    """Those of the characters for which the family's upright face has a glyph."""
    from matplotlib import font_manager

    try:
        path = font_manager.findfont(font_manager.FontProperties(family=[family]), fallback_to_default=False)
        font = font_manager.get_font(path)
    except (OSError, RuntimeError, ValueError):
        return set()
    return {char for char in chars if font.get_char_index(ord(char))}
