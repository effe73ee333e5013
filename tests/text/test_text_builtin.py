"""builtin:NAME: worlds as PATHs, which go through like files."""

from __future__ import annotations

import json
import re
import tempfile
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from forked import textmill
from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text.builtin import NAMES, find, listed
from textmill.text.documents import Document, ReadReport
from textmill.text.reading import read_documents
from textmill.text.splits import SplitPlan, plan_split
from textmill.text.worlds import WORLDS, Copies, Pairs, Stories, line, named
from textmill.text.worlds.made import Made
from textmill.text.worlds.world import World


def plan_of(*paths: str, **knobs: Any) -> SplitPlan:
    return plan_split(DataConfig(paths=paths, **knobs))


def documents(path: str, **knobs: Any) -> list[Document]:
    return list(read_documents([path], DataConfig(paths=(path,), **knobs), ReadReport()))


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_world_is_read_as_its_items_are(name: str, language: str) -> None:
    path = f"builtin:{name},lang={language},n=7,seed=3"
    column = "source" if name == "pairs" else "text"
    world = named(name if language == "en" else f"{name}-zh", seed=3)

    found = documents(path, text=("source",) if name == "pairs" else ())

    assert [document.text for document in found] == [item.row()[column] for item in world.items(7)]
    assert [document.source for document in found] == [f"{path}:{number}" for number in range(1, 8)]


def test_every_byte_of_a_world_stands_in_the_ledger() -> None:
    rows = [line(item) for item in Stories(language="zh").items(200)]

    plan = plan_of("builtin:stories,lang=zh,n=200")

    [file] = plan.ledger.files
    texts = sum(len(json.loads(row)["text"].encode()) for row in rows)
    assert file.bytes == sum(file.ledger.values()) == sum(map(len, rows))
    assert sum(file.ledger[part] for part in ("train", "validation", "test")) == texts
    assert sum(plan.n_documents.values()) == 200


def test_what_a_world_makes_decides_the_fingerprint_and_nothing_else_does() -> None:
    paths = ["stories,n=20", "stories,n=21", "stories,n=20,seed=1", "stories,n=20,lang=zh", "stories,n=20,n_people=3"]
    prints = [plan_of(f"builtin:{path}").fingerprint for path in paths]

    assert len(set(prints)) == len(prints)
    assert plan_of("builtin:stories,seed=0,lang=en,n=20").fingerprint == prints[0]


def test_knobs_of_any_kind_can_be_said() -> None:
    said = "builtin:stories,kinds=where-thing:who-gave,n_sentences=3:5,unanswerable=0.25,n=9"
    [file] = find(said, [])

    assert file.made == Made(Stories(kinds=("where-thing", "who-gave"), n_sentences=(3, 5), unanswerable=0.25), 9)
    [file] = find("builtin:causes,as_next_word=true,distance=3", [])
    assert (file.made and file.made.world) == WORLDS["causes"](as_next_word=True, distance=3)
    [file] = find("builtin:pairs,lang=zh", [])
    assert (file.made and file.made.world) == Pairs(direction="zh-en")


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ("builtin:storys", "no such built-in text", "did you mean 'builtin:stories'?"),
        ("builtin:", "no such built-in text", f"there are: {', '.join(NAMES)}"),
        ("builtin:stories,sed=1", "no knob 'sed'", "did you mean 'seed'?"),
        ("builtin:zipf,zzz=1", "no knob 'zzz'", "there are: lang, n, seed, order"),
        ("builtin:pairs,direction=en-zh", "no knob 'direction'", "there are: lang"),
        ("builtin:stories,n", "'n' has no value", "builtin:stories,n=VALUE"),
        ("builtin:stories,n=1,n=1", "'n' is said twice", "builtin:stories,n=VALUE"),
        ("builtin:stories,n=0", "n is '0', must be greater than 0", None),
        ("builtin:stories,n=many", "n is 'many'", None),
        ("builtin:markov,seed=-1", "seed is '-1'", None),
        ("builtin:markov,mean_length=inf", "mean_length is 'inf', must be a finite number", None),
        ("builtin:stories,lang=fr", "lang is 'fr', must be 'en' or 'zh'", None),
        ("builtin:stories,n_sentences=3", "must be 2 values with a colon between", None),
        ("builtin:stories,n_people=9", "n_people is 9, must be 2 to 7", None),
        ("builtin:python-docs,n=3", "has no knobs", "builtin:python-docs"),
    ],
)
def test_what_is_wrong_is_named_with_the_path_and_what_there_is(given: str, message: str, hint: str | None) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        documents(given)

    assert caught.value.where == given
    assert (hint or "") in (caught.value.hint or "")


