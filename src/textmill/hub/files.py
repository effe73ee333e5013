"""What lies in the folder of another's model, before anything of it is used. Room: hub/ (other formats <-> ours).

Nothing of a folder is ever executed. Read are config.json, safetensors, the tokenizer's files and README.md, each
within a limit of its size; pickles, programs and what asks for programs are left aside and named, and where there is
nothing else, the folder is refused with the reason. Used by folders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from textmill.errors import Damaged, InputError, RunError
from textmill.files import json_of

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz")
OTHER_WEIGHTS = (".h5", ".msgpack", ".onnx", ".ot", ".tflite", ".mlmodel", ".gguf")
NO_WEIGHTS = ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth")
CONFIG_BYTES, INDEX_BYTES, README_BYTES = 10 * 2**20, 100 * 2**20, 2**20
PRECISIONS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
SHARD = re.compile(r"[\w][\w.-]*\.safetensors", re.ASCII)


@dataclass
class ModelFolder:
    """A folder that may be used. config: config.json. shards: the files of the weights. aside: (name, why) of what is
    there and is not read."""

    path: Path
    config: dict[str, Any]
    shards: list[Path]
    names: dict[str, Path]
    """Each tensor, and the file it lies in."""
    aside: list[tuple[str, str]] = field(default_factory=list)

    @property
    def where(self) -> str:
        return str(self.path / CONFIG)


def look_into(path: Path) -> ModelFolder:
    """The folder at `path`, its config and the names of its tensors read. Raises RunError where it holds no model that
    may be read, InputError and Damaged for files that are not what they should be."""
    if not path.is_dir():
        raise RunError("there is no such folder", where=str(path))
    aside = left_aside(path)
    if not (path / CONFIG).exists() and not (path / WEIGHTS).exists():
        raise no_weights(path, aside)
    config = json_file(path / CONFIG, CONFIG_BYTES, "the description of the model")
    if not isinstance(config, dict):
        raise Damaged("this is no table of settings", where=str(path / CONFIG))
    for key in ("auto_map", "custom_pipelines", "trust_remote_code"):
        if config.get(key):
            aside.append((f"{CONFIG}: {key}", "it asks for a program of the folder"))
    hidden = [key for key in config if key.startswith("_") and config[key] and key != "_name_or_path"]
    aside += [(f"{CONFIG}: {key}", "a private setting of another program") for key in hidden]
    shards = shards_of(path, aside)
    return ModelFolder(path, config, shards, tensors_in(shards), aside)


def left_aside(path: Path) -> list[tuple[str, str]]:
    """(name, why) of files that are there and are not read."""
    found = []
    for file in sorted(path.iterdir()):
        if file.name in NO_WEIGHTS or file.suffix in PICKLES:
            found.append((file.name, "a pickle, which can run any program when it is read"))
        elif file.suffix == ".py":
            found.append((file.name, "a program"))
    return found


def shards_of(path: Path, aside: list[tuple[str, str]]) -> list[Path]:
    """The files of the weights: one, or those that the index names, all of them in the folder itself."""
    single, index = path / WEIGHTS, path / INDEX
    if index.exists() and not single.exists():
        said = json_file(index, INDEX_BYTES, "the index of the weights")
        table = said.get("weight_map") if isinstance(said, dict) else None
        if not isinstance(table, dict) or not table:
            raise Damaged("the index names no weights ('weight_map')", where=str(index))
        for name in table.values():
            if not isinstance(name, str) or not SHARD.fullmatch(name):
                raise InputError(
                    f"the index names {str(name)[:80]!r}, which is no safetensors file of this folder",
                    where=str(index),
                    hint="Nothing outside the folder is read.",
                )
        names = sorted(set(table.values()))
        missing = [name for name in names if not (path / name).is_file()]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(names)} files of the weights are missing: {', '.join(missing[:5])}",
                where=str(path),
                hint="Fetch the folder again, whole.",
            )
        found = tensors_in([path / name for name in names])
        strange = [name for name, file in table.items() if found.get(name) != path / file]
        if strange or len(found) != len(table):
            extra = sorted(set(found) - set(table))
            told = f"{strange[0]} does not lie in {table[strange[0]]}" if strange else f"{extra[0]} stands in no index"
            raise Damaged(f"the index and the weights differ: {told}", where=str(index))
        return [path / name for name in names]
    if single.exists():
        if not single.is_file():
            raise Damaged("this is no file", where=str(single))
        return [single]
    raise no_weights(path, aside)


def no_weights(path: Path, aside: list[tuple[str, str]]) -> RunError:
    """Why a folder without safetensors under their usual names is refused."""
    pickles = [name for name, why in aside if why.startswith("a pickle") and name not in NO_WEIGHTS]
    others = [file.name for file in sorted(path.iterdir()) if file.suffix in (".safetensors", *OTHER_WEIGHTS)]
    if pickles:
        return RunError(
            f"the weights are a pickle ({', '.join(pickles[:3])}), which can run any program when it is read: "
            "it is never opened",
            where=str(path),
            hint=f"Ask for the model as {WEIGHTS}, or convert it where you trust it (transformers: "
            "save_pretrained(…, safe_serialization=True)).",
        )
    if gguf := [name for name in others if name.endswith(".gguf")]:
        return RunError(f"there is no {WEIGHTS}", where=str(path), hint=f"Name the GGUF file itself: {path / gguf[0]}")
    there = f" (there is: {', '.join(others[:3])})" if others else ""
    return RunError(
        f"there are no weights: neither {WEIGHTS} nor {INDEX}{there}",
        where=str(path),
        hint="A model of Hugging Face is config.json, model.safetensors and the tokenizer's files.",
    )


def json_file(path: Path, limit: int, what: str) -> Any:
    """The value of a JSON file of at most `limit` bytes. Raises RunError where there is none, Damaged."""
    if not path.exists():
        raise RunError(f"there is no {path.name}, {what}", where=str(path.parent))
    if not path.is_file():
        raise Damaged("this is no file", where=str(path))
    size = path.stat().st_size
    if size > limit:
        raise Damaged(f"{what} has {size:,} bytes; more than {limit:,} are not read", where=str(path))
    try:
        return json_of(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Damaged(f"{what} cannot be read: {str(error).partition(chr(10))[0][:200]}", where=str(path)) from error


def tensors_in(shards: list[Path]) -> dict[str, Path]:
    """Each tensor, and the file it lies in; the library holds header, offsets and sizes against the file. Raises
    Damaged, also for a tensor that stands in two files."""
    found: dict[str, Path] = {}
    for shard in shards:
        with opened(shard) as file:
            for name in file.keys():  # noqa: SIM118
                if name in found:
                    raise Damaged(f"{name} stands in {found[name].name} too", where=str(shard))
                found[name] = shard
    return found


class opened:  # noqa: N801  a with-statement's word
    """A safetensors file, read. Raises Damaged."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> Any:
        try:
            self.file: Any = safe_open(self.path, framework="pt")
            self.file.__enter__()  # type: ignore[no-untyped-call]
        except (SafetensorError, OSError) as error:
            raise Damaged(f"not a whole safetensors file ({error})", where=str(self.path)) from error
        return self.file

    def __exit__(self, *raised: Any) -> None:
        self.file.__exit__(*raised)


