"""A regular expression of Python -> one of Rust that matches the same whole texts. Room: generation/.

Used by grammars.py, whose library knows Rust's expressions. Python reads the pattern and says what each of its classes
holds, so what is written under it is what re.fullmatch accepts: the two languages' \\w, \\s and ignored case differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import count, groupby
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from textmill.errors import InputError

WHERE = "--regex"

SUPPORTED = "Supported are characters, classes, groups, |, *, +, ?, {m,n}, and ^ and $ at the ends."
REFUSED = {
    sre.ASSERT: "look-around",
    sre.ASSERT_NOT: "look-around",
    sre.GROUPREF: "a back-reference",
    sre.GROUPREF_EXISTS: "a conditional group",
    sre.ATOMIC_GROUP: "an atomic group",
    sre.POSSESSIVE_REPEAT: "a possessive repeat",
}
CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}
FLAGS_OF_CLASSES = re.IGNORECASE | re.ASCII | re.DOTALL
SURROGATES = range(0xD800, 0xE000)


def rust_of(pattern: str) -> str:
    """The expression of Rust; its texts are those that re.fullmatch(pattern, text) accepts.

    Raises InputError for a pattern that Python cannot read, one that needs what no automaton has (look-around,
    back-references, ^ or $ inside), and one that no text matches.

    >>> rust_of("[ab]|c+")
    '(?:[\\\\x{61}-\\\\x{62}]|(?:\\\\x{63}){1,})'
    """
    try:
        flags = re.compile(pattern).flags
        tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise InputError(f"{pattern!r} is no regular expression: {error}", where=WHERE) from None
    written = _sequence(tree, flags, True, True)
    if written is None:
        raise InputError(f"no text matches {pattern!r}: a class in it is empty", where=WHERE)
    return written


def _sequence(items: Sequence[Any], flags: int, first: bool, last: bool) -> str | None:
    """One after another; None where no text matches. first, last: nothing stands before, or behind, in any text."""
    # What takes up no room does not count: ^^a$.
    takes_room = [operation is not sre.AT for operation, _ in items]
    parts = []
    for place, (operation, argument) in enumerate(items):
        is_first = first and not any(takes_room[:place])
        is_last = last and not any(takes_room[place + 1 :])
        part = _item(operation, argument, flags, is_first, is_last)
        if part is None:
            return None
        parts.append(part)
    return "".join(parts)


def _item(operation: Any, argument: Any, flags: int, first: bool, last: bool) -> str | None:
    if operation in REFUSED:
        raise InputError(
            f"the regular expression holds {REFUSED[operation]}: that cannot be obeyed", where=WHERE, hint=SUPPORTED
        )
    if operation is sre.LITERAL:
        return _class(_literal(argument), flags) if flags & re.IGNORECASE else rf"\x{{{argument:x}}}"
    if operation is sre.NOT_LITERAL:
        return _class(f"[^{_literal(argument)}]", flags)
    if operation is sre.ANY:
        return _class(".", flags)
    if operation is sre.IN:
        return _class(f"[{''.join(map(_member, argument))}]", flags)
    if operation is sre.BRANCH:
        found = [_sequence(branch, flags, first, last) for branch in argument[1]]
        possible = [branch for branch in found if branch is not None]
        return f"(?:{'|'.join(possible)})" if possible else None
    if operation is sre.SUBPATTERN:
        _, added, removed, inside = argument
        part = _sequence(inside, (flags | added) & ~removed, first, last)
        return None if part is None else f"(?:{part})"
    if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT):  # the same texts, whichever is tried first
        least, most, inside = argument
        once = least == most == 1
        part = _sequence(inside, flags, first and once, last and once)
        if part is None:
            return "" if least == 0 else None
        return f"(?:{part}){{{least},{'' if most is sre.MAXREPEAT else most}}}"
    if operation is sre.AT:
        is_at_end = argument in (sre.AT_END, sre.AT_END_STRING) and last
        if is_at_end or (argument in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING) and first):
            return ""
        raise InputError(
            "the regular expression holds ^, $ or \\b inside: that cannot be obeyed", where=WHERE, hint=SUPPORTED
        )
    raise InputError(f"the regular expression holds {operation}: that cannot be obeyed", where=WHERE, hint=SUPPORTED)


def _literal(code_point: int) -> str:
    return f"\\U{code_point:08x}"


def _member(item: tuple[Any, Any]) -> str:
    """A member of a class as Python writes it."""
    operation, argument = item
    if operation is sre.NEGATE:
        return "^"
    if operation is sre.LITERAL:
        return _literal(argument)
    if operation is sre.RANGE:
        return f"{_literal(argument[0])}-{_literal(argument[1])}"
    assert operation is sre.CATEGORY, operation
    return CATEGORIES[argument]


@cache
def _every_character() -> str:
    return "".join(chr(code) for code in range(0x110000) if code not in SURROGATES)


def _class(source: str, flags: int) -> str | None:
    return _class_of(source, flags & FLAGS_OF_CLASSES)


@cache
def _class_of(source: str, flags: int) -> str | None:
    """What one character of Python's matches, as ranges; None where it is nothing."""
    found = re.compile(source, flags).findall(_every_character())
    return f"[{''.join(_ranges(map(ord, found)))}]" if found else None


def _ranges(code_points: Iterable[int]) -> Iterator[str]:
    """Rising code points as ranges."""
    numbers = count()
    for _, run in groupby(code_points, key=lambda code: code - next(numbers)):
        codes = list(run)
        yield rf"\x{{{codes[0]:x}}}-\x{{{codes[-1]:x}}}" if len(codes) > 1 else rf"\x{{{codes[0]:x}}}"
