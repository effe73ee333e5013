"""TOML files of knobs: read with the line of every key, written whole. Room: config/ (words of a person -> a Config).

Called by layers. A file is sections of knobs: [train] steps = 100, or train.steps = 100.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from textmill.config.knobs import NONE, SECTIONS, Knob
from textmill.errors import ConfigError, InputError

# The pieces of a valid TOML text that can hide or show a line's beginning.
PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:\'{0,2})|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
    r"|#[^\n]*|\n|[\[\]{}=.,]|[^\s\[\]{}=.,\"'#]+",
    re.DOTALL,
)


def read_toml(path: Path, shown: str | None = None) -> dict[str, tuple[Any, str]]:
    """key -> (value, "file:line") of every knob that a file sets, in its order.

    A key outside a section, or a table deeper than a section, comes back under its dotted name: the caller knows
    which keys there are. Raises InputError for a file that cannot be read, ConfigError for one that is no TOML.
    """
    shown = shown or str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
        tables = tomllib.loads(text)
    except FileNotFoundError:
        raise InputError("no such file", where=shown) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=shown) from None
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 (byte {error.start})", where=shown) from None
    except RecursionError:
        raise ConfigError("is no TOML of ours: it is nested too deep", where=shown) from None
    except tomllib.TOMLDecodeError as error:
        found = re.match(r"(.*) \(at line (\d+), column (\d+)\)$", str(error))
        message, line = (found[1], f":{found[2]}") if found else (str(error), "")
        raise ConfigError(f"is no TOML: {message}", where=f"{shown}{line}") from None
    except ValueError as error:  # Python reads no integer of thousands of digits
        raise ConfigError(f"holds what is no value: {str(error).partition(';')[0]}", where=shown) from None
    lines = key_lines(text)
    return {key: (value, f"{shown}:{_line_of(key, lines)}") for key, value in _flat(tables)}


def _flat(tables: dict[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for section, knobs in tables.items():
        if isinstance(knobs, dict):
            found += [(f"{section}.{name}", value) for name, value in knobs.items()]
            if not knobs and section not in SECTIONS:
                found.append((section, knobs))
        else:
            found.append((section, knobs))
    return found


def _line_of(key: str, lines: dict[str, int]) -> int:
    """The line of a key, or of the nearest thing around it (an inline table, a header)."""
    inner = [line for name, line in lines.items() if name.startswith(f"{key}.")]
    return lines.get(key) or (inner[0] if inner else lines.get(key.rpartition(".")[0], 1))


def key_lines(text: str) -> dict[str, int]:
    """dotted key -> line (from 1) of every header and every key at the beginning of a line of a valid TOML text.

    >>> key_lines("a.b = 1\\n[train]\\n# a remark\\nsteps = 3")
    {'a.b': 1, 'train': 2, 'train.steps': 4}
    """
    found: dict[str, int] = {}
    header: list[str] = []
    name: list[str] | None = []  # the parts of the key being read; None after its "=", until the statement ends
    line, depth, in_header = 1, 0, False
    for match in PIECE.finditer(text):
        piece = match[0]
        if piece == "\n":
            if depth == 0:
                name, in_header = [], False
        elif piece.startswith("#"):
            pass
        elif name is None:
            depth += (piece in ("[", "{")) - (piece in ("]", "}"))
        elif piece == "[" and not name:
            in_header = True
        elif piece == "]" and in_header:
            header = name
            found.setdefault(".".join(header), line)
            name = None
        elif piece == "=":
            found.setdefault(".".join([*header, *name]), line)
            name = None
        elif piece != ".":
            name.append(piece.strip("\"'") if piece[0] in "\"'" else piece)
        if name is None and piece == "]" and depth < 0:  # the second bracket of [[…]]
            depth = 0
        line += piece.count("\n")
    return found


def toml_value(knob: Knob, value: Any, base: Any) -> str:
    """`name = value`; commented out where it is None and would be None unsaid, so that the file shows every knob."""
    import tomlkit

    if value is None:
        return f'{knob.name} = "{NONE}"' if base is not None else f"# {knob.name} ="
    written = tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string()
    try:
        written.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{knob.key} is {value!r}: a name that is no valid Unicode cannot be kept in TOML") from None
    return f"{knob.name} = {written}"
