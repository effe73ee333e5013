"""builtin:NAME -> text that needs no file and no network. Room: text/ (bytes -> documents). Used by files.

    builtin:python-docs                        the documentation inside Python (python_docs)
    builtin:stories                            a world (worlds/): 1,000 items in English, seed 0
    builtin:stories,lang=zh,n=5000,seed=3      what is said after commas; a list is parted by colons
    builtin:markov,order=3,vocabulary=26       any knob of the world

A world goes through like a JSONL file of that name: the same ledger, and a fingerprint of what the parameters make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import FiniteFloat, NonNegativeInt, PositiveInt, TypeAdapter, ValidationError

from textmill.config import DataConfig
from textmill.errors import InputError, did_you_mean
from textmill.messages import message
from textmill.results import BuiltinText
from textmill.text import python_docs
from textmill.text.documents import Dropped, Found
from textmill.text.files import TextFile
from textmill.text.jsonl import read_jsonl
from textmill.text.worlds import WORLDS, knobs_of_language
from textmill.text.worlds.made import Made
from textmill.text.worlds.world import Language, World

BUILTIN = "builtin:"
N_ITEMS = 1000
NAMES = (python_docs.NAME, *WORLDS)


def find(given: str, notes: list[str]) -> list[TextFile]:
    """The files behind `builtin:NAME[,KNOB=VALUE…]`. Raises InputError for a name, knob or value that is none."""
    name, said = _parted(given)
    if name == python_docs.NAME:
        if said:
            raise InputError(f"{name} has no knobs", where=given, hint=f"name it alone: {BUILTIN}{name}")
        return python_docs.find(given)
    made, language = _made(given, name, said)
    notes.append(
        message(
            "%(path)s: the first %(n)s items of a world, in %(language)s, made with seed %(seed)s (others: %(other)s).",
            path=given,
            n=f"{made.n:,}",
            language=language,
            seed=made.world.seed,
            other=f"{BUILTIN}{name},lang=zh,n=5000,seed=1",
        )
    )
    return [TextFile(Path(given), given, "world", named=True, made=made)]


def world_named(given: str) -> tuple[Made, str]:
    """The world behind `builtin:NAME[,KNOB=VALUE…]`, with how many items, and its language. Raises InputError."""
    name, said = _parted(given)
    if name == python_docs.NAME or not given.startswith(BUILTIN):
        worlds = ", ".join(f"{BUILTIN}{world}" for world in WORLDS)
        raise InputError("is no world", where=given, hint=f"there are: {worlds}")
    return _made(given, name, said)


def _parted(given: str) -> tuple[str, list[str]]:
    """The name, and what is said behind it. Raises InputError for a name that is none."""
    name, *said = given.removeprefix(BUILTIN).split(",")
    if name not in NAMES:
        near = name and did_you_mean(f"{BUILTIN}{name}", [f"{BUILTIN}{known}" for known in NAMES])
        raise InputError("no such built-in text", where=given, hint=near or f"there are: {', '.join(NAMES)}")
    return name, said


def knobs_of(world: type[World[Any]]) -> dict[str, Any]:
    """What may be said of a world: the name of each knob and its type."""
    types = get_type_hints(world)
    own = [field.name for field in fields(world)]  # type: ignore[arg-type]  # all are dataclasses
    numbers = {int: int, float: FiniteFloat}
    return {
        "lang": Language,
        "n": PositiveInt,
        "seed": NonNegativeInt,
        **{
            name: numbers.get(types[name], types[name]) for name in own if name not in ("language", "direction", "seed")
        },
    }


def listed() -> list[BuiltinText]:
    """All that there is, with what may be said of each."""
    docs = BuiltinText(path=f"{BUILTIN}{python_docs.NAME}", what="the documentation inside Python", knobs=[])
    return [
        docs,
        *(
            BuiltinText(path=f"{BUILTIN}{name}", what=world.what, knobs=list(knobs_of(world)))
            for name, world in WORLDS.items()
        ),
    ]


def _made(given: str, name: str, said: list[str]) -> tuple[Made, str]:
    known = knobs_of(WORLDS[name])
    values: dict[str, Any] = {}
    for word in said:
        knob, has_value, value = word.partition("=")
        if knob not in known:
            hint = did_you_mean(knob, known) or f"there are: {', '.join(known)}"
            raise InputError(f"the world '{name}' has no knob '{knob}'", where=given, hint=hint)
        if not has_value or knob in values:
            fault = "is said twice" if has_value else "has no value"
            raise InputError(f"'{knob}' {fault}", where=given, hint=f"the form is {BUILTIN}{name},{knob}=VALUE")
        values[knob] = _value(given, knob, value, known[knob])
    n, language = values.pop("n", N_ITEMS), values.pop("lang", "en")
    try:
        return Made(WORLDS[name](**values, **knobs_of_language(name, language)), n), language
    except InputError as error:
        raise InputError(error.message, where=given, hint=error.hint) from None


def _value(given: str, knob: str, word: str, kind: Any) -> Any:
    is_list = get_origin(kind) is tuple
    try:
        return TypeAdapter(kind).validate_python(tuple(word.split(":")) if is_list else word)
    except ValidationError as error:
        wrong = error.errors()[0]
        said = wrong["msg"].removeprefix("Input should be ")
        if wrong["type"] in ("missing", "too_long"):
            said = f"{len(get_args(kind))} values with a colon between"
        raise InputError(f"{knob} is '{word}', must be {said}", where=given) from None


def read_world(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The items of a world; those of one key are of one group, so that a split keeps them together."""
    assert isinstance(file.made, Made)
    return read_jsonl(file, data, note, group_of=file.made.world.group_of)
