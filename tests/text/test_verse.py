"""How lines are parted is learned from the text; what rhymes, from pypinyin by the eighteen rhymes."""

import pytest

from textmill.text.rhymes import class_of, is_sure, rhyme_of, sure_rhymes
from textmill.text.verse import learn_verse


def test_breaks_and_ends_are_those_of_the_corpus():
    habits = learn_verse(["床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。"] * 30 + ["花非花？霧非霧！"] * 30)
    assert habits.unit == "characters"
    assert habits.breaks == {"，", "。", "？"} and habits.ends == {"。", "！"}
    assert "光" in habits.letters and "，" not in habits.letters


def test_line_feeds_part_lines_where_the_corpus_parts_them_so():
    habits = learn_verse(["床前明月光\n疑是地上霜\n\n舉頭望明月\n低頭思故鄉"] * 30)
    assert habits.breaks == {"\n"} and habits.ends == {""}
    habits = learn_verse(["床前明月光，\n疑是地上霜。\n舉頭望明月，\n低頭思故鄉。\n"] * 30)
    assert habits.breaks == {"，\n", "。\n"} and habits.ends == {"。"}


def test_brackets_and_rare_signs_are_no_habit():
    habits = learn_verse(["春風（一作東風）吹。" + "江水流，山花落。" * 300])
    assert habits.breaks == {"，", "。"}


def test_words_have_gaps_and_line_breaks():
    habits = learn_verse(["Shall I compare thee, dear,\nto a summer's day?\nThou art more lovely\n"] * 30)
    assert habits.unit == "words" and habits.joiners == {"'"}
    assert habits.gaps == {" ", ", "} and habits.breaks == {",\n", "?\n"} and habits.ends == {""}
    assert habits.longest_word == len("summer's")


def test_an_empty_text_has_no_habits():
    habits = learn_verse([])
    assert not habits.letters and not habits.breaks and not habits.ends


@pytest.mark.parametrize(
    ("one", "other", "rhyme"),
    [
        ("光", "鄉", True),  # guang xiang
        ("東", "風", False),  # ong eng
        ("天", "山", True),  # ian an
        ("知", "齊", False),  # the two vowels written i
        ("知", "子", True),
        ("月", "夜", True),  # ve ie
        ("歌", "多", False),  # e uo
        ("波", "多", True),  # o uo
        ("魚", "姑", False),  # v u
        ("新", "春", True),  # in uen
        ("來", "梅", False),  # ai ei
        ("兒", "歌", False),
    ],
)
def test_finals_that_differ_in_the_medial_alone_rhyme(one, other, rhyme):
    """By 诗韵新编."""
    assert (rhyme_of(one) == rhyme_of(other)) is rhyme


def test_a_character_that_phrases_read_otherwise_is_no_sure_rhyme():
    assert not is_sure("行") and is_sure("山")
    assert set(sure_rhymes("山行，a")) == {"山"}


def test_what_is_no_syllable_has_no_rhyme():
    assert rhyme_of("，") is None and rhyme_of("a") is None and class_of("", "ng") is None
