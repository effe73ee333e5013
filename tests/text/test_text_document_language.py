"""The language of a document: scripts first, one-standard characters, function words, then py3langid."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.text.document_language import _one_standard_only, _sample, language_of

ENGLISH = "The boat was late, and nobody on the pier could say when it would come or who had seen it last. "
GERMAN = "Das Boot kam zu spät, und niemand auf dem Steg konnte sagen, wann es kommt und wer es gesehen hat. "
SIMPLIFIED = "船来晚了，码头上没有人说得出它什么时候会到，也没有人知道是谁最后见过它。"
TRADITIONAL = "船來晚了，碼頭上沒有人說得出它什麼時候會到，也沒有人知道是誰最後見過它。"
JAPANESE = "船は遅れていて、桟橋にいる人は誰もいつ来るのか言えませんでした。"
KOREAN = "배가 늦게 왔고 부두에 있던 사람들은 언제 올지 아무도 말하지 못했다."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ENGLISH, "en"),
        (GERMAN, "other"),
        ("Le bateau avait du retard et personne sur le quai ne savait quand il devait arriver.", "other"),
        ("El barco llegó tarde y nadie en el muelle sabía cuándo iba a venir ni quién lo había visto.", "other"),
        (SIMPLIFIED, "zh"),
        (TRADITIONAL, "zh-Hant"),
        (JAPANESE, "other"),
        (KOREAN, "other"),
        ("Лодка опоздала, и никто на пристани не знал, когда она придёт.", "other"),
    ],
)
def test_a_sentence_is_of_the_language_it_is_written_in(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["", " \n\t", "2024-05-01 12:30", "+-*/=()[]", "👍🎉", "\ufeff\x00\u200d"])
def test_a_text_without_letters_is_other(text: str) -> None:
    assert language_of(text) == "other"


@pytest.mark.parametrize("text", ["好", "山中人", "天地日月"])
def test_characters_that_both_standards_share_are_zh(text: str) -> None:
    assert language_of(text) == "zh"


def test_as_many_simplified_as_traditional_characters_are_zh_and_one_more_decides() -> None:
    assert language_of("国學") == "zh"
    assert language_of("国學學") == "zh-Hant"
    assert language_of("国国學") == "zh"


def test_the_characters_of_one_standard_alone_are_in_no_other() -> None:
    simplified, traditional = _one_standard_only()
    assert {"国", "说", "这", "们"} <= simplified and {"國", "說", "這", "們"} <= traditional
    assert not simplified & traditional
    assert not set("山水人大小的一是在不") & (simplified | traditional)


@pytest.mark.parametrize(
    "text",
    [
        "我们用Python写了一个小程序，放在网上给大家看。",
        "下载地址在这里：https://example.org/a/very/long/path/to/the/package-1.2.3.tar.gz 欢迎试用。",
        "这款MacBook Pro比上一代轻了不少，屏幕也更亮。",
        "来信请寄 someone.with.a.long.name@mail.example.org 谢谢。",
    ],
)
def test_an_english_word_or_an_address_inside_chinese_is_not_mixed(text: str) -> None:
    assert language_of(text) == "zh"


def test_a_chinese_term_inside_english_is_not_mixed() -> None:
    assert language_of(ENGLISH + "They called it 马马虎虎 and laughed about it. ") == "en"


@pytest.mark.parametrize("chinese", [SIMPLIFIED, TRADITIONAL])
def test_two_languages_with_a_sentence_each_are_mixed(chinese: str) -> None:
    assert language_of(f"{ENGLISH}\n{chinese}") == "mixed"


def test_a_second_language_below_a_quarter_of_the_letters_is_not_mixed() -> None:
    assert language_of(SIMPLIFIED * 6 + ENGLISH) == "zh"
    assert language_of(ENGLISH * 6 + SIMPLIFIED) == "en"


def test_capitals_alone_do_not_change_the_language() -> None:
    assert language_of(ENGLISH.upper()) == "en"
    assert language_of(GERMAN.upper()) == "other"


def test_a_long_text_is_judged_by_its_start_its_end_and_between() -> None:
    text = "".join(chr(0x4E00 + i % 20000) for i in range(100_000))
    sample = _sample(text)
    assert sample.startswith(text[:1024]) and sample.endswith(text[-1024:]) and len(sample) == 4 * 1024 + 3
    assert language_of(SIMPLIFIED * 3000 + ENGLISH * 3000) == "mixed"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_every_text_has_one_of_five_answers_and_always_the_same(text: str) -> None:
    language = language_of(text)
    assert language in ("zh", "zh-Hant", "en", "mixed", "other")
    assert language_of(text) == language
