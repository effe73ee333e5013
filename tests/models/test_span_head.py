"""The head that points: scores on paper, what it is told before the row is read, where no answer can be."""

from __future__ import annotations

import math

import pytest
import torch

from textmill.config import RecurrentConfig
from textmill.errors import ConfigError
from textmill.models.matches import CONTEXT, N_FACTS, NO_ANSWER, QUESTION
from textmill.models.span_head import SpanHead


def facts_of(n_asked: int, n: int) -> torch.Tensor:
    facts = torch.zeros(1, n_asked + n + 2, N_FACTS, dtype=torch.float64)
    facts[0, 0, NO_ANSWER] = facts[0, 1 : n_asked + 1, QUESTION] = facts[0, n_asked + 2 :, CONTEXT] = 1
    return facts


def empty_head(d_model: int) -> SpanHead:
    head = SpanHead(RecurrentConfig(arch="gru", d_model=d_model), 5).double()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.zero_()
    return head


def test_scores_on_paper():
    """Width 1. Question vectors 1 and 3 with weights v·h = ln 3 · h/2: softmax(ln 3 / 2, 3 ln 3 / 2) is 1/4, 3/4, so q
    = 2.5. Begin: h · (2 q + 1) = 6 h; end: h · (−q); at the first place 0.5 more for the begin."""
    head = empty_head(1)
    with torch.no_grad():
        head.weigh.fill_(math.log(3) / 2)
        head.bilinear.copy_(torch.tensor([2.0, -1.0]).view(2, 1, 1))
        head.linear[0] = 1.0
        head.absent[0] = 0.5
    hidden = torch.tensor([[[0.1], [1.0], [3.0], [7.0], [2.0], [-1.0]]], dtype=torch.float64)
    scores = head(hidden, facts_of(2, 2))
    none = -math.inf
    wanted = [[0.1 * 6 + 0.5, -0.25], [none, none], [none, none], [none, none], [12.0, -5.0], [-6.0, 2.5]]
    torch.testing.assert_close(scores, torch.tensor([wanted], dtype=torch.float64))


def test_each_token_of_the_context_is_told_of_the_token_of_the_question_that_is_like_it():
    """Width 2: unit vectors a and b. The question is a, b; W of what is compared is large, so the nearest is all that
    is told; `aligned` is the identity."""
    head = empty_head(2)
    with torch.no_grad():
        head.align.copy_(50 * torch.eye(2))
        head.aligned.copy_(torch.eye(2))
    a, b, mark = [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]
    x = torch.tensor([[mark, a, b, mark, b, a]], dtype=torch.float64)
    told = head.take_in(x, facts_of(2, 2)) - x
    wanted = torch.tensor([[[0.0, 0.0]] * 4 + [b, a]], dtype=torch.float64)
    torch.testing.assert_close(told, wanted, atol=1e-9, rtol=0)


def test_the_whole_question_is_told_to_the_context_alone_and_facts_are_added_everywhere():
    head = empty_head(2)
    with torch.no_grad():
        head.asked.copy_(2 * torch.eye(2))
        head.facts[QUESTION] = torch.tensor([0.0, 5.0])
    x = torch.tensor([[[9.0, 9.0], [1.0, 0.0], [0.0, 1.0], [9.0, 9.0], [3.0, 3.0]]], dtype=torch.float64)
    told = head.take_in(x, facts_of(2, 1)) - x
    # Noughts weigh all tokens alike: the mean of the question is (1/2, 1/2), twice that is told.
    wanted = torch.tensor([[[0.0, 0.0], [0.0, 5.0], [0.0, 5.0], [0.0, 0.0], [1.0, 1.0]]], dtype=torch.float64)
    torch.testing.assert_close(told, wanted)


@pytest.mark.parametrize("longest", [0, -1, 2.5, "7", True, None])
def test_a_longest_answer_that_is_no_length_is_refused(longest):
    with pytest.raises(ConfigError, match="no number"):
        SpanHead(RecurrentConfig(arch="gru", d_model=2), longest)
