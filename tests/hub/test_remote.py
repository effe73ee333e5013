"""hf:org/name is fetched through huggingface_hub, without pickles and programs; offline it is refused at once."""

from __future__ import annotations

import time

import pytest
from foreign_kit import model_folder

from textmill.errors import InputError
from textmill.hub import open_run, remote

hub = pytest.importorskip("huggingface_hub", reason="it is what fetches")
pytest.importorskip("transformers", reason="it makes the folder that is fetched")


def test_offline_it_is_refused_at_once_with_a_clear_word(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    began = time.monotonic()
    with pytest.raises(InputError, match="HF_HUB_OFFLINE is set, and the model is not in the cache") as caught:
        open_run("hf:nobody/nothing-of-this-name")
    assert caught.value.exit_code == 2
    assert time.monotonic() - began < 60


def test_a_hub_out_of_reach_is_told_and_nothing_is_fetched(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(remote, "reachable", lambda host, port, seconds: False)
    with pytest.raises(InputError, match="cannot be reached"):
        open_run("hf:nobody/nothing-of-this-name")


def test_what_the_cache_has_is_opened_offline(monkeypatch, tmp_path):
    model_folder(tmp_path / "kept")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = {}

    def snapshot_download(repository: str, **said) -> str:
        asked.update(said, repository=repository)
        return str(tmp_path / "kept")

    monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
    run = open_run("hf:somebody/small@v1")

    assert (run.kind, asked["repository"], asked["revision"]) == ("network", "somebody/small", "v1")
    assert asked["local_files_only"] is True


@pytest.mark.parametrize(
    ("name", "is_fetched"),
    [
        ("model.safetensors", True),
        ("model-00001-of-00002.safetensors", True),
        ("config.json", True),
        ("tokenizer.model", True),
        ("source.spm", True),
        ("vocab.txt", True),
        ("chat_template.jinja", True),
        ("pytorch_model.bin", False),
        ("modeling_evil.py", False),
        ("onnx/model.onnx", False),
        ("original/consolidated.safetensors", False),
        ("weights.pkl", False),
    ],
)
def test_neither_pickles_nor_programs_are_fetched(name, is_fetched):
    from huggingface_hub.utils import filter_repo_objects

    found = list(filter_repo_objects([name], allow_patterns=remote.FETCHED, ignore_patterns=remote.NOT_FETCHED))
    assert bool(found) == is_fetched


@pytest.mark.parametrize("name", ["hf:", "hf:a/b/c", "hf:../x", "hf:a b", "hf:a/b@", "hf:./x"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(InputError, match="no name of a model"):
        open_run(name)
