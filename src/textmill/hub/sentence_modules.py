"""How a folder of sentence-transformers makes one vector of a text: modules.json. Room: hub/ (other formats <-> ours).

    module        read
    Transformer   the model at the folder's root
    Pooling       mean, cls (the first place) or max over all tokens
    Normalize     the vectors have length 1
What is more than that (Dense, a program of the folder, several poolings) is not read: such a folder is a model like any
other, and asked for sentence vectors it says why it has none. Used by folders.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from textmill.errors import Damaged
from textmill.hub.files import json_file

MODULES, SETTINGS = "modules.json", "sentence_bert_config.json"
CONFIG_BYTES = 1 << 20
POOLINGS = {"mean": "mean", "cls": "first", "max": "max"}
OLD_NAMES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
FOLDER = re.compile(r"[\w][\w-]*", re.ASCII)


def sentences_said(path: Path) -> dict[str, Any] | None:
    """What a folder says of sentence vectors: {"pooling", "normalised"}, or {"refused": why}; None where it is no
    folder of sentence-transformers. Raises Damaged for files that make no sense."""
    if not (path / MODULES).exists():
        return None
    where = str(path / MODULES)
    said = json_file(path / MODULES, CONFIG_BYTES, "the list of modules")
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise Damaged("this is no list of modules", where=where)
    kinds = [kind_of(one.get("type")) for one in said]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        listed = ", ".join(str(one.get("type"))[:80] for one in said)
        return {"refused": f"modules.json names {listed}; read are Transformer, Pooling and Normalize, in this order"}
    if said[0].get("path") not in ("", "."):
        return {"refused": f"its Transformer lies in {str(said[0].get('path'))[:80]!r}, not at the folder's root"}
    inner = said[1].get("path")
    if not isinstance(inner, str) or not FOLDER.fullmatch(inner):
        raise Damaged(f"its Pooling lies in {str(inner)[:80]!r}, which is no folder in it", where=where)
    pooling = pooling_said(json_file(path / inner / "config.json", CONFIG_BYTES, "the settings of the pooling"))
    if pooling not in POOLINGS:
        return {"refused": f"its pooling is {pooling}; read are {', '.join(POOLINGS)}, one of them"}
    if (path / SETTINGS).exists():
        settings = json_file(path / SETTINGS, CONFIG_BYTES, "the settings of sentence-transformers")
        if isinstance(settings, dict) and settings.get("do_lower_case"):
            return {"refused": f"{SETTINGS} asks for small letters before the tokenizer (do_lower_case)"}
    return {"pooling": POOLINGS[pooling], "normalised": "Normalize" in kinds}


def kind_of(name: Any) -> str:
    """`Pooling` of sentence_transformers.models.Pooling, in whatever version it stands elsewhere in the package; any
    other name as it is."""
    package, _, kind = str(name).rpartition(".")
    return kind if package.partition(".")[0] == "sentence_transformers" else str(name)


def pooling_said(said: Any) -> str:
    """The one way of pooling that a config names, else what it says."""
    if not isinstance(said, dict):
        return str(said)[:80]
    mode = said.get("pooling_mode", [name for key, name in OLD_NAMES.items() if said.get(key)])
    if isinstance(mode, list) and len(mode) == 1:
        mode = mode[0]
    if said.get("include_prompt", True) is not True:
        return "without the prompt"
    return str(mode)[:80]
