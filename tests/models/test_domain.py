"""What looks unlike the training texts is told, and about one text in a hundred of their kind for nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textmill.errors import Damaged
from textmill.models.domain import RATE, Domain, Spread, known_languages
from textmill.models.tfidf import TextFeatures
from textmill.results import Flag
from textmill.text.worlds import Sentiment

FRENCH = "le bateau bleu traverse la mer pendant que les enfants dorment dans leurs lits"


def drawn(generator: np.random.Generator, n_texts: int, words: int, first: int = 0) -> list[str]:
    """Texts of 3 to 40 words out of a vocabulary whose k-th word is as frequent as 1/k."""
    chances = 1 / np.arange(1, words + 1)
    lengths = generator.integers(3, 41, n_texts)
    chosen = [generator.choice(words, n, p=chances / chances.sum()) for n in lengths]
    return [" ".join(f"w{first + number:x}q" for number in own) for own in chosen]


def flags_of(domain: Domain, features: TextFeatures, texts: list[str]) -> list[list[Flag]]:
    return domain.flags(texts, features.read(texts)[1])


@pytest.fixture(scope="module")
def world() -> tuple[TextFeatures, list[str], list[str]]:
    generator = np.random.default_rng(5)
    texts = drawn(generator, 1200, 3000)
    features, _ = TextFeatures.fit(texts[:600])
    return features, texts[:600], texts[600:]


def test_of_texts_of_the_same_kind_about_one_in_a_hundred_is_flagged_long_or_short(
    world: tuple[TextFeatures, list[str], list[str]],
) -> None:
    features, training, held_out = world
    domain = Domain.fit(features, training, held_out)
    assert domain is not None and domain.n_texts == 600
    # 600 scores: the 595th of them is the threshold, five are above it, and a new text is as likely to be a sixth.
    assert domain.rate == pytest.approx(6 / 601) and domain.rate <= RATE
    new = drawn(np.random.default_rng(6), 1500, 3000)
    is_flagged = np.array([bool(own) for own in flags_of(domain, features, new)])
    is_short = np.array([len(text.split()) < 15 for text in new])
    assert 0.002 < is_flagged.mean() < 0.025  # a binomial of 1,500, and five of 600 that set the threshold
    assert is_flagged[is_short].mean() < 0.03 and is_flagged[~is_short].mean() < 0.03  # whatever their length


def test_texts_of_other_words_are_flagged(world: tuple[TextFeatures, list[str], list[str]]) -> None:
    features, training, held_out = world
    domain = Domain.fit(features, training, held_out)
    assert domain is not None
    other = drawn(np.random.default_rng(8), 300, 3000, first=100_000)
    assert np.mean([bool(own) for own in flags_of(domain, features, other)]) > 0.95


@pytest.mark.parametrize(("own", "other"), [("en", "zh"), ("zh", "en")])
def test_another_language_is_flagged_as_one(own: str, other: str) -> None:
    texts = [Sentiment(seed=1, language=own).item(number).text for number in range(400)]
    foreign = [Sentiment(seed=1, language=other).item(number).text for number in range(60)]
    features, _ = TextFeatures.fit(texts[:300])
    domain = Domain.fit(features, texts[:300], texts[300:])
    assert domain is not None and own in domain.languages and other not in domain.languages
    flags = flags_of(domain, features, foreign)
    assert np.mean(["language" in one for one in flags]) > 0.95
    assert all(one for one in flags)


def test_a_text_without_a_known_gram_is_unseen_and_a_known_one_has_no_flag() -> None:
    texts = [f"这家酒店的房间很{word}，服务也很{word}。" for word in "好坏大小新旧" for _ in range(10)]
    features, _ = TextFeatures.fit(texts)
    domain = Domain.fit(features, texts, texts[:40])
    assert domain is not None
    flags = flags_of(domain, features, [texts[0], "爱因斯坦提出相对论", "😀", FRENCH])
    assert flags[0] == []
    assert flags[1] == ["unseen"]
    assert flags[2] == ["language", "unseen"] and "language" in flags[3]


def test_a_language_that_hardly_any_training_text_has_is_not_known() -> None:
    chinese = ["这家酒店的房间很好，服务也很好。"] * 1999
    assert known_languages([*chinese, FRENCH]) == ("zh",)
    assert known_languages([*chinese[:20], FRENCH]) == ("zh", "other")


def test_where_many_held_out_texts_are_foreign_the_rate_says_so() -> None:
    texts = [Sentiment(seed=1, language="en").item(number).text for number in range(300)]
    foreign = [Sentiment(seed=1, language="zh").item(number).text for number in range(10)]
    features, _ = TextFeatures.fit(texts[:210])
    domain = Domain.fit(features, texts[:210], [*texts[210:], *foreign])
    assert domain is not None and domain.rate == pytest.approx(11 / 101)


def test_too_few_held_out_texts_set_no_threshold() -> None:
    texts = [f"text number {number}" for number in range(60)]
    features, _ = TextFeatures.fit(texts)
    assert Domain.fit(features, texts, texts[:19]) is None
    assert Domain.fit(features, texts, ["", " "] * 100) is None
    assert Domain.fit(features, texts, texts[:20]) is not None


def test_the_spread_of_a_share_is_that_of_its_counts() -> None:
    """Each text has its own chance, 0.3 give or take 0.05, of which n grams are a sample: the spread is known."""
    generator = np.random.default_rng(2)
    n_grams = generator.integers(5, 400, 20_000)
    chances = np.clip(generator.normal(0.3, 0.05, 20_000), 0, 1)
    found = Spread.fit(generator.binomial(n_grams, chances) / n_grams, n_grams)
    assert found.mean == pytest.approx(0.3, abs=0.005)
    assert found.between == pytest.approx(0.05**2, rel=0.15)
    assert found.within == pytest.approx(0.3 * 0.7, rel=0.1)


def test_what_is_kept_is_what_was_fitted(tmp_path: Path, world: tuple[TextFeatures, list[str], list[str]]) -> None:
    features, training, held_out = world
    domain = Domain.fit(features, training, held_out)
    assert domain is not None
    domain.save(tmp_path)
    assert Domain.load(tmp_path, features) == domain
    assert Domain.load(tmp_path / "elsewhere", features) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"format": 2},
        {"threshold": "high"},
        {"threshold": math.nan},
        {"threshold": True},
        {"rate": -1},
        {"n_texts": None},
        {"languages": "en"},
        {"languages": ["\ud800"]},
        {"more": 1},
        {"spreads": {}},
        {"spreads": {"words": {"mean": 0.1, "between": 0.1, "within": 0.1}}},
        {"spreads": {kind: {"mean": 0.1, "between": -1, "within": 0.1} for kind in ("words", "characters")}},
        {"spreads": {kind: {"mean": None, "between": 0, "within": 0.1} for kind in ("words", "characters")}},
    ],
    ids=str,
)
def test_what_is_no_domain_of_these_features_is_damaged(
    tmp_path: Path, world: tuple[TextFeatures, list[str], list[str]], changed: dict[str, Any]
) -> None:
    features, training, held_out = world
    domain = Domain.fit(features, training, held_out)
    assert domain is not None
    domain.save(tmp_path)
    about = json.loads((tmp_path / "domain.json").read_text())
    (tmp_path / "domain.json").write_text(json.dumps(about | changed))
    with pytest.raises(Damaged, match="does not describe a domain") as told:
        Domain.load(tmp_path, features)
    assert told.value.where == str(tmp_path / "domain.json")
