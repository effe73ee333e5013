"""A run folder that somebody else made: nothing in it is executed, believed or hung on; errors are ours, and soon."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import pickle
import random
import re
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults_kit import WAIT_S, InProcess, copied, environment, some_text, training

from textmill.cli import main
from textmill.files import SEAL, sealed, sha256_of

pytestmark = pytest.mark.ci

SOURCE = Path(__file__).parents[2] / "src"
SOON_S = 10
READERS = [
    ["info", "runs/geese"],
    ["eval", "runs/geese", "-n"],
    ["generate", "runs/geese", "Line", "--max-new-tokens", "2"],
    ["score", "runs/geese/floor", "Line"],
    ["report", "runs/geese", "-n"],
    ["train", "runs/geese", "--verify", "1"],
    training(steps=["--steps", "7", "--train.eval_every", "2"]),
]
DOCTOR = ["doctor", "runs/geese"]
CLASSIFIERS = [
    ["classify", "runs/reviews", "geese flew near"],
    ["classify", "runs/reviews/floor", "飞过山"],
    ["info", "runs/reviews"],
    ["doctor", "runs/reviews"],
    ["eval", "runs/reviews", "-n"],
]
STEP = "checkpoints/step-00000006"


@pytest.fixture
def mill(mill: InProcess, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """The command without the drawing of its page."""
    monkeypatch.setattr("textmill.training.closing.render", lambda report, folder, lang: None)
    return mill


def ours(mill: InProcess, words: list[str], told: str) -> int:
    """The exit code; no traceback, no bug, soon."""
    began = time.process_time()
    said = mill(*words)
    assert said.code in (0, 1, 2), f"{told}, {words[0]}: {said.code}\n{said.err}"
    assert "Traceback" not in said.err and "bug of Textmill" not in said.err, told
    assert time.process_time() - began < SOON_S, told
    return said.code


def with_its_hash(run: Path, name: str, content: bytes) -> None:
    """A file of the last checkpoint or of the floor, as an attacker puts it: the manifest holds again."""
    path = run / name
    path.write_bytes(content)
    manifest = path.parent / ("model.json" if name.startswith("floor") else "manifest.json")
    about = json.loads(manifest.read_bytes())
    if name.startswith("floor"):
        about["sha256"] = sha256_of(path)
    else:
        about["sha256"][path.name] = sha256_of(path)
    manifest.write_text(json.dumps(about))


# -- nothing is executed -----------------------------------------------------------------------------------------------


class Canary:
    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.system, (f"touch {self.path}",)


def test_planted_pickles_and_modules_do_not_run(geese: Path, tmp_path: Path) -> None:
    canary = tmp_path / "ran"
    evil = pickle.dumps(Canary(canary))
    pickle.loads(evil)
    assert canary.exists()  # it would
    canary.unlink()
    python = f"open({str(canary)!r}, 'w')\n"
    prepared = next((geese.parent / ".data").iterdir())
    for folder in (geese, geese / STEP, geese / "checkpoints", geese / "floor", prepared, prepared / "train", tmp_path):
        for name in ("rng_state.pth", "optimizer.pt", "training_args.bin", ".metadata", "pytorch_model.bin"):
            (folder / name).write_bytes(evil)
        for name in (
            "modeling_evil.py",
            "sitecustomize.py",
            "usercustomize.py",
            "conftest.py",
            "torch.py",
            "config.py",
        ):
            (folder / name).write_text(python)
        auto_map = {"auto_map": {"AutoModelForCausalLM": "modeling_evil.Evil"}, "architectures": ["Evil"]}
        (folder / "config.json").write_text(json.dumps(auto_map))
    info = json.loads((geese / "run.json").read_bytes())
    (geese / "run.json").write_text(json.dumps(info | {"auto_map": {"AutoModel": "modeling_evil.Evil"}}))
    (tmp_path / "torch.py").unlink()  # `python -m` looks into the working folder first; the command does not

    command = "import sys; from textmill.cli import main; sys.path.insert(0, ''); codes = [main(words) for words in "
    command += f"{READERS!r}]; print(codes, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
        timeout=WAIT_S,
    )

    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert not canary.exists()


def test_the_source_reads_no_pickle_and_evaluates_nothing() -> None:
    forbidden = re.compile(
        r"\bpickle\b.*\bload|\btorch\.load\b|(?<![\w.])eval\(|(?<![\w.])exec\(|\byaml\.(unsafe_|full_)?load\b"
        r"|allow_pickle\s*=\s*True|trust_remote_code\s*=\s*True|\bmarshal\.loads?\b|\bshelve\b"
        r"|\bimport joblib\b|\bjoblib\.load\b"
    )
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in SOURCE.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if forbidden.search(line)
    ]
    assert found == []
    assert forbidden.search("x = torch.load(path)") and forbidden.search("eval(text)")
    assert not forbidden.search("model.eval()") and not forbidden.search("self.exec(x)")


# -- nothing is believed -----------------------------------------------------------------------------------------------


def tensors(header: dict[str, object] | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with this header; length: what it says its header has."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def one(shape: list[int], start: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


TENSORS = {
    "no header": b"",
    "huge header": tensors({}, length=1 << 62),
    "header of 4 GB": tensors({}, length=4 << 30),
    "no json": tensors(b"{" * 1000),
    "deep": tensors(b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    "overlap": tensors({"a": one([2], 0, 8), "b": one([2], 4, 12)}, b"0" * 12),
    "beyond the file": tensors({"a": one([1 << 40], 0, 4 << 40)}, b"0" * 8),
    "overflow": tensors({"a": one([1 << 62, 1 << 62], 0, 8)}, b"0" * 8),
    "negative": tensors({"a": one([2], 8, 0)}, b"0" * 8),
    "a path": tensors({"../../../evil": one([2], 0, 8)}, b"0" * 8),
    "nothing": tensors({}),
    "another type": tensors({"a": one([2], 0, 2, "U8")}, b"00"),
}


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.safetensors"])
@pytest.mark.parametrize("content", TENSORS.values(), ids=TENSORS)
def test_a_hostile_file_of_tensors_is_an_error_of_ours(
    mill: InProcess, geese: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    with_its_hash(geese, f"{STEP}/{name}", content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    if name == "model.safetensors":
        assert ours(mill, READERS[2], name) == 2
    assert ours(mill, READERS[5][:-1], name) in (1, 2)
    assert ours(mill, READERS[6], name) in (0, 2)  # 0: set aside, and the one before it used

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kilobytes
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("content", TENSORS.values(), ids=TENSORS)
def test_a_hostile_floor_is_an_error_of_ours(mill: InProcess, geese: Path, content: bytes) -> None:
    with_its_hash(geese, "floor/model.safetensors", content)

    assert ours(mill, READERS[3], "floor") == 2


JSON = {
    "nothing": b"",
    "deep": b"[" * 100_000,
    "deep and closed": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "huge number": b'{"step": ' + b"9" * 5000 + b"}",
    "large number": b'{"step": 1e999, "checkpoint": 1e999, "kind": NaN}',
    "twice": b'{"step": 6, "step": 7}',
    "a list": b"[]",
    "a text": b'"x"',
    "half a character": b'{"step": "\\ud800"}',
    "no text": b"\xff\xfe\x00",
}
NAMES = [
    "run.json",
    "last.json",
    "best.json",
    "metrics.jsonl",
    "tokenizer.json",
    "tokenizer.textmill.json",
    f"{STEP}/manifest.json",
    f"{STEP}/progress.json",
    "floor/model.json",
    "floor/run.json",
    "eval/test.json",
    "config.toml",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", JSON.values(), ids=JSON)
def test_hostile_json_is_an_error_of_ours(mill: InProcess, geese: Path, name: str, content: bytes) -> None:
    if name.endswith("progress.json"):
        with_its_hash(geese, name, content)
    else:
        (geese / name).write_bytes(content)

    for words in [DOCTOR, *random.Random(f"{name} {content[:9]!r}").sample(READERS, 2)]:
        ours(mill, words, name)


# -- what a classifier keeps besides -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reviews_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished classifier, with a floor and what tells unlike texts; to be copied, never touched."""
    folder = tmp_path_factory.mktemp("reviews")
    draw = random.Random(3)
    rows = [
        {"text": f"{line} It was {draw.choice(words)}.", "label": label}
        for number, line in enumerate(some_text(440).splitlines())
        for label, words in [[("bad", ["far 远", "cold"]), ("good", ["near 近", "warm"])][number % 2]]
    ]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (folder / "reviews.jsonl").write_text("".join(lines), encoding="utf-8")
    words = [*training("reviews.jsonl", steps=["--steps", "2", "--train.eval_every", "2"]), "--task", "classify"]
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert main(words) == 0
    run = folder / "runs" / "reviews"
    assert (run / "floor" / "domain.json").is_file() and (run / "floor" / "tfidf.json").is_file()
    return run