def test_a_copy_and_its_original_stand_on_one_side_of_a_split() -> None:
    shares = {"valid_share": 0.3, "test_share": 0.3, "near_duplicates": "off"}
    plan = plan_of("builtin:copies,n=300,one_in=3,seed=2", **shares)
    copies = {
        item.text: item.number if item.source is None else item.source for item in Copies(one_in=3, seed=2).items(300)
    }
    sides: dict[int, set[str]] = {}
    for part in ("train", "validation", "test"):
        for document in plan.documents(part):
            sides.setdefault(copies[document.text], set()).add(part)

    assert all(plan.n_documents[part] > 30 for part in sides[0] | {"train", "validation", "test"})
    assert sum(item.kind == "near" for item in Copies(one_in=3, seed=2).items(300)) > 15
    assert all(len(parts) == 1 for parts in sides.values())


def test_pairs_of_one_english_side_are_of_one_group() -> None:
    found = documents("builtin:pairs,lang=zh,n=300,depth=0,modifiers=0,ambiguity=1", text="source")

    assert [item.english for item in Pairs("zh-en", 0, 0.0, 1.0).items(300)] == [d.meta["group"] for d in found]


def test_copies_are_the_same_however_many_are_asked_for() -> None:
    world = Copies(language="zh", seed=5)
    whole = [item.row() for item in world.items(150)]

    assert [item.row() for item in world.items(50, start=100)] == whole[100:]
    assert world.item(77).row() == whole[77]
    assert {row["kind"] for row in whole} == {None, "exact", "normalised", "near"}


@dataclass(frozen=True, slots=True)
class Long:
    """An item of 20,000 characters."""

    key: str

    def row(self) -> dict[str, Any]:
        return {"text": self.key * 20_000}


@dataclass(frozen=True)
class Longs(World[Long]):
    """For measuring."""

    name: ClassVar[str] = "longs"
    what: ClassVar[str] = "long items"

    seed: int = 0

    def item(self, number: int) -> Long:
        return Long(chr(97 + number % 26))


def test_a_world_is_never_held_in_memory_whole_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = Made(Longs(), 1000)

    tracemalloc.start()
    with made.open() as stream:
        n_bytes = sum(len(row) for row in stream)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert n_bytes > 20_000_000 and peak < 4_000_000
    assert list(tmp_path.iterdir()) == []


def test_two_readers_of_a_world_do_not_move_each_other() -> None:
    made = Made(Stories(seed=11), 30)
    rows = [line(item) for item in made.world.items(30)]

    with made.open() as one, made.open() as other:
        assert one.readline() == rows[0]
        assert other.read() == b"".join(rows)
        assert one.readline() == rows[1]
        one.seek(0)
        assert one.readlines() == rows


def test_a_world_is_made_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    @dataclass(frozen=True)
    class Counted(Longs):
        def items(self, n: int, start: int = 0) -> Iterator[Long]:
            asked.append(n)
            return super().items(n, start)

    made = Made(Counted(), 3)
    for _ in range(3):
        with made.open() as stream:
            assert len(stream.readlines()) == 3

    assert asked == [3]


def test_the_same_world_twice_is_read_once_and_two_seeds_are_two_texts() -> None:
    plan = plan_of("builtin:stories,n=30", "builtin:stories,seed=0,n=30", "builtin:stories,n=30,seed=1")

    assert [file.path for file in plan.ledger.files] == ["builtin:stories,n=30", "builtin:stories,n=30,seed=1"]
    assert any("read once" in note for note in plan.notes)


def test_an_encoding_that_is_said_for_files_does_not_change_a_world() -> None:
    text = documents("builtin:stories,lang=zh,n=3", encoding="gb18030")[0].text

    assert text == Stories(language="zh").item(0).text


def test_all_that_is_listed_can_be_read() -> None:
    assert [entry.path for entry in listed()] == [f"builtin:{name}" for name in NAMES]
    for entry in listed()[1:]:
        assert entry.what and {"lang", "n", "seed"} < set(entry.knobs)
        assert find(f"{entry.path},n=1", [])


@pytest.mark.ci
def test_a_world_is_trained_and_measured_on_as_a_file_is(tmp_path: Path) -> None:
    tiny = [
        *("--model.d_model", "16", "--model.n_layers", "1", "--model.n_heads", "2", "--model.seq_len", "32"),
        *("--train.batch", "8", "--tokens.kind", "bytes", "--eval.resamples", "100", "--steps", "2"),
    ]

    def said_by(*line: str) -> dict[str, Any]:
        done = textmill(tmp_path, *line, "--json")
        assert done.returncode == 0, done.stderr.decode()
        return dict(json.loads(done.stdout.splitlines()[-1]))

    trained = said_by("train", "builtin:stories,n=60", *tiny)
    measured = said_by("eval", "runs/stories", "--data", "builtin:stories,n=20,seed=1", "--eval.resamples", "100")

    assert trained["run"] == "runs/stories" and measured["data"] == "builtin:stories,n=20,seed=1"
    assert measured["metrics"]["n_bytes"] == sum(len(item.text.encode()) for item in Stories(seed=1).items(20))
