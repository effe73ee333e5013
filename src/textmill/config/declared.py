"""What a section declares, read from its source: for help, names and meanings, no pydantic is loaded. Room: config/.

A knob is declared once, as `name: type = knob(default, …)` with its meaning below. Types are the few forms that a knob
may have: str, int, float, bool, Literal, tuple[…, ...], each also with `| None`; names stand for what the same file
gives them.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal, cast

OnResume = Literal["refuse", "grow", "warn", "take"]
KINDS = {"str": str, "int": int, "float": float, "bool": bool}
LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


@dataclass(frozen=True)
class Declared:
    """A knob as its section declares it."""

    kind: type
    """str, int, float or bool; of the items where it is repeated."""
    choices: tuple[str, ...]
    repeated: bool
    optional: bool
    """None is allowed; said as `none`, except where any text has a meaning of its own."""
    limits: tuple[tuple[str, float], ...]
    default: Any
    flag: str | None
    on_resume: OnResume
    help: str


@cache
def knobs_declared(module: str, section: str) -> dict[str, Declared]:
    """name -> knob of a class in a file of this folder, those of its parents there first."""
    names = _names_of(module)
    node = names[section]
    assert isinstance(node, ast.ClassDef)
    found: dict[str, Declared] = {}
    for base in node.bases:
        if isinstance(base, ast.Name) and isinstance(names.get(base.id), ast.ClassDef):
            found |= knobs_declared(module, base.id)
    for statement, after in pairwise([*node.body, ast.Pass()]):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found[statement.target.id] = _declared(statement, _said(after), names)
    return found


def about(module: str, section: str) -> str:
    """What the docstring of a class says first."""
    node = _names_of(module)[section]
    assert isinstance(node, ast.ClassDef)
    return (ast.get_docstring(node) or "").split("\n\n")[0]


@cache
def _names_of(module: str) -> dict[str, ast.ClassDef | ast.expr]:
    """name -> class or value, of all that a file of this folder defines."""
    tree = ast.parse(pkgutil.get_data("textmill.config", f"{module}.py") or b"")
    found: dict[str, ast.ClassDef | ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
    return found


def _said(node: ast.stmt) -> str:
    """The string that stands alone as a statement."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(inspect.cleandoc(node.value.value).split())
    return ""


def _declared(statement: ast.AnnAssign, meaning: str, names: Mapping[str, ast.ClassDef | ast.expr]) -> Declared:
    call = statement.value
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "knob"):
        raise TypeError(f"line {statement.lineno}: a knob is declared by knob(default, …)")
    said = {word.arg: _value(word.value, names) for word in call.keywords}
    kind, choices, repeated, optional = _type(statement.annotation, names)
    return Declared(
        kind=kind,
        choices=choices,
        repeated=repeated,
        optional=optional,
        limits=tuple((LIMITS[word], float(limit)) for word, limit in said.items() if word in LIMITS),
        default=_value(call.args[0], names),
        flag=said.get("flag"),
        on_resume=cast(OnResume, said.get("on_resume", "refuse")),
        help=meaning,
    )


def _value(node: ast.expr, names: Mapping[str, ast.ClassDef | ast.expr]) -> Any:
    if isinstance(node, ast.Name):
        named = names[node.id]
        assert isinstance(named, ast.expr)
        return _value(named, names)
    return ast.literal_eval(node)


def _type(node: ast.expr, names: Mapping[str, ast.ClassDef | ast.expr]) -> tuple[type, tuple[str, ...], bool, bool]:
    """kind, choices, repeated, optional."""
    match node:
        case ast.BinOp(left=inner, op=ast.BitOr(), right=ast.Constant(value=None)):
            return (*_type(inner, names)[:3], True)
        case ast.Name(id=name) if name in KINDS:
            return KINDS[name], (), False, False
        case ast.Name(id=name) if isinstance(named := names.get(name), ast.expr):
            return _type(named, names)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=said):
            words = ast.literal_eval(said)
            return str, words if isinstance(words, tuple) else (words,), False, False
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[item, ast.Constant(value=_)])):
            kind, choices, _, _ = _type(item, names)
            return kind, choices, True, False
    raise TypeError(f"a knob cannot be a {ast.unparse(node)}: str, int, float, bool, Literal, tuple[…, ...] or None")
