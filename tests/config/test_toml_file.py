"""The line of every key in a TOML file, whatever stands between them."""

from __future__ import annotations

import doctest

import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import toml_file
from textmill.config.toml_file import key_lines

KEYS = st.text("abcdef_-", min_size=1, max_size=4)
TEXTS = st.text("ab \n\"'#[]{}=.,\\", max_size=12)


def written(value: object, multiline: bool) -> str:
    if isinstance(value, str) and multiline:
        return tomlkit.string(value, multiline=True).as_string()
    return tomlkit.item(value).as_string()


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        KEYS, st.dictionaries(KEYS, st.tuples(TEXTS | st.lists(TEXTS, max_size=3), st.booleans(), TEXTS)), max_size=4
    )
)
def test_a_key_is_found_on_the_line_where_it_was_written(
    sections: dict[str, dict[str, tuple[str | list[str], bool, str]]],
) -> None:
    text, expected = "", {}
    for section, keys in sections.items():
        expected[section] = text.count("\n") + 1
        text += f"[{section}]  # a remark with ] and = 3\n"
        for key, (value, multiline, remark) in keys.items():
            text += f"# {remark.replace(chr(10), ' ')}\n"
            expected[f"{section}.{key}"] = text.count("\n") + 1
            text += f"{key} = {written(value, multiline)}\n"
    tomlkit.parse(text)  # the test's own text is TOML

    assert key_lines(text) == expected


def test_keys_may_be_dotted_quoted_or_in_an_inline_table() -> None:
    text = 'train.steps = 3\n"run" . name = "x"\nmodel = {arch = "gru",\n d_model = 3}\n[[odd]]\na = [\n 1,\n]\nb = 2\n'

    assert key_lines(text) == {"train.steps": 1, "run.name": 2, "model": 3, "odd": 5, "odd.a": 6, "odd.b": 9}


def test_the_examples_in_its_documentation_hold() -> None:
    assert doctest.testmod(toml_file).failed == 0
