"""What is decided for a person is said, and what a person said twice is refused."""

import pytest

from textmill.config import Config
from textmill.config.train import N_STEPS_MOST
from textmill.errors import ConfigError
from textmill.training.defaults import decide, decide_steps, notes_on_size


def model(**knobs: object) -> object:
    return Config(model=knobs).model


def test_a_row_longer_than_the_text_is_said() -> None:
    assert not [note for note in notes_on_size(model(seq_len=100), 100) if "seq_len" in note]
    [note] = [note for note in notes_on_size(model(seq_len=101), 100) if "seq_len" in note]
    assert note.startswith("model.seq_len (101) is longer than the text (100 tokens)")


def test_a_model_with_more_than_ten_parameters_a_token_is_said_to_be_too_large() -> None:
    # A GRU of width 10: 6 · 10² weights and 6 · 10 biases.
    small = model(arch="gru", d_model=10, n_layers=1, seq_len=8)

    assert notes_on_size(small, 66) == []
    [note] = notes_on_size(small, 65)
    assert note.startswith("660 parameters besides embeddings and head for 65 tokens of text, 10 for each")
    assert "--size" not in note
    # Larger than the smallest size there is, of 98 thousand.
    [note] = notes_on_size(model(arch="gru", d_model=130, n_layers=1, seq_len=8), 65)
    assert "--size micro" in note


def test_a_model_with_an_adaptive_softmax_is_looked_at_too() -> None:
    adaptive = Config.model_validate({"model": {"arch": "lstm", "softmax": "adaptive"}}).model
    assert notes_on_size(adaptive, 10**9) == []


def test_epochs_are_steps_and_both_are_refused_unless_they_are_the_same() -> None:
    decided = decide_steps(Config(train={"epochs": 3}), steps_per_epoch=7)
    assert decided.train.steps == 21
    again = decide_steps(decided, steps_per_epoch=7)  # a run's own config.toml says both
    assert again == decided

    with pytest.raises(ConfigError, match="both say how long to train: 3 epochs are 21 steps here, not 5") as refused:
        decide_steps(Config(train={"epochs": 3, "steps": 5}), steps_per_epoch=7)
    assert "Drop --epochs" in str(refused.value)


def test_more_epochs_than_anybody_can_wait_for_are_refused() -> None:
    with pytest.raises(ConfigError, match=f"{N_STEPS_MOST:,} are the most"):
        decide_steps(Config(train={"epochs": 1e18}), steps_per_epoch=7)


@pytest.mark.parametrize(("tune", "rate"), [("full", 5e-5), ("lora", 3e-4), ("frozen", 1e-3)])
def test_a_model_of_others_is_tuned_gently_and_nothing_is_hidden_from_it(tune: str, rate: float) -> None:
    begun = {"start": "models/some", "preset": "bert", "arch": "transformer", "seq_len": 512}
    said = {"task": {"name": "classify"}, "tokens": {"kind": "foreign"}, "model": begun, "train": {"tune": tune}}
    decided, _ = decide(Config.model_validate(said), n_tokens=175_000, n_rows=350, n_texts=7_000)

    assert (decided.train.optimizer, decided.train.lr, decided.train.weight_decay) == ("adamw", rate, 0.01)
    assert (decided.model.dropout, decided.model.token_dropout) == (0.1, 0.0)
    assert decided.train.batch == 2  # 1,024 places: about 40 texts, and not fewer than 32
    timed = decided.model_copy(update={"train": decided.train.model_copy(update={"steps": 100})})
    assert decide_steps(timed, 350).train.warmup_steps == 10


def test_what_was_said_of_tuning_a_model_of_others_is_kept() -> None:
    begun = {"start": "models/some", "preset": "llama", "arch": "transformer", "dropout": 0.2}
    said = {"tokens": {"kind": "foreign"}, "model": begun, "train": {"lr": 1e-3, "optimizer": "sgd"}}
    decided, _ = decide(Config.model_validate(said), n_tokens=10_000, n_rows=40, n_texts=100)

    assert (decided.train.optimizer, decided.train.lr, decided.model.dropout) == ("sgd", 1e-3, 0.2)
