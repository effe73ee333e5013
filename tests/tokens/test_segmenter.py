"""Words of Chinese by jieba: exact, the same in any parts, and said in the file that needs it."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random
from types import ModuleType
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library

from textmill.config import TokensConfig
from textmill.errors import ConfigError, MissingExtra
from textmill.tables import SEGMENTERS
from textmill.tokens import Tokenizer, segmented
from textmill.tokens.segmented import LONGEST_RUN, Cutter, JiebaWord, most_frequent

with_jieba = pytest.mark.skipif(importlib.util.find_spec("jieba") is None, reason="jieba is not installed: [zh]")

CHINESE = "他来到了网易杭研大厦，小明硕士毕业于中国科学院计算所。我爱北京天安门！\n"
ENGLISH = "The kettle doesn't sing  in 1984: so it is.\n"
MIXED = "我在GitHub上看了3本书 and  left。〇々ㄅカ𠀀 中\u0301文 <|endoftext|>\r\n\r\n 好"


@cache
def trained() -> Tokenizer:
    return Tokenizer.train("word", [CHINESE * 5, ENGLISH * 5], 600, seed=1, segmenter="jieba")


def words(text: str) -> list[str]:
    return [trained().token_text(number) for number in trained().encode(text)]


def take_away(monkeypatch: pytest.MonkeyPatch, instead: ModuleType | None = None) -> None:
    """As where jieba is not installed, or something else is in its place."""
    monkeypatch.setitem(sys.modules, "jieba", instead)
    monkeypatch.setattr(segmented, "jieba_of_this_version", segmented.jieba_of_this_version.__wrapped__)


@with_jieba
def test_words_are_those_of_jieba(tmp_path: Path) -> None:
    import jieba

    reference = jieba.Tokenizer()
    reference.tmp_dir = str(tmp_path)  # as it is made to be used, with the file that it keeps
    logging.getLogger("jieba").setLevel(logging.WARNING)
    expected = [
        word for run in CHINESE.replace("，", "。").replace("！", "。").split("。") for word in reference.cut(run)
    ]

    assert [word for word in words(CHINESE) if word not in "，。！\n"] == [word for word in expected if word != "\n"]
    assert "北京" in expected and "中国科学院" in expected


@with_jieba
def test_what_is_not_chinese_is_cut_as_by_word_alone() -> None:
    plain = Tokenizer.train("word", [ENGLISH * 5], 600, seed=1)

    assert words(ENGLISH) == [plain.token_text(number) for number in plain.encode(ENGLISH)]
    for text in (ENGLISH, "naïve  café\t1/2\r\n", "ＡＢＣ カナ ひら 한국어"):
        assert trained().encode(text) == trained().encode_slowly([text])[0].tolist()


TEXTS = st.text(
    alphabet=st.one_of(st.sampled_from("我爱北京天安门中国科学 ab1.，。\n\u0301々カ𠀀"), st.characters(codec="utf-8"))
)


@with_jieba
@settings(deadline=None, max_examples=150)
@given(TEXTS)
def test_every_text_comes_back_exactly(text: str) -> None:
    ids = trained().encode(text)

    assert trained().decode(ids) == text
    assert b"".join(map(trained().token_bytes, ids)) == text.encode()
    assert [end for _, end in trained().offsets(text)][-1:] == ([len(text.encode())] if text else [])


@with_jieba
@settings(deadline=None, max_examples=80)
@given(st.lists(st.sampled_from([CHINESE, ENGLISH, MIXED, "长江大桥", "研究生命起源"]), max_size=6), st.integers(1, 40))
def test_a_text_in_parts_has_the_ids_of_the_whole(texts: list[str], part_chars: int) -> None:
    text = "".join(texts)

    assert [i for part in trained().encode_parts(text, part_chars) for i in part.tolist()] == trained().encode(text)


@with_jieba
def test_a_run_of_chinese_without_end_is_encoded_part_by_part_as_jieba_cuts_it() -> None:
    draw = Random(5)
    words_of = ["他", "来到", "网易", "硕士", "中国科学院", "研究生", "生命", "我爱", "北京", "天安门"]
    run = "".join(draw.choices(words_of, k=12_000))
    for text in (run, "A" + run + "ab" * 6000 + run, ("kettle" + run[:10]) * 1500):
        parts = list(trained().encode_parts(text, 10_000))
        assert len(parts) >= len(text) / 10_000
        assert np.concatenate(parts).tolist() == trained()._encoder([text])[0].tolist()


@with_jieba
@pytest.mark.parametrize("before", ["", "A", "1", " ", "。", "カ", "々", "\n"])
@pytest.mark.parametrize("after", ["", "B", "2", "  ", "，", "カ", "\u0301", "\n"])
def test_a_run_of_chinese_is_cut_the_same_whatever_stands_beside_it(before: str, after: str) -> None:
    run = "研究生命起源"

    ids = trained().encode(before) + trained().encode(run) + trained().encode(after)

    assert trained().encode(before + run + after) == ids


@with_jieba
def test_an_unknown_word_is_its_characters_and_an_unknown_character_its_bytes() -> None:
    # 天门 is no word of the vocabulary: 天 and 门 stand in it alone.
    tokenizer = Tokenizer.train("word", ["天。天。门。门。"], 300, seed=1, segmenter="jieba")

    assert [tokenizer.token_text(i) for i in tokenizer.encode("天门")] == ["天", "门"]
    assert tokenizer.encode("龘") == list("龘".encode())


def test_words_that_find_no_room_count_for_their_characters() -> None:
    # First choice for 3: 北京 9, 天 5, 安 4. Then 天安 and 安静 are spelled: 天 5 + 3, 安 4 + 3 + 2, 静 2.
    counts = Counter({"北京": 9, "天": 5, "安": 4, "天安": 3, "安静": 2, "a": 99, "once": 1})

    assert most_frequent(counts, 3) == ["北京", "安", "天"]
    assert most_frequent(counts, None) == ["北京", "天", "安", "天安", "安静"]
    assert most_frequent(Counter({"门户": 1, "户门": 1}), None) == ["户", "门"]


@with_jieba
def test_a_saved_tokenizer_names_jieba_and_gives_the_same_ids(tmp_path: Path) -> None:
    trained().save(tmp_path)
    again = Tokenizer.load(tmp_path)

    assert (again.kind, again.segmenter) == ("word", "jieba") and "jieba" in again.note
    assert again.encode(MIXED + CHINESE) == trained().encode(MIXED + CHINESE)
    assert "jieba 0.42.1" in (tmp_path / "tokenizer.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "tokenizer.textmill.json").read_text())["segmenter"] == "jieba"


@with_jieba
def test_the_library_alone_reads_the_file_and_loses_nothing(tmp_path: Path) -> None:
    trained().save(tmp_path)
    library = Library.from_file(str(tmp_path / "tokenizer.json"))

    for text in (CHINESE, ENGLISH, "我 爱 〇々"):
        assert library.decode(library.encode(text).ids) == text


@with_jieba
@pytest.mark.ci
def test_the_same_text_gives_the_same_vocabulary_whatever_the_hash_seed(tmp_path: Path) -> None:
    program = (
        "from textmill.tokens import Tokenizer\n"
        f"Tokenizer.train('word', [{CHINESE!r} * 3, {MIXED!r}], 330, 1, segmenter='jieba').save({str(tmp_path)!r})"
    )
    files = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120, env=environment)
        files.append((tmp_path / "tokenizer.json").read_bytes())

    assert files[0] == files[1]


@with_jieba
def test_nothing_is_written_beside_and_nothing_read_that_others_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "jieba.cache").write_bytes(b"no dictionary of ours")
    before = (tmp_path / "jieba.cache").stat().st_mtime_ns

    fresh = segmented.jieba_of_this_version.__wrapped__()

    assert list(fresh.cut("我爱北京")) == ["我", "爱", "北京"]
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]
    assert (tmp_path / "jieba.cache").stat().st_mtime_ns == before


@with_jieba
def test_a_run_without_end_is_cut_at_fixed_places() -> None:
    run = "研究生命起源的" * 1000
    found = list(Cutter(JiebaWord.pattern).words(f"A{run}。"))

    assert "".join(found) == f"A{run}。"
    ends = {sum(map(len, found[1 : number + 1])) for number in range(len(found))}
    assert LONGEST_RUN in ends and max(map(len, found)) < 10


@with_jieba
def test_a_tokenizer_is_loaded_and_its_ids_are_text_without_jieba(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained().save(tmp_path)
    chinese, english = trained().encode(CHINESE), trained().encode(ENGLISH)
    take_away(monkeypatch)

    loaded = Tokenizer.load(tmp_path)

    assert loaded.decode(chinese) == CHINESE and loaded.encode(ENGLISH) == english
    with pytest.raises(MissingExtra, match="jieba"):
        loaded.encode(CHINESE)


def test_without_jieba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    take_away(monkeypatch)
    with pytest.raises(MissingExtra, match="jieba") as caught:
        Tokenizer.train("word", [CHINESE], None, seed=1, segmenter="jieba")

    assert caught.value.hint == "pip install 'textmill[zh]'"


def test_another_version_of_jieba_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("jieba")
    vars(other)["__version__"] = "0.43"
    take_away(monkeypatch, other)

    with pytest.raises(MissingExtra, match=r"jieba 0\.42\.1, and jieba 0\.43 is installed"):
        Tokenizer.train("word", [CHINESE], None, seed=1, segmenter="jieba")


def test_a_segmenter_goes_with_words_alone() -> None:
    with pytest.raises(ValueError, match="goes with kind word, not auto"):
        TokensConfig(segmenter="jieba")
    with pytest.raises(ConfigError, match="for kind word, not bpe"):
        Tokenizer.train("bpe", [], None, seed=1, segmenter="jieba")
    with pytest.raises(ConfigError, match="no segmenter 'jeiba'") as caught:
        Tokenizer.train("word", [], None, seed=1, segmenter="jeiba")
    assert caught.value.hint == "did you mean 'jieba'?"
    assert TokensConfig(kind="word", segmenter="jieba").segmenter == "jieba"
    assert get_args(TokensConfig.model_fields["segmenter"].annotation) == tuple(SEGMENTERS)
