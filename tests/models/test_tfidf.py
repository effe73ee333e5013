"""Tf-idf with logistic regression: equal to scikit-learn's, a distribution for any text, the same from a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from textmill.errors import Damaged, InputError
from textmill.files import sha256_of
from textmill.models import tfidf
from textmill.models.tfidf import TextFeatures, Tfidf, choose_strength, folds_of
from textmill.text.within import groups_of_kin
from textmill.text.worlds import Sentiment

WORLD = Sentiment(negation=0.0, contrast=0.0, seed=3)
ITEMS = list(WORLD.items(300))
TEXTS = [item.text for item in ITEMS]
LABELS = [[WORLD.labels.index(item.label)] for item in ITEMS]
CLASSES = WORLD.labels
ODD = ["", " ", "不好", "nothing known ☃", "good " * 500, TEXTS[0]]


@pytest.fixture(scope="module")
def model():
    return Tfidf.fit(TEXTS, LABELS, CLASSES)


@pytest.fixture(scope="module")
def topics():
    """Several labels a text, one class that every text has and one that none has."""
    texts = ["room good", "room bad", "food good", "food bad", "room food", "nothing"] * 5
    labels = [[0, 2], [0, 2], [1, 2], [1, 2], [0, 1, 2], [2]] * 5
    return Tfidf.fit(texts, labels, ["room", "food", "all", "none"], several=True)


def test_rows_are_those_of_scikit_learn():
    """Its TfidfVectorizer over the same words, with the same idf, logarithmic counts and rows of length 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    theirs = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"[a-zé]+|[^\sa-zé]")
    expected = theirs.fit_transform(TEXTS).toarray()
    features, rows = TextFeatures.fit(TEXTS, (1, 2), None, least_texts=1)
    names = [name.replace(" ", "") for _, name in features.names()]
    column = {name.replace(" ", ""): place for name, place in theirs.vocabulary_.items()}
    assert sorted(names) == sorted(column)
    assert np.allclose(rows.toarray(), expected[:, [column[name] for name in names]])
    assert np.array_equal(features.rows(TEXTS).toarray(), rows.toarray())


def test_probabilities_are_those_of_the_regression_on_these_rows():
    """σ of weights times row: taken from scikit-learn's own regression with the same penalty."""
    from sklearn.linear_model import LogisticRegression

    model = Tfidf.fit(TEXTS, LABELS, CLASSES, strength=3.0)
    rows = model.features.rows(TEXTS)
    theirs = LogisticRegression(C=3.0, tol=1e-8, max_iter=5000).fit(rows, [own[0] for own in LABELS])
    assert np.allclose(model.probabilities(TEXTS), theirs.predict_proba(rows), atol=2e-3)


def test_it_tells_plain_praise_from_plain_blame(model):
    fresh = [WORLD.item(number) for number in range(1000, 1100)]
    truth = [WORLD.labels.index(item.label) for item in fresh]
    found = model.probabilities([item.text for item in fresh]).argmax(axis=1)
    assert (found == truth).mean() > 0.9


def test_any_text_gets_a_distribution_and_the_same_alone_as_among_others(model):
    together = model.probabilities(ODD + TEXTS)
    assert together.shape == (len(ODD) + len(TEXTS), 2) and together.dtype == np.float64
    assert np.allclose(together.sum(axis=1), 1, atol=1e-12) and (together > 0).all()
    for text, row in zip(ODD, together, strict=False):
        assert np.array_equal(model.probabilities([text])[0], row)
    assert model.probabilities([]).shape == (0, 2)


def test_a_saved_model_is_the_same_to_the_bit(model, topics, tmp_path):
    three = Tfidf.fit(
        ["room good", "room bad", "food good", "food bad", "a bar", "the bar"] * 5,
        [[0], [0], [1], [1], [2], [2]] * 5,
        ["room", "food", "bar"],
    )
    for number, own in enumerate((model, topics, three)):
        own.save(tmp_path / str(number))
        again = Tfidf.load(tmp_path / str(number))
        assert np.array_equal(again.probabilities(ODD + TEXTS), own.probabilities(ODD + TEXTS))
        assert again.describe() == own.describe()
        assert again.classes == own.classes
        assert [again.top_words(name) for name in own.classes] == [own.top_words(name) for name in own.classes]
        again.save(tmp_path / f"{number} again")
        for name in ("tfidf.safetensors", "tfidf.json"):
            assert (tmp_path / f"{number} again" / name).read_bytes() == (tmp_path / str(number) / name).read_bytes()


PROGRAM = """
import sys
from pathlib import Path
from textmill.models.tfidf import Tfidf
from textmill.text.worlds import Sentiment
items = list(Sentiment().items(80))
model = Tfidf.fit([i.text for i in items], [[int(i.label == "positive")] for i in items], ["n", "p"])
model.save(Path(sys.argv[1]))
assert "torch" not in sys.modules
"""


