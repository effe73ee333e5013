"""Conversations: `messages`, or `prompt` and `completion`, as one text whose answers alone count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import Config, DataConfig
from textmill.errors import ConfigError, InputError
from textmill.generation.chat import Turn, chat_answer, chat_prompt, chat_stops
from textmill.text import ReadReport, plan_split, read_documents
from textmill.text.conversations import laid_out
from textmill.text.documents import ANSWERED

ROLES = ("system", "user", "assistant")


def message(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


GOOD = {
    "messages": [
        message("user", "Hello."),
        message("assistant", " Hi,\nyou. "),
        message("user", "再见"),
        message("assistant", "好。"),
    ],
    "id": 7,
}


def written(folder: Path, records: list[Any], name: str = "chat.jsonl") -> Path:
    path = folder / name
    lines = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in records]
    text = "[" + ",\n".join(lines) + "]" if name.endswith(".json") else "\n".join(lines) + "\n"
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, **knobs: Any) -> tuple[list[Any], ReadReport]:
    report = ReadReport()
    return list(read_documents([str(path)], DataConfig(paths=(str(path),), **knobs), report)), report


def answers(document: Any) -> list[str]:
    return [document.text[start:stop] for start, stop in document.meta[ANSWERED]]


@pytest.mark.parametrize("name", ["chat.jsonl", "chat.json"])
def test_messages_become_one_text_whose_answers_are_marked(name: str, tmp_path: Path) -> None:
    [document], report = read(written(tmp_path, [GOOD], name))
    assert document.text == "User: Hello.\nAssistant: Hi,\n  you.\nUser: 再见\nAssistant: 好。"
    assert answers(document) == [" Hi,\n  you.\nUser:", " 好。"]
    assert any("1 conversation, 2 answers; the answers alone are learned" in note for note in report.notes)
    [file] = report.files
    said = len("Hello.Hi,\nyou.再见好。".encode())
    assert file.n_bytes["text"] == said
    assert file.n_bytes["unused_column"] == 1  # the 7 of id
    assert sum(file.n_bytes.values()) == (tmp_path / name).stat().st_size


def test_a_prompt_and_its_completion_are_a_question_and_its_answer(tmp_path: Path) -> None:
    [document], report = read(written(tmp_path, [{"prompt": "2+2=", "completion": "4"}]))
    assert document.text == "User: 2+2=\nAssistant: 4"
    assert answers(document) == [" 4"]
    assert "'prompt', 'completion'" in report.notes[0]


@given(st.lists(st.tuples(st.sampled_from(ROLES), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))))
@settings(deadline=None, max_examples=80)
def test_training_lays_out_what_chat_asks_with(said: list[tuple[Any, str]]) -> None:
    """Of every answer, what stands before it is the prompt of a chat in which all that was said before it was said; and
    what it says is what a chat takes from it, where it ends as a chat ends it."""
    turns = [Turn(role, text.strip()) for role, text in said if text.strip()]
    text, spans = laid_out(turns)
    places = [place for place, turn in enumerate(turns) if turn.speaker == "assistant"]
    assert len(places) == len(spans)
    for place, (start, stop) in zip(places, spans, strict=True):
        assert text[:start] == chat_prompt(turns[:place], "turns")
        written = text[start:stop]
        ends = [written.find(end) for end in chat_stops("turns") if end in written]
        assert len(ends) == (place < len(turns) - 1)
        answer = chat_answer(written[: min(ends)] if ends else written, "turns")
        assert answer == "\n".join(turns[place].text.splitlines()).strip()


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"messages": [message("user", "Hello.")]}, "no message is the assistant's: there is no answer to learn"),
        ({"messages": [message("robot", "a"), message("assistant", "b")]}, "message 1 is said by 'robot' (known are: "),
        ({"messages": [message("user", "a"), message("assistant", " \n")]}, "the content of message 2 is empty"),
        ({"messages": [message("user", "a"), message("assistant", 4)]}, "the content of message 2 is a number, not"),
        ({"messages": [message("user", "a"), {"role": "assistant"}]}, "message 2 is no object with 'role' and"),
        ({"messages": ["a"]}, "message 1 is no object with"),
        ({"messages": []}, "'messages' is no list of messages, or an empty one"),
        ({"messages": "a"}, "'messages' is no list of messages"),
        ({"text": "a"}, "no key 'messages' (there are: text)"),
        ("not json", "not JSON"),
    ],
)
@pytest.mark.parametrize("name", ["chat.jsonl", "chat.json"])
def test_a_bad_record_is_named_and_the_others_are_read(record: Any, why: str, name: str, tmp_path: Path) -> None:
    if record == "not json" and name == "chat.json":
        record = '{"a": nonsense}'
    path = written(tmp_path, [GOOD, record, GOOD], name)
    documents, report = read(path)
    assert len(documents) == 2
    [bad] = report.bad_records
    assert bad.startswith(f"{path}{':2' if name.endswith('l') else '#2'}: ") and why in bad
    assert sum(report.files[0].n_bytes.values()) == path.stat().st_size
    with pytest.raises(InputError):
        read(path, strict=True)


def test_a_prompt_without_a_completion_is_named(tmp_path: Path) -> None:
    records = [{"prompt": "a", "completion": "b"}, {"prompt": "a"}, {"prompt": "", "completion": "b"}]
    documents, report = read(written(tmp_path, records))
    assert len(documents) == 1
    assert "no key 'completion'" in report.bad_records[0]
    assert "'prompt' is empty" in report.bad_records[1]


def test_other_records_are_read_as_before(tmp_path: Path) -> None:
    path = written(tmp_path, [{"prompt": "a", "completion": "b", "text": "all"}])
    [document], _ = read(path, text=("text",))
    assert document.text == "all" and ANSWERED not in document.meta
    [document], _ = read(path, conversations=False)
    assert document.text == "all" and ANSWERED not in document.meta
    [document], _ = read(written(tmp_path, [{"text": "a", "prompt": "b"}]))
    assert document.text == "a"


def test_conversations_are_of_language_models() -> None:
    with pytest.raises(ConfigError, match=r"data.conversations is of language models, and task classify"):
        Config(data={"conversations": True}, task={"name": "classify"})
    assert Config(task={"name": "classify"}).data.conversations is False
    assert Config().data.conversations is None


def test_one_conversation_is_not_cut_into_parts(tmp_path: Path) -> None:
    plan = plan_split(DataConfig(paths=(str(written(tmp_path, [GOOD])),)))
    assert plan.n_documents["train"] == 1 and not plan.by_blocks
    assert any("one conversation: nothing is held out" in note for note in plan.notes)


def test_a_file_in_another_encoding_is_counted_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    path.write_bytes((json.dumps(GOOD, ensure_ascii=False) + "\n").encode("gb18030") * 30)
    documents, report = read(path, encoding="gb18030")
    assert len(documents) == 30
    assert answers(documents[0])[1] == " 好。"
    assert sum(report.files[0].n_bytes.values()) == path.stat().st_size
    assert report.files[0].n_bytes["text"] == 30 * len("Hello.Hi,\nyou.再见好。".encode("gb18030"))