def read_weights(folder: ModelFolder) -> tuple[dict[str, Tensor], list[str]]:
    """(all tensors, in float32; the precisions they are kept in). Raises Damaged for numbers of another kind, such as
    quantised ones."""
    tensors: dict[str, Tensor] = {}
    precisions: set[str] = set()
    for shard in folder.shards:
        with opened(shard) as file:
            for name in file.keys():  # noqa: SIM118
                kind = file.get_slice(name).get_dtype()
                if kind not in PRECISIONS:
                    tensors[name] = file.get_tensor(name)  # such as a buffer of positions: refused where it is used
                    continue
                precisions.add(PRECISIONS[kind])
                tensors[name] = file.get_tensor(name).to(torch.float32)
    return tensors, sorted(precisions)


def refuse_not_finite(tensors: dict[str, Tensor], where: str) -> None:
    """Raises Damaged, naming the tensors that hold what is no number."""
    # A sum is finite only if every number is; where it is not, all are looked at, which takes far longer.
    spoilt = [
        name
        for name, tensor in tensors.items()
        if not bool(tensor.sum().isfinite()) and not bool(torch.isfinite(tensor).all())
    ]
    if spoilt:
        more = f" and {len(spoilt) - 5} more" if len(spoilt) > 5 else ""
        raise Damaged(f"weights that are no finite numbers: {', '.join(spoilt[:5])}{more}", where=where)


LICENCE = re.compile(r"^license(_name)?:\s*[\"']?([\w.+ -]+)[\"']?\s*$", re.MULTILINE)


def licence_of(folder: Path) -> str | None:
    """As the front matter of README.md says it; None where nothing is said."""
    readme = folder / "README.md"
    if not readme.is_file():
        return None
    with readme.open("rb") as file:
        text = file.read(README_BYTES).decode("utf-8", errors="replace")
    if not text.startswith("---"):
        return None
    front = text[3:].partition("\n---")[0]
    found = {match[1] or "": match[2].strip() for match in LICENCE.finditer(front)}
    return found.get("_name") or found.get("") or None
