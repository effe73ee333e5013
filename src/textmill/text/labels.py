"""A value of a label column -> the names of classes. Room: text/ (bytes -> documents). Used by the readers.

A class is a string in canonical form. Its rules:
- Outer white space is stripped, and letters are composed (NFC): no two classes look alike.
- A number is one class however it is written: 1, 1.0, "1", " 1" and "+1.0" are "1", 1.50 is "1.5". A number is a sign,
  digits and a fraction, as JSON writes it. With leading zeros (007), thousands or an exponent (1e3) it is a text: it
  may as well be a code. A number of JSON is a number, whatever form it has there.
- true and false of JSON are "true" and "false".
- JSON's null, nothing, and the words in MISSING are a missing label. Of None, none and NONE only the first is: it is
  what Python writes; the others are what people call a class.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

MISSING = frozenset(
    ["nan", "NaN", "NAN", "-nan", "-NaN", "None", "null", "NULL", "Null", "N/A", "n/a", "NA", "<NA>", "#N/A", "NaT"]
)
"""Words that pandas, R, SQL, spreadsheets and Python write for a missing value."""

NUMBER = re.compile(r"([+-]?)(?:(0|[1-9][0-9]*)(?:\.([0-9]*))?|\.([0-9]+))")


def canonical(value: object) -> str | None:
    """The name of the class that a value stands for; None: it is missing.

    value: a string, a number (int, float, Decimal), True, False or None. Raises TypeError for any other.

    >>> [canonical(value) for value in (" 1", 1, 1.0, "1.0", "+1.50", "-0", "007", True, "正面 ")]
    ['1', '1', '1', '1', '1.5', '0', '007', 'true', '正面']
    >>> [canonical(value) for value in (None, "", "  ", "NaN", float("nan"), "none")]
    [None, None, None, None, None, 'none']
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return None if math.isnan(value) else _number(plainly(value))
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} names no class")
    name = unicodedata.normalize("NFC", value.strip())
    return _number(name) if name and name not in MISSING else None


def plainly(value: int | float | Decimal) -> str:
    """A number's shortest decimal digits, without an exponent.

    >>> plainly(1e3), plainly(0.1), plainly(1e-7)
    ('1000.0', '0.1', '0.0000001')
    """
    if isinstance(value, int) or not math.isfinite(value):
        return str(value)
    return format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")


def _number(name: str) -> str:
    """A number in the one form it has as a class; the name itself where it is none."""
    found = NUMBER.fullmatch(name)
    if found is None:
        return name
    sign, digits, fraction, fraction_alone = found.groups()
    fraction = (fraction or fraction_alone or "").rstrip("0")
    shown = (digits or "0") + (f".{fraction}" if fraction else "")
    return f"-{shown}" if sign == "-" and shown != "0" else shown


def in_class_order(names: Iterable[str]) -> list[str]:
    """Each name once: numbers by value, then everything else by code point. It depends on the names alone.

    >>> in_class_order(["负面", "10", "正面", "2", "中性", "-1", "2"])
    ['-1', '2', '10', '中性', '正面', '负面']
    """
    return sorted(set(names), key=_place)


def _place(name: str) -> tuple[bool, Decimal, str]:
    is_number = NUMBER.fullmatch(name) is not None
    return not is_number, Decimal(name) if is_number else Decimal(0), name


def labels_of(value: Any, separator: str | None = None) -> tuple[str, ...]:
    """The classes that a value names, in class order, each once; (): the label is missing.

    value: as in canonical, or a list of such, which is several labels. separator: where a string holds several.

    >>> labels_of("b| a|b", "|"), labels_of(["x", None, 2.0]), labels_of("a|b"), labels_of("nan")
    (('a', 'b'), ('2', 'x'), ('a|b',), ())
    """
    parts = value if isinstance(value, list | tuple) else [value]
    if separator is not None and isinstance(value, str):
        parts = value.split(separator)
    return tuple(in_class_order(name for part in parts if (name := canonical(part)) is not None))