@pytest.mark.ci
def test_the_same_texts_give_the_same_bits_whatever_the_hash_seed_and_threads_and_no_torch(tmp_path):
    made = []
    for hash_seed, threads in (("1", "1"), ("2", "2")):
        folder = tmp_path / hash_seed
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": threads}
        environment["OPENBLAS_NUM_THREADS"] = threads
        subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], check=True, env=environment)
        made.append([(folder / name).read_bytes() for name in ("tfidf.safetensors", "tfidf.json")])
    assert made[0] == made[1]


def test_importing_it_loads_no_torch_and_no_scikit_learn():
    program = "import sys, textmill.models.tfidf; print(sorted({'torch', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", ["tfidf.safetensors", "tfidf.json"])
def test_a_missing_or_cut_or_changed_file_is_damaged(model, tmp_path, name):
    model.save(tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]):
        path.write_bytes(content)
        if name == "tfidf.json" and len(content) == len(whole):
            continue  # a changed digit of a fact is found by the run's hashes
        with pytest.raises(Damaged):
            Tfidf.load(tmp_path)
    path.unlink()
    with pytest.raises(Damaged, match="missing"):
        Tfidf.load(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("classes", ["one", "two", "three"]),
        ("kind", "ngram"),
        ("format", 99),
        ("ngrams", {"words": [1, 2]}),
        ("n_regressions", 2),
        ("several", True),
        ("facts", {}),
        ("facts", {"n_texts": 0, "converged": True}),
        ("facts", {"n_texts": "300", "converged": True}),
        ("several", "no"),
        ("classes", [1, 2]),
        ("classes", ["one", "one"]),
        ("ngrams", {}),
        ("ngrams", {"letters": [1, 2], "characters": [2, 5]}),
        ("ngrams", {"words": [1, 10**12], "characters": [2, 5]}),
    ],
)
def test_a_description_that_does_not_fit_is_damaged(model, tmp_path, key, value):
    model.save(tmp_path)
    about = json.loads((tmp_path / "tfidf.json").read_text())
    (tmp_path / "tfidf.json").write_text(json.dumps(about | {key: value}))
    with pytest.raises(Damaged, match=r"tfidf|tf-idf"):
        Tfidf.load(tmp_path)


def test_several_labels_are_each_their_own(topics):
    found = topics.probabilities(["room", "food", "room food", "nothing"])
    assert (found[:, :2] > 0.5).tolist() == [[True, False], [False, True], [True, True], [False, False]]
    # 30 texts: what all have, and what none has, is worth half a text of doubt
    assert np.allclose(found[:, 2], 30.5 / 31) and np.allclose(found[:, 3], 0.5 / 31)
    assert topics.top_words("food", 1)[0][0] == "food" and topics.top_words("none") == []


def test_a_class_without_a_text_keeps_half_a_text():
    model = Tfidf.fit(["a", "b"] * 10, [[0], [2]] * 10, ["x", "never", "y"])
    found = model.probabilities(["a", "b"])
    assert np.allclose(found[:, 1], 0.5 / 21) and np.allclose(found.sum(axis=1), 1)
    assert found.argmax(axis=1).tolist() == [0, 2]
    assert model.describe()["classes_without_texts"] == ["never"]


def test_many_classes():
    texts = [f"word{number} again" for number in range(6) for _ in range(8)]
    model = Tfidf.fit(texts, [[number] for number in range(6) for _ in range(8)], list("abcdef"))
    assert model.probabilities(texts[::8]).argmax(axis=1).tolist() == [0, 1, 2, 3, 4, 5]
    for number, name in enumerate("abcdef"):
        assert {text for text, _ in model.top_words(name, 2)} == {f"word{number}", f"word{number} again"}


def test_chinese_without_blanks_and_characters_alone():
    world = Sentiment(negation=0.0, contrast=0.0, language="zh", seed=1)
    items = list(world.items(300))
    labels = [[world.labels.index(item.label)] for item in items]
    for words in ((1, 2), None):
        model = Tfidf.fit([item.text for item in items], labels, world.labels, words=words)
        assert model.probabilities(["这里的服务令人满意。", "房间很糟糕。"]).argmax(axis=1).tolist() == [1, 0]
        assert "出色" in "".join(name for name, _ in model.top_words("正面", 20))


def test_the_words_that_speak_for_a_class(model):
    first = [name for name, _ in model.top_words("positive", 12)]
    assert {"good", "better"} & set(first) and "bad" not in first
    weights = [weight for _, weight in model.top_words("negative", 12)]
    assert weights == sorted(weights, reverse=True) and weights[-1] > 0
    with pytest.raises(InputError, match="no class 'nonsense'"):
        model.top_words("nonsense")


def test_what_it_says_of_itself(model):
    said = model.describe()
    assert said["n_texts"] == said["n_texts_given"] == 300
    assert said["ngrams"] == {"words": list(tfidf.WORDS), "characters": list(tfidf.CHARACTERS)}
    assert sum(said["n_features"].values()) == len(model.features)
    held_out = said["held_out_nats"]
    assert held_out[f"{said['strength']:g}"] == min(held_out.values()) and said["converged"]
    json.dumps(said)