@pytest.fixture
def reviews(reviews_once: Path, tmp_path: Path) -> Path:
    return copied(reviews_once, tmp_path)


@pytest.mark.parametrize("name", ["floor/domain.json", "floor/tfidf.json", "floor/run.json"])
def test_hostile_json_of_a_floor_is_an_error_of_ours(mill: InProcess, reviews: Path, name: str) -> None:
    for told, content in JSON.items():
        (reviews / name).write_bytes(content)
        for words in CLASSIFIERS[:2]:
            assert ours(mill, words, f"{name}, {told}") in ((0, 2) if name.endswith("run.json") else (2,))
        assert ours(mill, CLASSIFIERS[3], f"{name}, {told}") == 1  # the doctor says so


HOSTILE_VALUES = [None, True, -1, 0, 1e308, math.nan, math.inf, 2**70, "", "\ud800", "../../etc", [], {}, [[]], {"": 1}]


def places_of(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*place, key)
        yield from places_of(part, (*place, key))


def with_another(content: bytes, draw: random.Random) -> bytes:
    """JSON in which a value is another or is gone; with a seal that holds, where it has one."""
    value = json.loads(content)
    *way, last = draw.choice(list(places_of(value)))
    inner = value
    for key in way:
        inner = inner[key]
    if draw.random() < 0.3:
        del inner[last]
    else:
        inner[last] = draw.choice(HOSTILE_VALUES)
    text = json.dumps({key: "" if key == SEAL else part for key, part in value.items()}, indent=2)
    return (sealed(text) if f'"{SEAL}": ""' in text else text).encode()


