"""`look --tokens`: the tokenizer that training would choose, beside others, by language; bounded, and that is said."""

from pathlib import Path

import pytest

import textmill
from textmill.config import Config, DataConfig
from textmill.results import TokenCosts
from textmill.tasks.prepare import prepare
from textmill.text import plan_split
from textmill.tokens import Tokenizer
from textmill.training.token_costs import token_costs

ENGLISH = "".join(
    f"The {n % 9} geese of {n * n % 13} flew over the {n % 4} hills, and they were tired.\n" for n in range(80)
)
CHINESE = "".join(f"山里的学校只有{n % 9}位老师，她教所有的课。\n" for n in range(80))


def written(folder: Path) -> DataConfig:
    texts = folder / "texts"
    texts.mkdir()
    (texts / "en.txt").write_text(ENGLISH, encoding="utf-8")
    (texts / "zh.txt").write_text(CHINESE, encoding="utf-8")
    return DataConfig(paths=(str(texts),), valid_share=0.0, test_share=0.0)


def test_the_chosen_tokenizer_is_the_one_that_training_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = written(tmp_path)
    costs = token_costs(data, plan_split(data))
    prepared, config = prepare(Config(data=data), tmp_path / ".data")

    chosen, *others = costs.tokenizers
    assert chosen.chosen and not any(other.chosen for other in others)
    assert (chosen.kind, chosen.vocab_size) == (config.tokens.kind, prepared.tokenizer.vocab_size) == ("char", 257 + 16)
    n_tokens = {name: len(prepared.tokenizer.encode(text)) for name, text in (("en", ENGLISH), ("zh", CHINESE))}
    assert chosen.languages["en"].tokens_per_character == n_tokens["en"] / len(ENGLISH)
    assert chosen.languages["zh"].bytes_per_token == len(CHINESE.encode()) / n_tokens["zh"]
    assert chosen.total.tokens_per_character == sum(n_tokens.values()) / len(ENGLISH + CHINESE)
    assert any("Training would choose: " in note for note in costs.notes)


def test_others_stand_beside_it_once_each_and_runs_by_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = written(tmp_path)
    of_run = Tokenizer.train("word", [ENGLISH], 300, seed=0)
    costs = token_costs(data, plan_split(data), {"runs/a": of_run})

    names = [(one.kind, one.run) for one in costs.tokenizers]
    assert names[:3] == [("char", None), ("word", "runs/a"), ("bytes", None)]
    assert names.count(("char", None)) == 1 and ("bpe", None) in names
    by_bytes = costs.tokenizers[2]
    assert by_bytes.languages["en"].tokens_per_character == 1.0
    assert by_bytes.languages["zh"].bytes_per_token == 1.0
    assert by_bytes.languages["zh"].tokens_per_character == len(CHINESE.encode()) / len(CHINESE)


def test_what_the_project_file_says_of_tokens_is_what_training_would_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = written(tmp_path)
    Path("textmill.toml").write_text("[tokens]\nkind = 'bpe'\nvocab_size = 300\n")
    chosen = token_costs(data, plan_split(data)).tokenizers[0]

    assert (chosen.kind, chosen.vocab_size, chosen.chosen) == ("bpe", 300, True)


def test_a_large_text_is_sampled_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.txt"
    path.write_text(ENGLISH * 3)
    data = DataConfig(paths=(str(path),), unit="line", near_duplicates="off")
    costs = token_costs(data, plan_split(data), limit=2000)

    assert 1500 < costs.n_bytes <= 2000 < costs.of_bytes
    assert costs.tokenizers[0].total.n_characters == costs.n_bytes
    assert "Learned from and counted on a seeded sample of" in costs.notes[-1]


def test_look_measures_only_what_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = written(tmp_path)
    plain = textmill.look(data)
    asked = textmill.look(data, leaks=True, tokens=True, removed="removed.jsonl")

    assert plain.leaks is plain.tokens is plain.removals is None
    assert asked.leaks is not None and isinstance(asked.tokens, TokenCosts)
    assert asked.removals is not None and Path("removed.jsonl").read_text() == ""
    assert plain.model_copy(update=asked.model_dump(include={"leaks", "tokens", "removals"})).notes == asked.notes
