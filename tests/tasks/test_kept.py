"""What a translation must keep: numbers whatever their marks, addresses, tags, placeholders."""

from __future__ import annotations

import pytest

from textmill.tasks.kept import lost


@pytest.mark.parametrize(
    ("source", "translation", "missing"),
    [
        ("In 1914 it began.", "1914 begann es.", []),
        ("In 1914 it began.", "1941 begann es.", ["1914"]),
        ("It costs 1,234.50 dollars.", "Es kostet 1.234,50 Dollar.", []),
        ("They have 2 and 2.", "他们有2个。", ["2"]),
        ("他有３个。", "He has 3.", []),
        ("See https://a.org/x?y=1, please.", "Siehe https://a.org/x?y=1.", []),
        ("See https://a.org/x?y=1.", "Siehe https://a.org/x.", ["https://a.org/x?y=1"]),
        ("Write to me@mail.org.", "Schreib an mich.", ["me@mail.org"]),
        ("Press <b>OK</b> now.", "Drücke <b>OK jetzt.", ["</b>"]),
        ("Hello {name}, %(n)s of %s.", "Hallo {name}, %s.", ["%(n)s"]),
        ("No such thing, 5 < 6 and 7 > 3.", "5 < 6, 7 > 3", []),
        ("", "", []),
    ],
)
def test_what_is_missing_is_named_as_it_stands(source: str, translation: str, missing: list[str]) -> None:
    assert lost(source, translation) == missing
