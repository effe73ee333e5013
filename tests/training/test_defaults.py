"""What is decided for a person is said, and what a person said twice is refused."""

import pytest

from textmill.config import Config
from textmill.config.train import N_STEPS_MOST
from textmill.errors import ConfigError
from textmill.training.defaults import decide_steps, notes_on_size


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
