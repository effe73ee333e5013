"""Case 07: what goes in comes out, tokenised and back, saved and loaded, and by way of the Hugging Face layout."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from textmill.tables import TOKENIZERS
from textmill.tokens import Tokenizer

CASE = Path(__file__).parent / "07-byte-round-trip"
EXPECTED = json.loads((CASE / "expected.json").read_text())
TEXTS = {r["id"]: r["text"] for r in map(json.loads, (CASE / "strings.jsonl").read_text().splitlines())}


def trained(kind: str) -> Tokenizer:
    return Tokenizer.train(kind, [(CASE / "train_ascii.txt").read_text()], 300, seed=1)


def test_the_texts_are_those_that_were_counted() -> None:
    assert len(TEXTS) == 26
    for name, text in TEXTS.items():
        assert len(text) == EXPECTED[name]["code_points"]
        assert hashlib.sha256(text.encode()).hexdigest().startswith(EXPECTED[name]["sha256"])


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_all_texts_come_back_code_point_for_code_point(kind: str, tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    tokenizer = trained(kind)
    tokenizer.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    other = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"), split_special_tokens=True)
    other.save_pretrained(tmp_path / "exported")
    imported = Tokenizer.load(tmp_path / "exported")

    for text in TEXTS.values():
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text
        assert loaded.encode(text) == imported.encode(text) == other(text)["input_ids"] == ids
        assert loaded.decode(ids) == imported.decode(ids) == other.decode(ids) == text


def test_byte_tokens_are_as_many_as_utf8_bytes() -> None:
    counts = {name: len(trained("bytes").encode(text)) for name, text in TEXTS.items()}

    assert counts == {name: expected["utf8_bytes"] for name, expected in EXPECTED.items()}
    assert sum(counts.values()) == 426
    assert counts["s25"] == 0  # the empty text


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_no_text_needs_an_unknown_token(kind: str) -> None:
    assert [trained(kind).token_bytes(i) for i in range(256)] == [bytes([i]) for i in range(256)]
    model = json.loads(trained(kind)._library.to_str())["model"]
    assert model.get("unk_token") is None and model.get("unk_id") is None  # the latter of unigram


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_all_texts_come_back_after_export_to_and_import_from_a_hugging_face_folder(kind: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    from textmill.hub import open_run
    from textmill.hub.leaving import Leaving
    from textmill.hub.stock_folder import write_stock

    run = untrained_run(tmp_path / "run", trained(kind))
    (tmp_path / "out").mkdir()
    write_stock(Leaving(run), tmp_path / "out")
    imported, other = open_run(tmp_path / "out").tokenizer, AutoTokenizer.from_pretrained(tmp_path / "out")

    for text in TEXTS.values():
        ids = run.tokenizer.encode(text)
        assert imported.encode(text) == other(text, add_special_tokens=False)["input_ids"] == ids
        assert imported.decode(ids) == other.decode(ids) == text


def untrained_run(folder: Path, tokenizer: Tokenizer) -> Any:
    """A run of one layer that carries a tokenizer."""
    from textmill.config.layers import load_config
    from textmill.models import build_model
    from textmill.runs import Checkpoint, Run

    decided = {"steps": 1, "warmup_steps": 0, "eval_every": 1, "save_every": 1, "batch": 1, "order": "shuffle"}
    decided |= {"optimizer": "adamw", "lr": 0.001, "weight_decay": 0.0, "precision": "float32"}
    model = {"preset": "llama", "n_layers": 1, "d_model": 8, "n_heads": 2, "seq_len": 512}
    said = {f"train.{name}": str(value) for name, value in decided.items()}
    said |= {f"model.{name}": str(value) for name, value in model.items()}
    config = load_config(said | {"tokens.kind": tokenizer.kind}).config
    info = {"kind": "network", "form": "decoder", "heads": {}, "finished": True, "sample_prompt": ""}
    info["data"] = {"prepared": "none", "fingerprint": "none"}
    run = Run.create(folder, config, info, tokenizer)
    network = build_model(config.model, tokenizer.vocab_size)
    run.save(Checkpoint(1, dict(network.state_dict())), best=True, valid_loss=1.0)
    return run
