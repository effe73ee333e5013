"""`hf:org/name` in RUN's place: a model of the Hugging Face hub -> a folder on this machine. Room: hub/.

Fetched through huggingface_hub into its own cache (HF_HOME), at once refused where HF_HUB_OFFLINE is set or the hub is
out of reach, unless the cache has the model already. Only files that are read are fetched: no pickle and no program.
"""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from textmill.errors import InputError, MissingExtra
from textmill.text.catalogue.hub import HUB_CONNECT_S, reachable

NAME = re.compile(r"hf:(?P<repository>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w.-]+))?", re.ASCII)
FETCHED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.spm", "*.jinja", "README.md"]
NOT_FETCHED = ["*/*", "*.bin", "*.py", "*.pt", "*.pkl"]
"""Nothing below the top of the folder, no pickle, no program."""
IS_SET = ("1", "ON", "YES", "TRUE")


def fetched(name: str) -> Path:
    """The folder of hf:org/name, or of hf:org/name@revision. Raises InputError where it cannot be had, MissingExtra
    without huggingface_hub."""
    found = NAME.fullmatch(name)
    if found is None or any(part in (".", "..") for part in found["repository"].split("/")):
        raise InputError("is no name of a model", where=name, hint="The form is hf:org/name, or hf:org/name@revision.")
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError:
        raise MissingExtra(
            "fetching a model needs huggingface_hub, which is not installed",
            where=name,
            hint="pip install 'textmill[hf]'",
        ) from None
    why_offline = why_unreachable(hub)
    try:
        folder = hub.snapshot_download(
            found["repository"],
            revision=found["revision"],
            allow_patterns=FETCHED,
            ignore_patterns=NOT_FETCHED,
            local_files_only=why_offline is not None,
        )
    except Exception as error:  # its errors have no common parent but this
        if why_offline is not None:
            raise InputError(
                f"{why_offline}, and the model is not in the cache",
                where=name,
                hint="Name a folder on this machine, or fetch the model where there is a network.",
            ) from None
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(f"the hub's library refuses: {first}", where=name) from error
    return Path(folder)


def why_unreachable(hub: Any) -> str | None:
    """Why nothing can be fetched now; None where it can. Known within seconds."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in IS_SET:
        return "HF_HUB_OFFLINE is set"
    endpoint = urlsplit(importlib.import_module(f"{hub.__name__}.constants").ENDPOINT)
    proxy = urlsplit(getproxies().get(endpoint.scheme, ""))
    target = proxy if proxy.hostname else endpoint
    port = target.port or (443 if target.scheme == "https" else 80)
    if reachable(target.hostname or "", port, HUB_CONNECT_S):
        return None
    return f"the hub cannot be reached ({target.hostname})"