def spoil_values(mill: InProcess, run: Path, seed: int, n_changes: int) -> None:
    """Another value somewhere in the JSON of a classifier, its floor or its prepared text; each verb answers."""
    draw = random.Random(seed)
    files = [path for path in artefacts(run) if path.suffix == ".json" and path.name != "tokenizer.json"]
    for number in range(n_changes):
        path = files[number % len(files)]
        before = {there: there.read_bytes() for there in artefacts(run)}
        path.write_bytes(with_another(before[path], draw))
        for words in draw.sample(CLASSIFIERS, 2):
            ours(mill, words, f"seed {seed}, change {number}: {path.relative_to(run.parent)}")
        for there, old in before.items():
            there.write_bytes(old)


def test_other_values_in_what_a_classifier_keeps_give_errors_of_ours(mill: InProcess, reviews: Path) -> None:
    spoil_values(mill, reviews, seed=6, n_changes=60)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10))
def test_other_values_in_what_a_classifier_keeps_give_errors_of_ours_in_the_long_run(
    mill: InProcess, reviews: Path, seed: int
) -> None:
    spoil_values(mill, reviews, seed=200 + seed, n_changes=300)


TOML = {
    "deep": "a = " + "[" * 50_000,
    "deep and closed": "a = " + "[" * 5_000 + "]" * 5_000,
    "deep key": "[" + ".".join("a" * 20_000) + "]\n",
    "twice": "[train]\nsteps = 1\nsteps = 2\n",
    "huge number": "[train]\nsteps = " + "9" * 5000 + "\n",
    "large number": "[train]\nlr = 1e999\n",
}


