"""evaluate(run): one document that says the numbers, how sure they are, what stands beside them, and the convention."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from textmill.config import Config
from textmill.config.model import RecurrentConfig
from textmill.errors import ContextFull, InputError, NothingScored, RunError
from textmill.evaluation import evaluate, fit_floor, save_evaluation
from textmill.evaluation.evaluating import file_name
from textmill.evaluation.overlap import share_seen_in_training
from textmill.models import build_model
from textmill.models.ngram import NGram
from textmill.results import Evaluation
from textmill.tokens import StoreWriter, Tokenizer, TokenStore

WORDS = ["river", "stone", "bird", "north", "cold", "light", "wood", "small", "road", "night", "water", "field"]


def texts(seed, n, n_words=12):
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice(WORDS, size=n_words)) + f" {seed}.\n" for _ in range(n)]


class FakeRun:
    """What evaluate asks of a run: its text, its tokenizer, its config and its model."""

    def __init__(self, path, train, test=None, valid=None, config=None, kind="network"):
        self.path, self.name, self.kind, self.default_checkpoint = path, path.name, kind, "best"
        self.config = Config.model_validate(config or {})
        self.tokenizer = Tokenizer.train("bytes", [], None, seed=0)
        self.parts = {"train": train, "test": test, "valid": valid}
        self.asked = []
        path.mkdir(parents=True, exist_ok=True)
        for name, part in self.parts.items():
            if part is not None:
                with StoreWriter(path / "data" / name, self.tokenizer.vocab_size) as writer:
                    for number, text in enumerate(part):
                        writer.add(self.tokenizer.encode(text), len(text.encode()), len(text), f"{name}.txt:{number}")

    def prepared(self):
        stores = {n: TokenStore(self.path / "data" / n) if p is not None else None for n, p in self.parts.items()}
        if stores["train"] is None:
            raise RunError("the prepared text is not there")
        return SimpleNamespace(**stores, tokenizer=self.tokenizer, ledger={})

    def model(self, checkpoint="best", device="cpu"):
        self.asked.append(checkpoint)
        if self.kind == "ngram":
            store = self.prepared().train
            return NGram.fit(store.tokens, self.tokenizer.vocab_size, self.tokenizer.mark)
        config = RecurrentConfig(arch="gru", d_model=8, n_layers=1)
        return build_model(config, self.tokenizer.vocab_size, seed=1).eval()


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def run(tmp_path):
    return FakeRun(tmp_path / "novel", texts(1, 40), test=texts(2, 20), valid=texts(3, 4))


def test_the_test_part_is_measured_beside_its_floors(run):
    found = evaluate(run)

    assert (found.run, found.data, found.checkpoint) == (str(run.path), "test", "best") and run.asked == ["best"]
    assert list(found.metrics) == ["loss", "perplexity", "bpb", "bpc", "n_tokens", "n_bytes", "n_chars"]
    n_bytes = sum(len(text) for text in texts(2, 20))
    assert found.metrics["n_bytes"] == n_bytes and found.metrics["n_tokens"] == n_bytes + 20
    assert list(found.baselines) == ["uniform", "ngram", "ngram_bytes"]
    assert found.baselines["uniform"]["loss"] == pytest.approx(math.log(257))
    assert found.baselines["ngram"]["bpb"] < found.metrics["bpb"]  # weights that learned nothing
    assert all(list(row) == list(found.metrics) for row in found.baselines.values())
    for name, (low, high) in found.intervals.items():
        assert low < found.metrics[name] < high
    assert "learned nothing" in found.verdict or "Worse than the floor" in found.verdict

    assert len(found.documents) == 20 and found.documents[3]["source"] == "test.txt:3"
    assert sum(d["nats"] for d in found.documents) / found.metrics["n_tokens"] == pytest.approx(found.metrics["loss"])


def test_the_convention_says_how_the_numbers_were_taken(run):
    said = evaluate(run, window=16, stride=4).convention
    assert said["loss"] == "nats per token" and said["token"] == "bytes, vocabulary 257"
    assert (said["window"], said["stride"], said["begin_mark"]) == (16, 4, True)
    assert said["resampled"] == "20 documents" and (said["resamples"], said["confidence"]) == (1000, 0.95)
    assert "Kneser-Ney, order 5" in said["floor"] and "training tokens" in said["floor_fitted_on"]
    orders = fallback_orders_of(run)
    assert said["floor_fallback_discounts"].startswith(
        f"0.5, 1.0, 1.5 where the counts give none: over tokens {orders};"
    )
    assert set(said["bpb_minus_floor"]) == {"ngram", "ngram_bytes"}
    assert "window 16 stride 4" in said["signature"]
    assert evaluate(run).convention["window"] == "whole documents"


def fallback_orders_of(run):
    store = run.prepared().train
    orders = NGram.fit(store.tokens, store.vocab_size, store.mark).fallback_orders
    return f"in order {', '.join(map(str, orders))}" if orders else "nowhere"


def test_window_stride_and_batch_change_neither_counts_nor_a_context_free_number(run, monkeypatch):
    whole = evaluate(run)
    for window, stride, batch in ((16, 4, 1), (7, 7, 3), (1000, None, 64)):
        run.config = Config.model_validate({"eval": {"batch": batch}})
        found = evaluate(run, window=window, stride=stride)
        assert found.metrics["n_tokens"] == whole.metrics["n_tokens"]
        assert found.metrics["n_bytes"] == whole.metrics["n_bytes"]
        assert found.baselines == whole.baselines  # the floor has a way of reading of its own
    assert found.metrics["loss"] == pytest.approx(whole.metrics["loss"], abs=1e-5)


def test_one_document_is_resampled_in_blocks(tmp_path):
    run = FakeRun(tmp_path / "novel", ["".join(texts(1, 40))], test=["".join(texts(2, 20))])
    found = evaluate(run)
    assert found.convention["resampled"] == "64 contiguous blocks of one document"
    assert len(found.documents) == 64 and found.documents[0]["source"] == "test.txt:0 block 1/64"
    low, high = found.intervals["bpb"]
    assert low < found.metrics["bpb"] < high
    assert "ngram" in found.convention["bpb_minus_floor"]


def test_the_validation_part_stands_in_and_nothing_held_out_is_an_error(tmp_path):
    found = evaluate(FakeRun(tmp_path / "a", texts(1, 9), valid=texts(3, 4)))
    assert found.data == "validation" and "only 4 documents" in found.convention["notes"][0]
    with pytest.raises(InputError, match="nothing was held out") as error:
        evaluate(FakeRun(tmp_path / "b", texts(1, 9)))
    assert "--data" in str(error.value)


def test_another_text_is_read_as_the_runs_own_was(run, tmp_path):
    path = tmp_path / "other.txt"
    lines = texts(5, 3)
    path.write_text("".join(lines), encoding="utf-8")
    found = evaluate(run, data=str(path))
    assert found.data == str(path) and found.metrics["n_bytes"] == sum(map(len, lines))
    assert found.convention["notes"] == []

    run.config = Config.model_validate({"data": {"unit": "line"}})
    assert len(evaluate(run, data=str(path)).documents) == 3


def test_text_that_was_trained_on_is_noted(run, tmp_path):
    seen, new = texts(1, 40)[0], texts(5, 1)[0]
    path = tmp_path / "leak.txt"
    path.write_text(seen.upper() + new, encoding="utf-8")
    [note] = evaluate(run, data=str(path)).convention["notes"]
    share = 100 * (len(seen) - 1) / (len(seen) + len(new) - 2)  # line ends are no part of a line
    assert note.startswith(f"{share:.1f} % of this text") and "stand in the training text" in note


def test_the_share_that_was_seen_is_of_long_lines_and_not_looked_for_in_too_much_text(run):
    train, table = run.prepared().train, [run.tokenizer.token_bytes(i) for i in range(257)]
    assert share_seen_in_training(texts(1, 40), train, table) == 1.0
    assert share_seen_in_training(texts(5, 3), train, table) == 0.0
    assert share_seen_in_training(["cold\n"], train, table) == 0.0
    assert share_seen_in_training(texts(1, 40), train, table, most_bytes=10) is None


def test_a_kept_floor_is_used_and_gives_the_same_numbers(run):
    fitted_now = evaluate(run)
    fit_floor(run.prepared().train, run.tokenizer, run.path / "floor", seed=0)
    kept = evaluate(run)
    assert kept.baselines == fitted_now.baselines and kept.convention == fitted_now.convention


def test_without_the_training_text_another_text_is_still_measured_and_said(run, tmp_path):
    path = tmp_path / "other.txt"
    path.write_text("".join(texts(5, 3)), encoding="utf-8")
    run.parts["train"] = None
    found = evaluate(run, data=str(path))
    assert list(found.baselines) == ["uniform"]
    assert any("not checked" in note for note in found.convention["notes"])
    assert any("no floor" in note for note in found.convention["notes"])


def test_the_floor_itself_is_measured_like_a_model(run, tmp_path):
    network = evaluate(run)
    floor = FakeRun(tmp_path / "floor", texts(1, 40), test=texts(2, 20), kind="ngram")
    found = evaluate(floor)
    assert found.metrics == network.baselines["ngram"]
    assert list(found.baselines) == ["uniform"] and found.verdict == "" and found.checkpoint == ""


def test_no_token_no_document_and_too_long_a_window_are_errors(tmp_path):
    run = FakeRun(tmp_path / "a", texts(1, 9), test=[""], config={"tokens": {"begin_mark": False}})
    with pytest.raises(NothingScored):
        evaluate(run)
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    with pytest.raises(InputError):
        evaluate(run, data=str(empty))
    with pytest.raises(InputError):
        evaluate(run, data=str(tmp_path / "missing.txt"))
    bounded = FakeRun(tmp_path / "b", texts(1, 9), test=texts(2, 3))
    model = bounded.model()
    model.max_context = 8
    bounded.model = lambda checkpoint, device: model
    with pytest.raises(ContextFull, match="can read 8 tokens"):
        evaluate(bounded, window=9)


def test_a_saved_evaluation_is_read_back_and_its_name_is_safe(run, tmp_path):
    found = evaluate(run)
    path = save_evaluation(run.path, found)
    assert path == run.path / "eval" / "test.json"
    stored = Evaluation.model_validate_json(path.read_bytes())
    assert stored.seal and stored.model_copy(update={"seal": ""}) == found
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == "textmill.eval/1"

    names = {file_name(found.model_copy(update={"data": data})) for data in ("../x y.txt", "z/x y.txt", "好.txt", "..")}
    assert len(names) == 4 and all("/" not in name and not name.startswith(".") for name in names)