def test_more_text_than_the_limit_is_drawn_by_seed_and_said():
    some = Tfidf.fit(TEXTS, LABELS, CLASSES, seed=1, most_characters=5000, strength=1.0)
    said = some.describe()
    assert said["n_texts_given"] == 300 and 20 < said["n_texts"] < 300
    again, other = (Tfidf.fit(TEXTS, LABELS, CLASSES, seed=seed, most_characters=5000, strength=1.0) for seed in (1, 2))
    assert np.array_equal(again.probabilities(TEXTS), some.probabilities(TEXTS))
    assert not np.array_equal(other.probabilities(TEXTS), some.probabilities(TEXTS))


def test_the_strength_is_the_one_with_the_least_held_out_loss():
    """Where words mean nothing, trusting them least is best; where they mean all, trusting them most."""
    generator = np.random.default_rng(0)
    texts = [" ".join(generator.choice(list("abcdefgh"), size=6)) for _ in range(400)]
    chance = [[int(number)] for number in generator.integers(2, size=400)]
    assert Tfidf.fit(texts, chance, ["x", "y"]).describe()["strength"] == min(tfidf.STRENGTHS)
    rule = [[int("a" in text)] for text in texts]
    assert Tfidf.fit(texts, rule, ["x", "y"]).describe()["strength"] == max(tfidf.STRENGTHS)


def test_too_few_texts_to_choose_by_take_the_stated_strength():
    said = Tfidf.fit(["good", "bad"], [[0], [1]], ["x", "y"]).describe()
    assert said["strength"] == tfidf.DEFAULT_STRENGTH and said["held_out_nats"] == {}


def test_equal_texts_are_held_out_together():
    texts = ["Same text", "other", "same  text", "third", "SAME TEXT"]
    groups = groups_of_kin(texts)
    assert len({groups[0], groups[2], groups[4]}) == 1 and len(set(groups.tolist())) == 3
    for seed in range(5):
        folds = folds_of(groups, np.zeros(5, dtype=np.int64), 3, seed)
        assert folds[0] == folds[2] == folds[4]
        assert sorted(np.bincount(np.unique(np.stack([groups, folds]), axis=1)[1], minlength=3)) == [1, 1, 1]


def test_each_class_is_spread_over_the_folds():
    classes = np.array([0] * 12 + [1] * 4)
    folds = folds_of(np.arange(16), classes, 4, seed=0)
    assert np.bincount(folds[:12]).tolist() == [3, 3, 3, 3] and np.bincount(folds[12:]).tolist() == [1, 1, 1, 1]


def test_a_large_text_is_compared_on_a_sample(monkeypatch):
    _, rows = TextFeatures.fit(TEXTS)
    targets = [np.array([own[0] for own in LABELS])]
    groups = groups_of_kin(TEXTS)
    monkeypatch.setattr(tfidf, "CHOSEN_ON", rows.nnz // 3)
    one, losses = choose_strength(rows, targets, groups, seed=0)
    again, same = choose_strength(rows, targets, groups, seed=0)
    assert (one, losses) == (again, same) and set(losses) == set(tfidf.STRENGTHS)


@pytest.mark.parametrize(
    ("texts", "labels", "several", "what"),
    [
        (["a", "b"], [[0], [0]], False, "all 2 texts have the same label \\('no'\\)"),
        (["a", "b"], [[0, 1], [0, 1]], True, "all 2 texts have the same label set"),
        ([" ", "\n", ""], [[0], [1], [0]], False, "all 3 texts are empty"),
        (["a", "b"], [[0], [2]], False, "text 1 has class number 2: there are 2"),
        (["a", "b"], [[0], [-1]], False, "text 1 has class number -1"),
        (["a", "b"], [[0], [0, 1]], False, "text 1 has 2 labels"),
        (["a", "b"], [[0], []], False, "text 1 has 0 labels"),
        (["a", "b"], [[0]], False, "2 texts and 1 labels"),
        ([], [], False, "no text"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_in_a_sentence(texts, labels, several, what):
    with pytest.raises(InputError, match=what):
        Tfidf.fit(texts, labels, ["no", "yes"], several=several)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("0.weights", lambda old: old * np.nan),
        ("0.bias", lambda old: old + np.inf),
        ("words.hashes", lambda old: old[::-1].copy()),
        ("words.hashes", lambda old: old.astype(np.float64)),
        ("characters.n_texts_with", lambda old: -old),
        ("characters.n_texts_with", lambda old: old * 10_000),
        ("shares", lambda old: old * np.nan),
    ],
)
def test_tensors_that_no_fit_gives_are_damaged_though_their_sha256_holds(model, tmp_path, name, change):
    model.save(tmp_path)
    path = tmp_path / "tfidf.safetensors"
    arrays = load_file(path)
    save_file(arrays | {name: change(arrays[name])}, path)
    about = json.loads((tmp_path / "tfidf.json").read_text())
    (tmp_path / "tfidf.json").write_text(json.dumps(about | {"sha256": sha256_of(path)}))
    with pytest.raises(Damaged, match="do not fit"):
        Tfidf.load(tmp_path)
