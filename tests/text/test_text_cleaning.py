"""Cleaning: planted dirt goes, clean text stays, and everything removed can be given back."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.errors import InputError
from textmill.text.cleaning import RULES, clean, give_back, intended_reading
from textmill.text.documents import Document

ALL = tuple(RULES)


def kept(text: str, *rules: str) -> str | None:
    document, removed = clean(Document(text, "a.txt:1"), rules or ALL)
    left = Document("", "a.txt:1") if document is None else document
    assert give_back(left, removed).text == text
    return None if document is None else document.text


PIECES = st.sampled_from(
    [
        "All rights reserved.\n",
        "Home | About | Contact\n",
        "第3页/共10页\n",
        "CafÃ© â€“ ouvert\n",
        "锟斤拷锟斤拷\n",
        "\x00",
        "\x1b[31m",
        "\ufeff",
        "\x80",
        "\U0001ffff",
        "\n",
        "\r\n",
        "The Long Road 7\n",
        "it went on and on without any end that one could see from there and then\n",
        "中文。",
        "...",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(PIECES, PIECES, st.text(max_size=20)), max_size=40).map("".join),
    st.lists(st.sampled_from(ALL), unique=True),
)
def test_kept_and_removed_text_together_are_exactly_the_original(text: str, rules: list[str]) -> None:
    document = Document(text, "a.txt:1", {"group": 3})
    left, removed = clean(document, rules)

    assert all(text[piece.start : piece.end] == piece.text and piece.rule in rules for piece in removed)
    assert all(before.end <= after.start for before, after in pairwise(removed))
    n_kept = len(left.text) if left else 0
    assert n_kept + sum(len(piece.text) for piece in removed) == len(text)
    assert give_back(left or Document("", "a.txt:1", {"group": 3}), removed) == document


def test_without_rules_and_without_dirt_the_document_is_the_same_object() -> None:
    dirty, fine = Document("a\x00b", "a:1"), Document("The kettle is on.\n水开了。\n", "a:1")
    assert clean(dirty, ())[0] is dirty
    assert clean(fine, ALL) == (fine, []) and clean(fine, ALL)[0] is fine


@pytest.mark.parametrize(
    ("rule", "dirt"),
    [
        ("mojibake", "CafÃ© â€“ ouvert\n"),
        ("control", "\x07"),
        ("boilerplate", "All rights reserved.\n"),
    ],
)
def test_a_rule_left_out_removes_nothing(rule: str, dirt: str) -> None:
    text = f"The ferry leaves at nine.\n{dirt}Nobody minds.\n"
    assert kept(text) == "The ferry leaves at nine.\nNobody minds.\n"
    assert kept(text, *(name for name in ALL if name != rule)) == text


def test_an_unknown_rule_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(InputError, match=r"no cleaning rule 'mojibak' .*control.*\n.*did you mean 'mojibake'"):
        clean(Document("a", "a:1"), ["mojibak"])


# -- control -----------------------------------------------------------------------------------------------------------


def test_control_characters_go_and_white_space_and_joiners_stay() -> None:
    stays = "a\tb\x0bc\x0cd\re\r\nf\x85g\u2028h\u2029i 👩\u200d🚀 क\u094d\u200cष \u200f\u200e שלום 😀"
    assert kept(stays) == stays
    assert kept("a\x00b\x1b[1;31mc\x1b[0m\x7fd\x9fe\ufefff\ufffeg\U0001ffffh😀") == "abcdefgh😀"


# -- mojibake ----------------------------------------------------------------------------------------------------------

SENTENCES = [
    "L’été, le café ferme à midi ; c’était déjà comme ça l’année dernière.",
    "Die Straße führt über die Brücke, und am Ende wächst ein großer Apfelbaum.",
    "Mañana iremos a la montaña con el niño pequeño y su compañero.",
    "渡船九点开，我们八点半在码头见面，不要忘记带伞。",
    "“Don’t wait,” she said—and the door closed…",
    "Привет, как дела? Сегодня хорошая погода.",
]


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [(sentence, wrong) for sentence in SENTENCES for wrong in ("cp1252", "latin-1")] + [(SENTENCES[3], "gbk")],
)
def test_a_line_read_in_the_wrong_encoding_goes_and_its_neighbours_stay(sentence: str, wrong: str) -> None:
    broken = sentence.encode().decode(wrong, "replace")
    assert kept(f"Before.\n{broken}\n之后。\n") == "Before.\n之后。\n"


@pytest.mark.parametrize("sentence", SENTENCES[:4])
def test_the_intended_reading_of_a_broken_line_is_what_it_said(sentence: str) -> None:
    assert intended_reading(sentence.encode().decode("latin-1")) == sentence
    assert intended_reading(sentence) is None


@pytest.mark.parametrize(
    "line",
    ["锟斤拷锟斤拷", "内容：锟斤拷锟斤拷", "烫烫烫", "他说烫烫烫烫烫烫", "\ufffd\ufffd\ufffd ok", "ÖÐÎÄÕâÊÇÒ»ÐÐ"],
)
def test_lines_that_lost_their_text_go(line: str) -> None:
    assert kept(f"Before.\n{line}\nAfter.\n") == "Before.\nAfter.\n"


@pytest.mark.parametrize(
    "line",
    [
        *SENTENCES,
        "« Il ferme le café\xa0»",
        "il ferme le café\xa0»",
        "Non so perché…»",
        "era la città…”",
        "O CÉU DE AMANHÃ…",
        "OS IRMÃ” e “AS IRMÔ",
        "so ein Spaß“",
        "Ein Raum von 5 Å² und 3 Å³",
        "Fuß² ist kein Maß°",
        "TOUCHÉ»",
        "Nestlé® et Beyoncé™",
        "Tiếng Việt có nhiều dấu: đường phố, những người, một ngày đẹp trời.",
        "Não há manhã sem sol; são três irmãos à mesa.",
        "Þetta er íslenska með mörgum stöfum, ðæþö.",
        "Żółć gęślą jaźń",
        "汤太烫，烫得他直叫，烫烫的。",
        "锟铻剑是古书里的名字。",
        "涓涓细流，浣纱溪上。",
        "a \ufffd alone",
    ],
)
def test_good_lines_of_every_language_stay(line: str) -> None:
    text = f"Before.\n{line}\nAfter.\n"
    assert kept(text) == text


# -- boilerplate -------------------------------------------------------------------------------------------------------

BANNERS = [
    "Home | About | Contact",
    "HOME » PRODUCTS » SUPPORT",
    "Home  Blog  Archive",
    "This website uses cookies to give you the best experience.",
    "We use cookies to improve our service. Read our policy.",
    "By continuing to use this site you accept our use of cookies.",
    "Accept all cookies",
    "© 2019 Example Ltd.",
    "Copyright (c) 2001-2020 by the Example Company. All Rights Reserved.",
    "All rights reserved.",
    "Subscribe to our newsletter",
    "Sign up for our weekly newsletter and never miss a story!",
    "Skip to main content",
    "Back to top",
    "« Previous",
    "Next page »",
    "Share this on Facebook",
    "Follow us on Twitter",
    "Click here to subscribe",
    "Read more...",
    "Please enable JavaScript to view the comments.",
    "Powered by WordPress",
    "Advertisement",
    "Leave a comment",
    "Page 3 of 10",
    "Page 12",
    "- 7 -",
    "上一页 下一页 返回目录",
    "首页 | 关于我们 | 联系我们",
    "上一章",
    "转载请注明出处",
    "本文欢迎转载，转载请注明作者和来源。",
    "未经授权，禁止转载。",
    "更多精彩内容，请关注微信公众号：某某某",
    "扫码关注我们",
    "版权所有 © 某某公司",
    "京ICP备12345678号",
    "第3页/共10页",
    "第 3 页 共 10 页",
    "阅读全文 >>",
    "责任编辑：某某",
    "分享到：微信 微博",
    "返回頂部",
]


@pytest.mark.parametrize("banner", BANNERS)
def test_a_line_of_boilerplate_goes_with_its_line_end_and_nothing_else_does(banner: str) -> None:
    for line in (banner, f"\t{banner}  \r"):
        assert kept(f"The ferry leaves at nine.\n{line}\n渡船九点开。\n") == "The ferry leaves at nine.\n渡船九点开。\n"
    assert kept(f"The ferry leaves at nine.\n{banner}") == "The ferry leaves at nine.\n"


@pytest.mark.parametrize(
    "line",
    [
        "Home",
        "Next",
        "Home is where the heart is.",
        "Home, and help, and news of the war.",
        "By using butter, cookies come out crisp.",
        "“All rights reserved,” he read aloud, and put the book down.",
        "We use cookies to bribe the children" + " and the dog" * 30,
        "Page after page she turned.",
        "He asked me to subscribe to our newsletter.",
        "Read more books, said the teacher.",
        "Follow us on foot, they said.",
        "Share this with your brother.",
        "Previous attempts had failed.",
        "- 7 apples -",
        "* * *",
        "----------",
        "12",
        "第三页写着他的名字。",
        "第3页写着他的名字。",
        "文章之间的联系很紧密。",
        "请关注天气的变化。",
        "他请我关注他的公众号。",
        "本站是终点站，请带好随身物品。",
        "上一页写的是什么？",
        "手机用户越来越多，大家都在路上阅读。",
        "首页",
        "长按着门铃不放，没有人来。",
    ],
)
def test_what_somebody_could_say_or_sing_stays(line: str) -> None:
    text = f"She waited.\n{line}\nThen it rained.\n"
    assert kept(text) == text


# -- pages: running heads and bare numbers -----------------------------------------------------------------------------

BEFORE = ["the path climbed between the dry stone walls and", "we followed the old road as far as it went until we"]
AFTER = ["came out above the lake where the wind blew.", "saw the first of the two bridges."]
BEFORE_ZH = [
    "山路在两道石墙之间慢慢地往上走过了许多弯以后我们终于",
    "我们沿着那条旧路一直走到它的尽头才发现前面已经没有",
]
AFTER_ZH = ["来到了湖的上面那里的风很大。", "路了只好回头。"]
WORDS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]
WORDS_ZH = ["赵", "钱", "孙", "李", "周", "吴", "郑", "王"]


def pages(before: list[str], after: list[str], words: list[str]) -> list[str]:
    """Pages whose last sentence ends on the next one; no two lines are the same."""
    return [
        f"{word}{after[i % 2]}\n{word}, nothing else was said that day.\n\n{before[i % 2]}{word}\n"
        for i, word in enumerate(words)
    ]


@pytest.mark.parametrize(
    ("head", "inside"),
    [("THE LONG ROAD", pages(BEFORE, AFTER, WORDS)), ("湖边的路", pages(BEFORE_ZH, AFTER_ZH, WORDS_ZH))],
)
def test_running_heads_and_page_numbers_inside_sentences_go_and_the_first_head_stays(
    head: str, inside: list[str]
) -> None:
    dirty = "".join(f"{head}\n\n{page}{number}\n" for number, page in enumerate(inside, start=17))
    assert kept(dirty) == f"{head}\n\n{inside[0]}" + "".join(f"\n{page}" for page in inside[1:])


def test_a_head_with_its_page_number_is_the_same_head() -> None:
    inside = pages(BEFORE, AFTER, WORDS)
    dirty = "".join(f"{number} THE LONG ROAD\n{page}" for number, page in enumerate(inside, start=9))
    assert kept(dirty) == "9 THE LONG ROAD\n" + "".join(inside)


def play() -> str:
    return "".join(
        f"ROMEO:\nIs the day so young, {i}?\n\nBENVOLIO:\nBut new struck {i}.\n\nExeunt.\n" for i in range(40)
    )


def ballad() -> str:
    return "".join(
        f"the {i}th of may she rode away\nto find the river\nand oh, the wind, the wind and rain\n\n" for i in range(30)
    )


def novel() -> str:
    return "".join(
        f"第{i}回 风雪夜归人\n话说\n那一天下着大雪，第{i}个客人到了。\n诗曰：\n山前山后雪。\n" for i in range(30)
    )


def sections() -> str:
    return "".join(
        f"{i}\nThe boat {i} came in and was tied to the pier.\nIt stayed for {i} days.\n\n" for i in range(20)
    )


@pytest.mark.parametrize("make", [play, ballad, novel, sections])
def test_speakers_refrains_story_openings_and_numbered_sections_stay(make: Callable[[], str]) -> None:
    text = make()
    assert kept(text) == text


def test_a_file_that_is_one_line_many_times_stays_whole() -> None:
    for line in ("The same words over and over again", "同一句话", "42"):
        assert kept(f"{line}\n" * 500) == f"{line}\n" * 500


def test_repeated_lines_never_take_more_than_a_third() -> None:
    head = "A HEAD THAT IS VERY LONG " * 9
    inside = pages(BEFORE, AFTER, WORDS)
    assert len(head) > max(map(len, inside))
    text = "".join(f"{head}\n{page}" for page in inside)
    assert kept(text) == text


# -- near-empty --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["好", "ok", "5", "a", "👍", "★★★☆☆", "क", "ש", "(a)"])
def test_one_sign_that_says_something_is_a_document(text: str) -> None:
    assert kept(text) == text


@pytest.mark.parametrize(
    "text", ["", " \n", "...", "---===---", "□□□", "（）", "!" * 500 + "a", "\x00\x00", "All rights reserved."]
)
def test_a_document_that_says_nothing_is_none(text: str) -> None:
    assert kept(text) is None


def test_a_page_of_notices_alone_is_none_and_each_stretch_names_its_rule() -> None:
    text = "Home | About | Contact\n***\n\x00\n© 2020 Example\n"
    left, removed = clean(Document(text, "a:1"), ALL)
    assert left is None
    assert [(piece.rule, piece.text) for piece in removed] == [
        ("boilerplate", "Home | About | Contact\n"),
        ("near-empty", "***\n"),
        ("control", "\x00"),
        ("near-empty", "\n"),
        ("boilerplate", "© 2020 Example\n"),
    ]


# -- size --------------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", ["a", "é", "中", " ", "|", "Ã", "1", "a ", "Home "])
def test_a_line_of_five_megabytes_is_cleaned_in_linear_time(piece: str) -> None:
    clean(Document(piece * (5_000_000 // len(piece.encode())), "a:1"), ALL)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", ["\x1b[", "\x1b[1", "Ã©", "涓", "â€", "\ufffd.", "\x00a"])
def test_a_line_of_suspects_is_cleaned_in_linear_time(piece: str) -> None:
    clean(Document(piece * (200_000 // len(piece)), "a:1"), ALL)


@pytest.mark.timeout(60)
def test_a_million_short_lines_are_cleaned_in_linear_time() -> None:
    clean(Document("Home\nab\n12\n好\n" * 250_000, "a:1"), ALL)
    clean(Document("".join(f"{i}\n" for i in range(50_000)), "a:1"), ALL)
