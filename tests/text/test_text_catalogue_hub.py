"""Data sets off the hub: at a commit, streamed, never run, whole or not there at all."""

from __future__ import annotations

import importlib
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tiny_corpus import below, closed_port, no_process

from textmill.errors import InputError, MissingExtra
from textmill.text import catalogue
from textmill.text.catalogue import hub as hub_module

COMMIT = "c0ffee" + "0" * 34
ROWS = {
    "train": [{"text": "one", "label": 0}, {"text": "二", "label": 1}],
    "test": [{"text": "three", "label": 0}],
}


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The two libraries of the hub, and a port that answers in its place."""
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    asked: list[Any] = []
    state = SimpleNamespace(asked=asked, rows=ROWS)

    def load_dataset(name: str, config: str | None, **settings: Any) -> Any:
        asked.append((name, config, settings))
        return state.rows[settings["split"]] if settings["split"] else state.rows

    datasets = ModuleType("datasets")
    monkeypatch.setattr(datasets, "load_dataset", load_dataset, raising=False)
    client = ModuleType("huggingface_hub")
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        state.constants = ModuleType("huggingface_hub.constants")
        monkeypatch.setattr(state.constants, "ENDPOINT", endpoint, raising=False)
        api = SimpleNamespace(dataset_info=lambda name, timeout: SimpleNamespace(sha=COMMIT))
        monkeypatch.setattr(client, "HfApi", lambda: api, raising=False)
        monkeypatch.setitem(sys.modules, "datasets", datasets)
        monkeypatch.setitem(sys.modules, "huggingface_hub", client)
        monkeypatch.setitem(sys.modules, "huggingface_hub.constants", state.constants)
        yield state


def test_a_data_set_of_the_hub_is_streamed_at_its_commit_and_kept(
    hub: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []

    files = catalogue.find("hf:org/name:small", notes)

    assert hub.asked == [("org/name", "small", {"split": None, "revision": COMMIT, "streaming": True})]
    assert [file.name for file in files] == ["hf:org/name:small/test.jsonl", "hf:org/name:small/train.jsonl"]
    assert [file.below for file in files] == [("test.jsonl",), ("train.jsonl",)]
    lines = files[1].path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == ROWS["train"]
    assert COMMIT[:12] in notes[0]

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert catalogue.find("hf:org/name:small", []) == files
    assert len(hub.asked) == 1


def test_one_split_of_a_data_set_can_be_named(hub: SimpleNamespace) -> None:
    (file,) = catalogue.find("hf:org/name/test", [])

    assert hub.asked[0][2]["split"] == "test"
    assert file.path.read_text(encoding="utf-8") == '{"text": "three", "label": 0}\n'


def test_columns_that_are_no_text_are_counted_and_left_out(hub: SimpleNamespace) -> None:
    hub.rows = {"train": [{"text": "seen", "image": b"\x89PNG"}]}
    notes: list[str] = []

    (file,) = catalogue.find("hf:org/pictures", notes)

    assert file.path.read_text(encoding="utf-8") == '{"text": "seen"}\n'
    assert any("'image'" in note and "bytes" in note for note in notes)


def test_a_stream_that_breaks_off_leaves_nothing(hub: SimpleNamespace, cache: Path) -> None:
    def breaking() -> Iterator[dict[str, str]]:
        yield {"text": "one"}
        raise OSError("the peer hung up\nand more")

    hub.rows = {"train": breaking()}

    with pytest.raises(InputError, match=r"the peer hung up$"):
        catalogue.find("hf:org/name", [])

    assert below(cache) == ["lock"]


def test_without_its_library_the_hub_is_a_missing_extra(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)

    with pytest.raises(MissingExtra) as caught:
        catalogue.find("hf:org/name", [])

    assert caught.value.hint == "pip install 'textmill[data]'"


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"])
def test_told_to_be_offline_it_asks_nobody(name: str, hub: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "true")
    monkeypatch.setattr(hub_module, "reachable", no_process)

    with pytest.raises(InputError, match=name):
        catalogue.find("hf:org/name", [])


def test_a_hub_that_cannot_be_reached_is_told_at_once(hub: SimpleNamespace) -> None:
    vars(hub.constants)["ENDPOINT"] = f"http://127.0.0.1:{closed_port()}"

    with pytest.raises(InputError, match="cannot be reached"):
        catalogue.find("hf:org/name", [])

    assert hub.asked == []


def test_the_real_library_of_the_hub_says_where_the_hub_is(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    constants = importlib.import_module("huggingface_hub.constants")
    monkeypatch.setitem(sys.modules, "datasets", ModuleType("datasets"))
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(InputError, match=r"cannot be reached \(127\.0\.0\.1\)"):
        catalogue.find("hf:org/name", [])


def test_waiting_for_a_connection_ends_even_where_the_name_is_never_found(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def looks_up_for_long(*address: Any, **settings: Any) -> socket.socket:
        released.wait(30)
        raise OSError("no such name")

    monkeypatch.setattr(socket, "create_connection", looks_up_for_long)

    start = time.monotonic()
    assert not hub_module.reachable("nowhere", 443, 0.1)
    assert time.monotonic() - start < 15
    released.set()


@pytest.mark.parametrize(
    "given", ["hf:", "hf:org/name/split/more", "hf:../name", "hf:org/..", "hf:org/na me", "hf:a:b:c"]
)
def test_what_is_no_name_of_a_data_set_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="no name"):
        catalogue.hub_set(given)


def test_different_data_sets_lie_in_different_folders(cache: Path) -> None:
    given = [
        "hf:a/b",
        "hf:a/b:c",
        "hf:a/b/c",
        "hf:a/b:c/d",
        "hf:a--b",
        "hf:a/b--c",
        "hf:a/b:split=c",
        "hf:a/b:c,split=d",
    ]

    assert len({catalogue.hub_set(name).folder for name in given}) == len(given)
