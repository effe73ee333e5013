"""Case 08: control words typed by a user are only letters."""

import json
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from textmill.tables import TOKENIZERS
from textmill.tokens import StoreWriter, Tokenizer, TokenStore

CASE = Path(__file__).parent / "08-control-text"
EXPECTED = json.loads((CASE / "expected.json").read_text())
TEXTS = {r["id"]: r["text"] for r in map(json.loads, (CASE / "docs.jsonl").read_text(encoding="utf-8").splitlines())}


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest, tmp_path: Path) -> Tokenizer:
    """Trained on the very texts, then saved and loaded: the file does not store that control words are text."""
    Tokenizer.train(request.param, list(TEXTS.values()) * 3, 320, seed=1).save(tmp_path)
    return Tokenizer.load(tmp_path)


def test_no_control_id_stands_inside_any_text_and_every_text_comes_back(tokenizer: Tokenizer, tmp_path: Path) -> None:
    other = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"), split_special_tokens=True)
    inside = 0
    for text in TEXTS.values():
        for ids in (tokenizer.encode(text), tokenizer.encode_slowly([text])[0].tolist(), other(text)["input_ids"]):
            inside += ids.count(tokenizer.mark)
            assert tokenizer.decode(ids) == text
            assert other.decode(ids, skip_special_tokens=True) == text
    assert inside == EXPECTED["control_ids_inside_texts"]


def test_packed_with_an_end_mark_after_each_document_there_are_four(tokenizer: Tokenizer, tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store", tokenizer.vocab_size) as writer:
        for name, text in TEXTS.items():
            writer.add(tokenizer.encode(text), len(text.encode()), len(text), name)
    store = TokenStore(tmp_path / "store")

    assert int((store.tokens == tokenizer.mark).sum()) == EXPECTED["end_marks_after_packing"]
    if tokenizer.kind == "bytes":
        assert store.n_tokens == EXPECTED["total_with_end_marks_byte_tokens"]
    assert [tokenizer.decode(store.document(i)) for i in range(store.n_documents)] == list(TEXTS.values())


def test_byte_tokens_per_document() -> None:
    bytes_only = Tokenizer.train("bytes", [], None, seed=1)
    assert {name: len(bytes_only.encode(text)) for name, text in TEXTS.items()} == EXPECTED["utf8_bytes"]
