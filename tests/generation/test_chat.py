"""A chat is a prompt with history."""

from hypothesis import given
from hypothesis import strategies as st

from textmill.generation import Turn, chat_answer, chat_prompt, chat_stops

HISTORY = [Turn("user", "Hello."), Turn("assistant", "Good day."), Turn("user", "Who are you?")]


def test_turns_are_labelled_and_the_answer_follows_the_last_label():
    assert chat_prompt(HISTORY, "turns") == ("User: Hello.\nAssistant: Good day.\nUser: Who are you?\nAssistant:")
    assert chat_answer(" A mill.\n", "turns") == "A mill."


def test_raw_writes_on_from_everything_as_it_stands():
    assert chat_prompt([Turn("user", "Once upon"), Turn("assistant", " a time, "), Turn("user", "there")]) == (
        "Once upon a time, there"
    )
    assert chat_stops("raw") == ()
    assert chat_answer(" a time ", "raw") == " a time "


@given(st.text("User: Asitn\n\r\x0b\u2028", max_size=40), st.text("User: Asitn\n", max_size=40))
def test_only_the_program_can_begin_a_line_with_a_label(said, answered):
    turns = [Turn("user", said), Turn("assistant", answered), Turn("user", said)]
    prompt = chat_prompt(turns, "turns")
    labels = [line for line in prompt.splitlines() if line.startswith(("User:", "Assistant:"))]
    assert len(labels) == 4


def test_an_answer_ends_where_any_side_would_speak_next():
    assert set(chat_stops("turns")) == {"\nUser:", "\nAssistant:", "\nSystem:"}
