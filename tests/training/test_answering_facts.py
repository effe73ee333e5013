"""From questions about passages to a model that points at the answers, through the house's own loop and sampler.

Each passage tells of four people, each once: "Ann built a mill in 1753 ." in one of two wordings, in random order. The
question names one of them and asks when, or what; one in five names somebody who is not there. What stands where, how
often, or whatever the question is about says nothing: name and kind of the answer have to be read together.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from textmill.config import RecurrentConfig
from textmill.config.train import TrainConfig
from textmill.models import build_model
from textmill.tasks.answer import Answer
from textmill.tasks.length_batches import LengthSampler
from textmill.text import Document
from textmill.text.documents import ANSWERS, QUESTION, QUESTION_ID
from textmill.tokens import Tokenizer
from textmill.training.optimizers import build_optimizers
from textmill.training.schedule import Plan
from textmill.training.updates import Lanes, updates

NAMES = ("Ann", "Ben", "Cora", "Dan", "Eve", "Finn", "Gus", "Hana", "Ida", "Jon")
THINGS = ("mill", "tower", "bridge", "school", "garden", "well")
WORDINGS = ("{name} built a {thing} in {year} .", "In {year} a {thing} was built by {name} .")
N_SEEN, N_UNSEEN = 1200, 300
N_STEPS = 500
RIGHT = 0.6
BY_CHANCE = 0.35


def questions(seed: int, n: int) -> list[Document]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(n):
        people = rng.permutation(NAMES)
        things, years = rng.permutation(THINGS)[:4], rng.choice(np.arange(1500, 2000), 4, replace=False)
        told = [
            rng.choice(WORDINGS).format(name=name, thing=thing, year=year)
            for name, thing, year in zip(people, things, years, strict=False)
        ]
        context, who, asks_when = " ".join(told), int(rng.integers(5)), bool(rng.integers(2))
        question = f"When did {people[who]} build ?" if asks_when else f"What did {people[who]} build ?"
        answers = ()
        if who < 4:
            text = str(years[who] if asks_when else things[who])
            start = sum(len(sentence) + 1 for sentence in told[:who]) + told[who].index(text)
            answers = ((start, text),)
        meta = {QUESTION: question, ANSWERS: answers, QUESTION_ID: str(number)}
        found.append(Document(context, f"made:{number}", meta))
    return found


def right(asked, answers) -> float:
    return float(
        np.mean(
            [answer == (one.answers[0][1] if one.answers else "") for one, answer in zip(asked, answers, strict=True)]
        )
    )


@pytest.mark.ci
def test_who_did_what_when_is_found_and_who_is_not_there_is_refused():
    seen, unseen = questions(1, N_SEEN), questions(2, N_UNSEEN)
    torch.set_num_threads(1)
    tokenizer = Tokenizer.train("word", [text for one in seen for text in (one.text, one.meta[QUESTION])], None, 0)
    task = Answer(seq_len=96, longest=6)
    config = RecurrentConfig(arch="lstm", n_layers=1, d_model=64, seq_len=96, dropout=0.0)
    model = build_model(config, tokenizer.vocab_size, "encoder", {"span": {"longest": 6}}, seed=1).train()
    optimizers = build_optimizers(model, TrainConfig(optimizer="muon", lr=0.02, lr_rest=0.01, weight_decay=0.0))
    learned, others = task.documents(seen, tokenizer), task.documents(unseen, tokenizer)
    sampler = LengthSampler([len(one.ids) + len(one.question_ids) + 2 for one in learned], 1500, 1, seed=0)
    plan = Plan(N_STEPS, 1, "wsd", N_STEPS // 50, 0.6, 0.0, 1.0, N_STEPS, N_STEPS, N_STEPS)

    def batches(step):
        return [(task.batch([learned[n] for n in numbers], tokenizer), Lanes()) for numbers in sampler.rows(step)]

    for _ in updates(model, optimizers, task, batches, plan):
        pass
    answers = [own[0] for *_, own in task.found(model, others, tokenizer)]
    found = right(others, [answer.text if answer.score > 0 else "" for answer in answers])
    assert found >= RIGHT


def test_no_answer_of_one_kind_and_no_place_gives_the_right_one():
    """What needs no question: a year, a thing, or nothing, of any one sentence."""
    unseen = Answer(96).documents(questions(2, N_UNSEEN), Tokenizer.train("bytes", [], None, 0))
    for place in range(4):
        for is_kind in (str.isdigit, THINGS.__contains__):
            words = [[word for word in one.context.split() if is_kind(word)][place] for one in unseen]
            assert right(unseen, words) < BY_CHANCE
    assert right(unseen, [""] * N_UNSEEN) < BY_CHANCE
