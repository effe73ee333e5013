"""Lines of any length through a model of a bounded one: cut at sentences, nothing lost, each line in its place."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from textmill.generation.beam import BeamSettings, Hypothesis
from textmill.tasks.translate import Translation
from textmill.tasks.translating import Translator


class Upper:
    """Reads a token a character, and translates into capitals; remembers what it was given."""

    def __init__(self):
        self.given = []

    def source_ids(self, texts, tokenizer, way=0):
        return [(*map(ord, text), 0) for text in texts]

    def translations(self, model, tokenizer, texts, settings, way=0, forced=None):
        self.given += texts
        for text in texts:
            ids = tuple(range(len(text)))
            found = Hypothesis(ids, -1.0 * len(text), -1.0, ended=len(text) != 7)
            yield [Translation(text.upper(), -1.0, found.ended, found)] * settings.n_best


@pytest.fixture
def told():
    return []


def translator(longest, told, **settings):
    return Translator(Upper(), None, None, BeamSettings(**settings), longest, told.append)


def outputs(translator, lines, at_once=64):
    return [found.translation for found in translator.lines(lines, at_once)]


def test_a_long_line_is_cut_at_the_ends_of_sentences_and_said(told):
    long = "One two. Three four! Five? " + "six, " * 4 + "seven."
    maker = translator(22, told)
    assert outputs(maker, ["short", long, ""]) == ["SHORT", " ".join(long.upper().split()), ""]
    assert maker.task.given == ["short", "One two. Three four!", "Five?", "six, six, six, six,", "seven.", ""]
    assert told == [
        "line 2 is longer than the 22 tokens that the model was trained to read: it is translated in 4 pieces"
    ]
    for piece in maker.task.given:
        assert len(piece) + 1 <= 22


@pytest.mark.parametrize("text", ["桥很长。" * 9, "山，" * 30, "x" * 100, "a b " * 30, "。！" * 20, "\u3000" * 50])
def test_pieces_are_the_text_and_each_can_be_read(text, told):
    maker = translator(12, told)
    pieces = maker.pieces(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(maker.fits(piece) for piece in pieces)
    assert maker.pieces("short") == ["short"] and maker.pieces("") == [""]


@pytest.mark.parametrize("at_once", [1, 2, 64])
def test_how_many_lines_are_read_at_once_changes_nothing(at_once, told):
    lines = ["one", "", "two. three. four. five.", "seven 7", "six"]
    maker = translator(14, told, n_best=2, beams=2)
    found = list(maker.lines(iter(lines), at_once))
    assert [one.translation for one in found] == [line.upper() for line in lines]
    assert [one.finished for one in found] == [True, True, True, False, True]
    assert [len(one.alternatives) for one in found] == [1, 1, 0, 1, 1]
    assert [one.n_pieces for one in found] == [1, 1, 2, 1, 1]


def test_chinese_pieces_are_joined_without_a_blank(told):
    maker = translator(6, told)
    maker.task.translations = lambda model, tokenizer, texts, settings, way=0, forced=None: (
        [Translation("桥。", -1.0, True, SimpleNamespace(total_logprob=-4.0, ids=(1, 2, 3), ended=True))] for _ in texts
    )
    [found] = maker.lines(["One. Two."])
    assert (found.translation, found.n_pieces) == ("桥。桥。", 2)
    assert found.score == pytest.approx(-8.0 / 8)  # ln P of both over their tokens, end marks among them
