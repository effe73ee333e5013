"""What a run reads with: when it refuses, and a question about several passages."""

from __future__ import annotations

import pytest
import torch

from textmill.config import RecurrentConfig
from textmill.errors import InputError
from textmill.models import build_model
from textmill.tasks.answer import Answer, SpanAnswer
from textmill.tasks.answering import Reader, Refusal
from textmill.tokens import Tokenizer

CONTEXTS = ["The mill was built in 1874 by Ann.", " \n\u3000", "磨坊建于1874年。", "", "é" * 60 + " far away"]


def reader(least: float | None = None) -> Reader:
    torch.set_num_threads(1)
    tokenizer = Tokenizer.train("char", CONTEXTS * 2, None, 0)
    config = RecurrentConfig(arch="gru", n_layers=1, d_model=16, seq_len=48, dropout=0.0)
    model = build_model(config, tokenizer.vocab_size, "encoder", {"span": {"longest": 9}}, seed=1).double().eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.empty_like(parameter).normal_(std=0.3, generator=generator)
    return Reader(Answer(48), tokenizer, model, Refusal(least), at_once=3)


def test_no_answer_stands_among_the_others_by_its_score():
    a, b, c = (SpanAnswer(text, 0, 1, score) for text, score in (("a", 3.0), ("b", 1.0), ("c", -2.0)))
    none = SpanAnswer("", 0, 0, 1.0)
    assert Refusal(1.0).ranked([a, b, c], 4) == [a, b, none, c]
    assert Refusal(1.0).ranked([c], 1) == [none]
    assert Refusal(1.0).ranked([a, b, c], 1) == [a]
    assert Refusal(None).ranked([a, b, c], 2) == [a, b]
    assert Refusal(None).ranked([], 2) == [SpanAnswer("", 0, 0, 0.0)]
    assert Refusal(1.0).ranked([], 2) == [none]


def test_a_passage_is_read_alone_as_among_others_and_each_answer_is_cut_out_of_it():
    ours = reader()
    together = ours.read("When was it built?", CONTEXTS, n_best=3)
    for context, answers in zip(CONTEXTS, together, strict=True):
        [alone] = ours.read("When was it built?", [context], n_best=3)
        assert [(a.text, a.start, a.end) for a in alone] == [(a.text, a.start, a.end) for a in answers]
        assert [a.score for a in alone] == pytest.approx([a.score for a in answers], abs=1e-6)
        assert all(a.text == context[a.start : a.end] and len(a.text) <= 9 for a in answers)
        assert (answers[0].text == "") == (not context.strip()), (
            "of blanks there is no answer, of all else the likeliest"
        )
    assert [len(answers) for answers in together] == [3, 1, 3, 1, 3]


def test_what_scores_below_the_least_is_no_answer():
    best = max(own[0].score for own in reader().read("When?", CONTEXTS[:1]))
    assert reader(best - 0.01).read("When?", CONTEXTS[:1])[0][0].text != ""
    refused = reader(best + 0.01).read("When?", CONTEXTS[:1], n_best=2)[0]
    assert (refused[0].text, refused[1].score) == ("", pytest.approx(best))


@pytest.mark.parametrize("question", ["", " \n", "\u3000"])
def test_a_question_of_nothing_is_refused(question):
    with pytest.raises(InputError, match="nothing is asked"):
        reader().read(question, CONTEXTS)


def test_no_passage_gives_no_answer_and_a_question_longer_than_a_row_is_refused():
    assert reader().read("When?", []) == []
    with pytest.raises(InputError, match="leaves no room"):
        reader().read("w" * 50, CONTEXTS)
