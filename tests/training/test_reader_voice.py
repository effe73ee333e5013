"""The voice that reads in order knows what n-grams do not, and costs nothing where it knows no more."""

from __future__ import annotations

import numpy as np
import pytest

from textmill.evaluation.label_mistakes import check_labels
from textmill.training import reader_voice
from textmill.training.reader_voice import NAME, reader


def test_a_text_is_told_by_which_word_comes_first_however_far_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each text has the same two words: those alone say nothing of its class."""
    monkeypatch.setattr(reader_voice, "STEPS", 80)
    generator = np.random.default_rng(0)
    given = generator.integers(0, 2, 300)
    texts = []
    for number in given:
        first, then = ("sun", "moon") if number else ("moon", "sun")
        one, two, three = (" ".join(generator.choice(list("abcd"), 3)) for _ in range(3))
        texts.append(f"{one} {first} {two} {then} {three}")
    outside = np.arange(300) >= 200
    found = reader(texts, 2, seed=0)(given, ~outside, outside)

    assert found.shape == (100, 2) and np.allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == given[outside]).mean() > 0.9


def test_where_words_tell_all_it_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_voice, "STEPS", 2)
    texts = [f"{'good' if number % 2 else 'bad'} thing{number}" for number in range(60)]
    check = check_labels(texts, [[number % 2] for number in range(60)], ["no", "yes"], costly={NAME: reader})

    assert check.weights[NAME] == 0.0 and set(check.weights) > {NAME}
