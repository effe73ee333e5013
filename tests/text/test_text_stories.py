"""Stories with questions, in bAbI's lines and as JSON lines: what each question sees, and where every byte goes."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import Config, DataConfig
from textmill.errors import InputError
from textmill.text import ReadReport, plan_split, read_documents
from textmill.text.documents import FACTS, LABELS
from textmill.text.stories import holds_stories, parted
from textmill.text.worlds import Stories

BABI = """1 Mary went to the garden.
2 John took the ball.
3 Where is Mary?\tgarden\t1
4 Mary went home.
5 Where is Mary? \thome\t4
6 What has John?\tball,hat\t2 4
1 小红去了厨房。
2 小红在哪里？\t厨房\t1
"""


def read(path, report=None, **knobs):
    data = Config(task={"name": "story"}, data={"paths": (str(path),), **knobs}).data
    report = report or ReadReport()
    return list(read_documents(data.paths, data, report)), report


def written(tmp_path, text, name="a.txt", encoding="utf-8"):
    (tmp_path / name).write_bytes(text.encode(encoding))
    return tmp_path / name


def test_a_question_sees_the_sentences_before_it_and_no_question(tmp_path):
    documents, report = read(written(tmp_path, BABI))
    assert [parted(document.text) for document in documents] == [
        (["Mary went to the garden.", "John took the ball."], "Where is Mary?"),
        (["Mary went to the garden.", "John took the ball.", "Mary went home."], "Where is Mary?"),
        (["Mary went to the garden.", "John took the ball.", "Mary went home."], "What has John?"),
        (["小红去了厨房。"], "小红在哪里？"),
    ]
    assert [document.meta[LABELS] for document in documents] == [("garden",), ("home",), ("ball,hat",), ("厨房",)]
    assert [document.meta[FACTS] for document in documents] == [(0,), (2,), (1, 2), (0,)]
    assert [document.source.rpartition(":")[2] for document in documents] == ["3", "5", "6", "8"]
    assert len({document.meta["group"] for document in documents}) == 2
    assert any("bAbI" in note for note in report.notes)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_byte_is_counted_once_in_any_encoding(tmp_path, encoding):
    text = BABI.replace("\n", "\r\n") + "3 小红走了。\r\n\r\nno number\r\n"
    path = written(tmp_path, text, encoding=encoding)
    documents, report = read(path)
    counts = report.files[0].n_bytes
    assert len(documents) == 4
    assert sum(counts.values()) == path.stat().st_size
    words = "Mary went to the garden.John took the ball.Where is Mary?Mary went home.Where is Mary?What has John?"
    codec = encoding.replace("utf-8-sig", "utf-8").replace("utf-16", "utf-16-le")
    assert counts["text"] == len((words + "小红去了厨房。小红在哪里？").encode(codec))
    assert counts["label"] == len("garden1home4ball,hat2 4厨房1".encode(codec))
    assert counts["other:no-question"] == len("3 小红走了。\r\n\r\n".encode(codec))


def test_a_compressed_file_reads_as_the_plain_one(tmp_path):
    plain, _ = read(written(tmp_path, BABI))
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(BABI.encode()))
    packed, _ = read(tmp_path / "b.txt.gz")
    assert [(one.text, one.meta[LABELS], one.meta[FACTS]) for one in packed] == [
        (one.text, one.meta[LABELS], one.meta[FACTS]) for one in plain
    ]


@pytest.mark.parametrize(
    ("lines", "n_left", "place", "why"),
    [
        ("1 A is b.\n2 Where is A?\tb\t7\n", 0, ":2", "line 7 is given as a proof"),
        ("1 A is b.\n2 Where is A?\tb\t2\n", 0, ":2", "line 2 is given as a proof"),
        ("1 A is b.\n2 Where is A?\tb\tone\n", 0, ":2", "'one' stands among the numbers"),
        ("1 A is b.\n2 Where is A?\tb\t1\t5\n", 0, ":2", "3 values stand behind tabs"),
        ("1 Where is A?\tb\t1\n", 0, ":1", "before any sentence"),
        ("1 A is b.\n2 \tb\t1\n", 0, ":2", "no question before the tab"),
        # Without a sentence what follows may be wrong: the rest of that story is left out, and the next one is read.
        ("1 A is b.\nA is c.\n3 Where is A?\tb\t1\n1 A is d.\n2 Where is A?\td\t1\n", 1, ":2", "no number"),
        ("1 A is b.\n3 A is c.\n2 A is d.\n4 Where is A?\tb\t1\n", 0, ":3", "number 2 follows number 3"),
    ],
)
def test_a_bad_line_is_named_counted_and_stops_a_strict_reading(tmp_path, lines, n_left, place, why):
    path = written(tmp_path, lines)
    documents, report = read(path)
    assert len(documents) == n_left
    assert why in report.bad_records[0] and f"a.txt{place}" in report.bad_records[0]
    assert sum(report.files[0].n_bytes.values()) == path.stat().st_size
    with pytest.raises(InputError, match=why) as caught:
        read(path, strict=True)
    assert caught.value.exit_code == 2


def test_a_question_without_its_answer_is_counted_as_such(tmp_path):
    documents, report = read(written(tmp_path, "1 A is b.\n2 Where is A?\t\t1\n3 Where is A?\t\n4 Where is A?\tb\n"))
    assert [FACTS in document.meta for document in documents] == [False], "proofs may be left out"
    assert report.n_unlabelled == 2 and report.unlabelled[0].endswith("a.txt:2")


def test_json_lines_say_the_same(tmp_path):
    records = [
        {"sentences": ["小红去了厨房。", "two\nlines"], "question": "小红在哪里？", "answer": "厨房", "facts": [0]},
        {"sentences": ["A."], "question": "How many?", "answer": 2, "story": "x", "more": [1]},
        {"sentences": ["A.", "B."], "question": "Is it?", "answer": True, "story": "x", "facts": None},
    ]
    path = written(tmp_path, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), "s.jsonl")
    documents, report = read(path)
    assert [parted(document.text) for document in documents] == [
        (["小红去了厨房。", "two lines"], "小红在哪里？"),
        (["A."], "How many?"),
        (["A.", "B."], "Is it?"),
    ]
    assert [document.meta[LABELS] for document in documents] == [("厨房",), ("2",), ("true",)]
    assert [document.meta.get(FACTS) for document in documents] == [(0,), None, None]
    assert documents[1].meta["group"] == documents[2].meta["group"] != documents[0].meta["group"]
    counts = report.files[0].n_bytes
    assert sum(counts.values()) == path.stat().st_size
    assert counts["label"] == len("厨房[0]".encode()) + len("2") + len("truenull")


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"sentences": "A.", "question": "q", "answer": "a"}, "'sentences' is a string, not a list"),
        ({"sentences": [], "question": "q", "answer": "a"}, "before any sentence"),
        ({"sentences": ["A.", 3], "question": "q", "answer": "a"}, r"'sentences'\[1\] is a number"),
        ({"sentences": ["A.", " "], "question": "q", "answer": "a"}, r"'sentences'\[1\] is empty"),
        ({"sentences": ["A."], "answer": "a"}, "no key 'question'"),
        ({"sentences": ["A."], "question": "q", "answer": ["a"]}, "'answer' holds a list"),
        ({"sentences": ["A."], "question": "q", "answer": "a", "facts": [1]}, "'facts' holds 1, .* 0 to 0"),
        ({"sentences": ["A."], "question": "q", "answer": "a", "facts": [True]}, "'facts' holds True"),
    ],
)
def test_a_bad_record_is_named(tmp_path, record, why):
    path = written(tmp_path, json.dumps(record) + "\n", "s.jsonl")
    with pytest.raises(InputError, match=why):
        read(path, strict=True)
    documents, report = read(path)
    assert not documents and report.n_bad_records == 1


def test_what_is_no_story_is_refused_with_its_first_line(tmp_path):
    with pytest.raises(InputError, match="Once upon") as caught:
        read(written(tmp_path, "\n\nOnce upon a time.\n"))
    assert "1 Mary went home." in str(caught.value.hint)
    with pytest.raises(InputError, match="format csv"):
        read(written(tmp_path, "text,label\n", "a.csv"))
    assert read(written(tmp_path, "  \n", "b.txt"))[0] == []


def test_questions_on_one_story_stand_on_one_side_of_a_split(tmp_path):
    lines = []
    for story in range(60):
        lines += [f"1 Ann{story} went to place{story}.", f"2 Where is Ann{story}?\tplace{story % 3}\t1"]
        lines += [f"3 Bob{story} came.", f"4 Who came?\tx{story % 3}\t3"]
    path = written(tmp_path, "\n".join(lines) + "\n")
    plan = plan_split(Config(task={"name": "story"}, data={"paths": (str(path),), "valid_share": 0.2}).data)
    groups = {part: {one.meta["group"] for one in plan.documents(part)} for part in ("train", "validation", "test")}
    assert all(groups.values())
    assert sum(map(len, groups.values())) == 60 == len(set.union(*groups.values()))
    assert sum(plan.n_documents.values()) == 120


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_world_is_read_with_its_answers_and_facts(level, language):
    world = Stories(level=level, language=language)
    documents, _ = read(f"builtin:stories,level={level},lang={language},n=40")
    assert len(documents) == 40
    for number, document in enumerate(documents):
        story = world.item(number)
        assert parted(document.text) == (list(story.sentences), story.question)
        assert document.meta[LABELS] == (story.answer,) and document.meta[FACTS] == story.facts


SENTENCE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.lists(SENTENCE, min_size=1, max_size=4), SENTENCE, SENTENCE), min_size=1, max_size=5))
def test_what_is_written_as_lines_is_read_again(tmp_path_factory, stories):
    lines = []
    for sentences, question, answer in stories:
        lines += [f"{number} {sentence}" for number, sentence in enumerate(sentences, start=1)]
        lines.append(f"{len(sentences) + 1} {question}\t=={answer}\t1")
    path = written(tmp_path_factory.mktemp("s"), "\n".join(lines))
    documents, report = read(path)
    assert [parted(document.text) for document in documents] == [(own, question) for own, question, _ in stories]
    assert sum(report.files[0].n_bytes.values()) == path.stat().st_size


@pytest.mark.parametrize(
    ("name", "text", "is_of_stories"),
    [
        ("a.txt", "1 Mary went home.\n2 Where is Mary?\thome\t1\n", True),
        ("a.txt", "\n1 玛丽回家了。\n", True),
        ("a.jsonl", '{"sentences": ["A."], "question": "q", "answer": "a"}\n', True),
        ("a.jsonl", '{"context": "A.", "question": "q", "answer": "a"}\n', False),
        ("a.json", '{"data": []}', False),
        ("a.txt", "2 apples and a pear.\n", False),
        ("a.txt", "", False),
    ],
)
def test_stories_are_known_by_their_first_line(tmp_path, name, text, is_of_stories):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert holds_stories([str(tmp_path / name)], DataConfig()) == is_of_stories