@pytest.mark.parametrize("content", TOML.values(), ids=TOML)
def test_hostile_toml_is_an_error_of_ours(mill: InProcess, geese: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "knobs.toml").write_text(content)
    assert ours(mill, [*READERS[6], "-c", "knobs.toml"], "-c") == 2
    (geese / "config.toml").write_text(content)
    assert ours(mill, READERS[2], "config.toml") == 2


@pytest.mark.parametrize("knob", ["optimizer", "precision", "lr"])
def test_a_config_with_something_undecided_is_an_error_of_ours(mill: InProcess, geese: Path, knob: str) -> None:
    lines = (geese / "config.toml").read_text().splitlines()
    left = "" if knob == "lr" else f'{knob} = "auto"'
    content = "\n".join(left if line.startswith(f"{knob} =") else line for line in lines)
    (geese / "config.toml").write_text(content)

    said = mill("train", "runs/geese", "--verify")

    assert said.code == 2
    assert f"it lacks train.{knob}" in said.err


# -- nothing is hung on ------------------------------------------------------------------------------------------------


def artefacts(run: Path) -> list[Path]:
    prepared = next(path for path in (run.parent / ".data").iterdir() if path.is_dir())
    skipped = (".svg", ".png", ".html", ".md")
    return [
        path
        for folder in (run, prepared)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock" and path.suffix not in skipped
    ]


def changed(content: bytes, draw: random.Random) -> bytes:
    """A few bytes changed, a piece cut out, doubled, or the end lost."""
    data = bytearray(content or b"\0")
    place = draw.randrange(len(data))
    match draw.randrange(4):
        case 0:
            for _ in range(draw.choice([1, 1, 2, 8])):
                data[draw.randrange(len(data))] = draw.randrange(256)
        case 1:
            del data[place : place + draw.choice([1, 4, 64])]
        case 2:
            data[place:place] = data[place : place + draw.choice([1, 4, 64])]
        case 3:
            del data[place:]
    return bytes(data)


def fuzz(mill: InProcess, geese: Path, seed: int, n_changes: int) -> None:
    """Change a file, with the hash that belongs to it every other time; each reader answers. Then put it back."""
    draw = random.Random(seed)
    files = artefacts(geese)
    for number in range(n_changes):
        path = files[number % len(files)]
        manifest = path.parent / "manifest.json"
        before = {there: there.read_bytes() for there in artefacts(geese)}
        content = changed(before[path], draw)
        if draw.random() < 0.5 and manifest.is_file() and path != manifest:
            with_its_hash(geese, str(path.relative_to(geese)), content)
        else:
            path.write_bytes(content)
        told = f"seed {seed}, change {number}: {path.relative_to(geese.parent)}"
        for words in draw.sample([*READERS[:-1], DOCTOR], 2):
            ours(mill, words, told)
        if number % 6 == 0:
            ours(mill, READERS[-1], told)
        for there, old in before.items():
            there.parent.mkdir(parents=True, exist_ok=True)
            if not there.exists() or there.read_bytes() != old:
                there.write_bytes(old)


def test_changed_bytes_anywhere_give_errors_of_ours(mill: InProcess, geese: Path) -> None:
    fuzz(mill, geese, seed=12, n_changes=60)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(20))
def test_changed_bytes_anywhere_give_errors_of_ours_in_the_long_run(mill: InProcess, geese: Path, seed: int) -> None:
    fuzz(mill, geese, seed=100 + seed, n_changes=300)
