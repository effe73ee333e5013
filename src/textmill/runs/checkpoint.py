"""Checkpoints: tensors in safetensors, the rest in JSON, a manifest of hashes written last. Room: runs/.

Used by runs.folder. A checkpoint whose manifest does not hold is set aside, named, and the one before it is used.
    checkpoints/step-00000400/{model,optimizer,average,state}.safetensors progress.json manifest.json
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from textmill.errors import Damaged
from textmill.files import (
    fsync_file,
    make_folder,
    misfits_told,
    name_aside,
    new_folder,
    read_json,
    sha256_of,
    write_json,
)

FORMAT = 1
STEP_FOLDER = re.compile(r"step-(\d{8,})")


@dataclass
class Checkpoint:
    """What a run is at a step. Each group of tensors is a file; an empty group is none."""

    step: int
    model: dict[str, Tensor]
    optimizer: dict[str, Tensor] = field(default_factory=dict)
    average: dict[str, Tensor] = field(default_factory=dict)
    state: dict[str, Tensor] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=dict)


GROUPS = ("model", "optimizer", "average", "state")


def folder_name(step: int) -> str:
    """The folder of a step; names sort as steps do."""
    return f"step-{step:08d}"


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write checkpoints/step-N, whole or not at all; the order is data, manifest, rename, parent folder.

    An existing folder of that step (set aside as damaged, or from a run that was cut back) is replaced.
    Raises NoSpace.
    """
    make_folder(folder)
    path = folder / folder_name(checkpoint.step)
    with new_folder(path) as temporary:
        for group in GROUPS:
            tensors = getattr(checkpoint, group)
            if tensors:
                # Equal storages are refused by safetensors; contiguous copies are what is meant.
                flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
                safetensors.torch.save_file(flat, temporary / f"{group}.safetensors")
        write_json(temporary / "progress.json", {"step": checkpoint.step, **checkpoint.progress})
        hashes = {file.name: sha256_of(file) for file in sorted(temporary.iterdir())}
        for name in hashes:
            fsync_file(temporary / name)
        write_json(temporary / "manifest.json", {"format": FORMAT, "step": checkpoint.step, "sha256": hashes})
        if path.exists():
            shutil.rmtree(path)
    return path


def verify_checkpoint(path: Path) -> dict[str, Any]:
    """The manifest of a checkpoint whose files all hold. Raises Damaged, naming the first file that does not."""
    manifest_path = path / "manifest.json"
    try:
        with misfits_told(manifest_path, "the manifest of the checkpoint cannot be read"):
            manifest = read_json(manifest_path)
            hashes, step = dict(manifest["sha256"]), int(manifest["step"])
            if f"{GROUPS[0]}.safetensors" not in hashes:
                raise ValueError("it names no tensors of the model")
    except FileNotFoundError as error:
        raise Damaged("the manifest of the checkpoint is missing", where=str(manifest_path)) from error
    if manifest.get("format") != FORMAT:
        raise Damaged(
            f"the checkpoint has format {manifest.get('format')}, this version reads {FORMAT}", where=str(path)
        )
    if path.name != folder_name(step):
        raise Damaged(f"the manifest is that of step {step}", where=str(manifest_path))
    for name, expected in hashes.items():
        file = path / name
        if file.name != name or not file.is_file():
            raise Damaged("a file of the checkpoint is missing", where=str(file))
        if sha256_of(file) != expected:
            raise Damaged("a file of the checkpoint is not what was saved (its sha256 differs)", where=str(file))
    return dict(manifest)


def load_checkpoint(path: Path) -> Checkpoint:
    """A checkpoint, verified before anything of it is used. Raises Damaged."""
    manifest = verify_checkpoint(path)
    # Cloned into memory of their own: views into the file's buffer are not aligned, and with other alignment a matrix
    # product may differ in its last bits.
    groups = {
        group: {name: tensor.clone() for name, tensor in read_tensors(path / f"{group}.safetensors").items()}
        for group in GROUPS
        if f"{group}.safetensors" in manifest["sha256"]
    }
    step = int(manifest["step"])
    return Checkpoint(step=step, progress=_progress_at(step, path), **groups)


def progress_of(path: Path) -> dict[str, Any]:
    """progress.json of a checkpoint whose files all hold; no tensor is loaded. Raises Damaged."""
    return _progress_at(int(verify_checkpoint(path)["step"]), path)


def _progress_at(step: int, path: Path) -> dict[str, Any]:
    progress = read_json(path / "progress.json")
    if not isinstance(progress, dict) or type(progress.get("step")) is not int or progress["step"] != step:
        raise Damaged(f"this does not tell how far the run was at step {step}", where=str(path / "progress.json"))
    return progress


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file; the library checks header, offsets and sizes against the file first. Raises Damaged."""
    try:
        with misfits_told(path, "not a whole safetensors file"):
            return safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise Damaged(f"not a whole safetensors file ({error})", where=str(path)) from error


def checkpoints_of(folder: Path) -> list[Path]:
    """The checkpoint folders, oldest first. Only exact names count: temporary and set-aside ones never do."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.is_dir() and STEP_FOLDER.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")))


def set_aside(path: Path) -> Path:
    """Rename a damaged checkpoint so that it is never picked again, and never deleted."""
    aside = name_aside(path)
    path.rename(aside)
    return aside
