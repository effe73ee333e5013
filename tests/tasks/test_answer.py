"""The task of answers: places in code points, windows, targets, the best stretch over all windows."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import Config, RecurrentConfig
from textmill.errors import ConfigError, InputError, NothingScored
from textmill.models import build_model
from textmill.models.matches import CONTEXT, NO_ANSWER, QUESTION
from textmill.tasks import task_of
from textmill.tasks.answer import (
    Answer,
    AnswerScore,
    TokenPlaces,
    Window,
    in_common,
    nats_of,
    pairs_of,
    without_blanks,
)
from textmill.text import Document
from textmill.text import documents as passages
from textmill.tokens import Tokenizer

PASSAGES = [
    # question, passage, answers
    ("Who?", "It was Ann who came.", ("Ann",)),
    ("谁来了？", "昨天😀来的是王芳。", ("王芳",)),
    ("What?", "Nothing is said here.", ()),
    ("Where?", "e\u0301t\u00e9 à Paris\r\nor in Lyon, they say, and not in Paris", ("Paris", "Lyon")),
]


def document(question, context, answers, number=1):
    told = tuple((context.index(text), text) for text in answers)
    meta = {passages.QUESTION: question, passages.ANSWERS: told, passages.QUESTION_ID: f"q{number}"}
    return Document(context, f"a.json:{number}", meta)


def all_documents():
    return [document(*told, number) for number, told in enumerate(PASSAGES, 1)]


@pytest.fixture(scope="module")
def kinds():
    texts = [text for question, context, _ in PASSAGES for text in (question, context)]
    return {
        kind: Tokenizer.train(kind, texts * 2, size, 0)
        for kind, size in (("bytes", None), ("char", None), ("word", None), ("bpe", 270))
    }


def model_for(task, tokenizer, longest=40, arch="gru", seq_len=32):
    config = RecurrentConfig(arch=arch, n_layers=1, d_model=16, seq_len=seq_len, dropout=0.0)
    heads = {"span": {"longest": longest}}
    model = build_model(config, tokenizer.vocab_size, "encoder", heads, seed=1).double().eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.empty_like(parameter).normal_(std=0.3, generator=generator)
    return model


# --- the store


def test_a_store_keeps_what_is_asked_and_answered_and_the_head_is_as_long_as_the_answers(tmp_path, kinds):
    task, tokenizer = Answer(64), kinds["char"]
    store = task.encode(all_documents(), tokenizer, tmp_path / "store")
    assert list(task.examples(store, tokenizer)) == task.documents(all_documents(), tokenizer)
    assert [one.name for one in task.examples(store, tokenizer)] == ["q1", "q2", "q3", "q4"]
    assert len(list(task.examples(store, tokenizer, max_tokens=1))) == 1
    assert task.heads_of(store) == {"span": {"longest": 5}}
    assert Answer(64, longest=9).heads_of(store) == {"span": {"longest": 9}}


def test_all_but_one_in_a_hundred_answers_are_no_longer_than_the_longest(tmp_path, kinds):
    tokenizer = kinds["bytes"]
    texts = ["a" * n for n in [*range(1, 100), 5000]]
    some = [document("q", text, (text,)) for text in texts]
    store = Answer(64).encode(some, tokenizer, tmp_path / "store")
    assert Answer(64).heads_of(store) == {"span": {"longest": 99}}


def test_texts_without_an_answer_to_learn_and_parts_without_a_question_are_refused(tmp_path, kinds):
    task, tokenizer = Answer(64), kinds["bytes"]
    silent = task.encode([document("q", "c", ())], tokenizer, tmp_path / "a")
    empty = task.encode([], tokenizer, tmp_path / "b")
    with pytest.raises(InputError, match="no question to train on has an answer"):
        task.refuse({"train": silent})
    with pytest.raises(InputError, match="valid part holds no question"):
        task.refuse({"train": task.encode(all_documents(), tokenizer, tmp_path / "c"), "valid": empty})


# --- places


@pytest.mark.parametrize("kind", ["bytes", "char", "word", "bpe"])
def test_an_answer_is_found_again_where_it_stands_whatever_the_tokens_and_the_script(kind, kinds):
    """Tokens that hold more than the answer give what they hold; cut out of the passage, the answer is within it."""
    for one in Answer(64).documents(all_documents(), kinds[kind]):
        places = TokenPlaces.of(one, kinds[kind])
        window = Window(0, 0, len(one.ids))
        assert len(places.targets(one.answers, window)) == len(one.answers)
        for (first, last), (start, text) in zip(places.targets(one.answers, window), one.answers, strict=True):
            begin, end = without_blanks(one.context, int(places.starts[first]), int(places.ends[last]))
            if kind == "bpe":
                assert begin <= start and start + len(text) <= end
            else:
                assert one.context[begin:end] == text


@given(st.text(min_size=1, max_size=30).filter(lambda text: not any(0xD800 <= ord(c) < 0xE000 for c in text)))
@settings(deadline=None)
def test_places_of_tokens_are_those_of_the_decoded_bytes(text):
    tokenizer = Tokenizer.train("bytes", [], None, 0)
    one = Answer(64).documents([document("q", text, ())], tokenizer)[0]
    places = TokenPlaces.of(one, tokenizer)
    wanted = [number for number, character in enumerate(text) for _ in character.encode()]
    assert places.starts.tolist() == wanted
    assert places.ends.tolist() == [number + 1 for number in wanted]


# --- windows and batches


@given(st.integers(1, 20), st.integers(1, 200), st.integers(1, 30))
@settings(deadline=None)
def test_windows_cover_a_passage_none_is_longer_than_a_row_and_neighbours_overlap(n_asked, n, stride):
    task = Answer(32, stride=stride)
    windows = task.windows(n_asked, n, 0, "x")
    width = 30 - n_asked
    assert windows[0].first == 0 and windows[-1].last == n
    assert all(0 < window.last - window.first <= width for window in windows)
    for one, other in pairwise(windows):
        assert 0 < other.first - one.first <= stride and other.first <= one.last
    assert (len(windows) == 1) == (n <= width)


@given(st.integers(1, 20), st.integers(30, 120), st.integers(1, 8))
@settings(deadline=None)
def test_an_answer_stands_whole_in_a_window_wherever_it_lies(n_asked, n, longest):
    """At every place, across every border: as long as half a window, by default."""
    windows = Answer(40).windows(n_asked, n, 0, "x")
    longest = min(longest, (38 - n_asked) // 2)
    for first in range(n - longest + 1):
        assert any(window.first <= first and first + longest <= window.last for window in windows)


def test_a_question_that_leaves_no_room_is_refused_with_its_place_and_what_would_do(kinds):
    task = Answer(16)
    one = task.asked("q" * 14, ["some passage"], kinds["bytes"])[0]
    with pytest.raises(InputError, match="question of 14 tokens leaves no room") as refused:
        task.windows_of(one, 0)
    assert "--model.seq_len 56" in refused.value.hint
    for question, context, what in (("", "c", "question"), ("q", "", "passage")):
        with pytest.raises(InputError, match=f"the {what} is empty"):
            task.windows_of(task.asked(question, [context], kinds["bytes"])[0], 0)


def test_a_batch_by_hand(kinds):
    """Two windows of six places: mark, q, mark and three of abcde, from 0 and from 2. "cd" is whole in the second."""
    tokenizer = kinds["bytes"]
    one = Answer(6, stride=3).documents([document("q", "abcde", ("cd",))], tokenizer)[0]
    batch = Answer(6, stride=3).batch([one], tokenizer)
    mark, q = tokenizer.mark, ord("q")
    assert batch.ids.tolist() == [[mark, q, mark, *b"abc"], [mark, q, mark, *b"cde"]]
    assert batch.segments is None and batch.owners.tolist() == [0, 0] and batch.n_targets == 2 and batch.n_read == 12
    assert batch.targets.nonzero().tolist() == [[0, 0, 0], [0, 0, 1], [1, 3, 0], [1, 4, 1]]
    assert batch.facts[:, :, NO_ANSWER].tolist() == [[1, 0, 0, 0, 0, 0]] * 2
    assert batch.facts[:, :, QUESTION].tolist() == [[0, 1, 0, 0, 0, 0]] * 2
    assert batch.facts[:, :, CONTEXT].tolist() == [[0, 0, 0, 1, 1, 1]] * 2


def test_answers_that_stand_whole_in_no_window_are_counted_and_told(tmp_path, kinds):
    tokenizer = kinds["bytes"]
    some = [document("q", "a" * 30 + "b" * 12 + "c" * 30, ("b" * 12,)), document("q", "x" * 40 + "yz", ("yz",))]
    store = Answer(20).encode(some, tokenizer, tmp_path / "store")
    assert "1 answer is longer" in Answer(20).rows(store, tokenizer, Config()).notes[0]
    assert Answer(40).rows(store, tokenizer, Config()).notes == []


def test_words_are_compared_as_wholes_whatever_the_tokenizer_cuts_them_into():
    """Kozitek is cut into bytes, none of which the tokenizer's text has as a word; Kazitek has most of them."""
    tokenizer = Tokenizer.train("word", ["Warranty of the warranty 保修 Warranty"] * 3, None, 0)
    asked = Answer(64).asked("WARRANTY of Kozitek 保?", ["The warranty: Kazitek, Kozitek 保养"], tokenizer)[0]
    question, passage = in_common(asked, tokenizer)

    def told(text: str, ids: tuple[int, ...], facts: np.ndarray) -> list[str]:
        ends = [len(text.encode()[:end].decode(errors="ignore")) for end in tokenizer.ends_of(ids).tolist()]
        return sorted({text[end - 1] for end, own in zip(ends, facts, strict=True) if own[0] and end})

    assert len(asked.ids) > 20  # letters, not words
    assert told(asked.context, asked.ids, passage) == sorted({"y", *"Kozitek", "保"})
    at = asked.context.index("Kazitek")
    inside = [at < end <= at + 7 for end in tokenizer.ends_of(asked.ids).tolist()]
    assert any(inside) and not passage[inside, 0].any()
    assert told(asked.question, asked.question_ids, question) == sorted({*"WARRANTY", *"Kozitek", "保"})


# --- loss


def test_the_loss_is_that_of_begin_and_end_and_of_several_answers_that_it_is_one_of_them():
    """Begins 1/2, 1/4, 1/4, ends 1/4, 1/4, 1/2: the answers (0, 1) and (1, 2) cost −ln(3/4) − ln(3/4)."""
    log_probs = torch.tensor([[[0.5, 0.25], [0.25, 0.25], [0.25, 0.5]]]).log()
    targets = torch.zeros(1, 3, 2, dtype=torch.bool)
    targets[0, [0, 1], 0] = targets[0, [1, 2], 1] = True
    torch.testing.assert_close(nats_of(log_probs, targets), torch.tensor([-2 * math.log(0.75)]))


def test_training_counts_what_measuring_counts(kinds):
    task, tokenizer = Answer(32), kinds["char"]
    model, asked = model_for(task, tokenizer), task.documents(all_documents(), tokenizer)
    loss = task.loss(model, task.batch(asked, tokenizer))[0].detach()
    scores = task.measure(model, asked, tokenizer, Config())
    assert sum(score.n_tokens for score in scores) == loss.count == 7
    # Of the last passage four: 52 tokens, 24 in a window, 12 on: 1 + ⌈28/12⌉.
    assert sum(score.nats for score in scores) == pytest.approx(float(loss.total), rel=1e-5)
    assert task.metrics(scores) == {"loss": pytest.approx(loss.mean, rel=1e-5), "n_questions": 4}
    with pytest.raises(NothingScored):
        task.metrics([])


def test_questions_are_answered_alone_as_together(kinds):
    task, tokenizer = Answer(32), kinds["char"]
    model, asked = model_for(task, tokenizer), task.documents(all_documents(), tokenizer)
    together = task.found(model, asked, tokenizer, at_once=50, n_best=3)
    for at_once, some in ((1, asked), (3, asked), (2, asked[::-1])):
        found = task.found(model, some, tokenizer, at_once, n_best=3)
        for (nats, n, answers), (others, m, wanted) in zip(
            found, together if some is asked else together[::-1], strict=True
        ):
            assert nats == pytest.approx(others, abs=1e-5) and n == m
            assert [(a.text, a.start, a.end) for a in answers] == [(a.text, a.start, a.end) for a in wanted]
            assert [a.score for a in answers] == pytest.approx([a.score for a in wanted], abs=1e-5)


# --- the best stretch


scores_of = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=1, max_size=9)


@given(scores_of, st.integers(1, 6), st.integers(1, 60))
@settings(deadline=None)
def test_the_best_stretches_are_those_of_all_that_are_tried_one_by_one(scores, longest, most):
    table, n = np.array(scores, dtype=float), len(scores)
    starts, ends = np.arange(n), np.arange(n) + 1
    tried = [(a, b) for a in range(n) for b in range(a, n) if b - a < longest]
    ranked = sorted(tried, key=lambda pair: -(table[pair[0], 0] + table[pair[1], 1]))[:most]
    found = pairs_of(table, starts, ends, longest, most)
    assert set(found) <= set(tried) and len(set(found)) == len(found) == len(ranked)
    total = [table[a, 0] + table[b, 1] for a, b in found]
    assert total == [table[a, 0] + table[b, 1] for a, b in ranked]


def test_no_stretch_is_longer_in_code_points_than_the_longest_whatever_the_tokens():
    """Tokens of 1, 4 and 2 code points: of at most 4, the stretches are each alone."""
    starts, ends = np.array([0, 1, 5]), np.array([1, 5, 7])
    found = pairs_of(np.zeros((3, 2)), starts, ends, 4, 10)
    assert sorted(found) == [(0, 0), (1, 1), (2, 2)]
    assert pairs_of(np.zeros((1, 2)), np.array([0]), np.array([9]), 4, 10) == []


class Pointing:
    """Stands for a model that is sure of the letters x to z, wherever a window shows them; else of no answer."""

    training = False

    def __init__(self, longest):
        self.heads = {"span": self}
        self.longest = longest

    def __call__(self, ids, segments, facts=None):
        if facts is None:  # as the head: ids are then what the model gave, and segments the facts
            hidden, known = ids, segments
            scores = torch.zeros(*hidden.shape, 2, dtype=torch.float64)
            scores[hidden == ord("x"), 0] = 20.0
            scores[hidden == ord("z"), 1] = 20.0
            whole = (hidden == ord("x")).any(1) & (hidden == ord("z")).any(1)
            scores[~whole, 0] += 30.0
            seen = (known[..., CONTEXT] > 0) | (known[..., NO_ANSWER] > 0)
            return scores.masked_fill(~seen[..., None], -math.inf)
        return ids


@pytest.mark.parametrize("seq_len", [16, 23, 40, 120])
def test_a_planted_answer_is_found_at_every_place_across_all_borders_of_windows(seq_len, kinds):
    tokenizer, task, n = kinds["bytes"], Answer(seq_len), 90
    contexts = ["." * place + "xyz" + "." * (n - 3 - place) for place in range(n - 2)]
    found = task.found(Pointing(5), task.asked("what?", contexts, tokenizer), tokenizer)
    for place, (_, _, answers) in enumerate(found):
        assert (answers[0].text, answers[0].start, answers[0].end) == ("xyz", place, place + 3)
        assert answers[0].score > 5
    nothing = task.found(Pointing(5), task.asked("what?", ["." * n], tokenizer), tokenizer)
    assert nothing[0][2][0].score < 0


def test_an_answer_is_cut_out_of_the_passage_with_no_blanks_around_it_and_never_blanks_alone(kinds):
    assert without_blanks(" \u3000a b\r\n", 0, 7) == (2, 5)
    assert without_blanks("a  b", 1, 3) == (3, 3)
    task, tokenizer = Answer(64), kinds["char"]
    context = "e\u0301t\u00e9 \r\n\u3000 😀 1,5 \t 好"
    for *_, answers in task.found(
        model_for(task, tokenizer), task.asked("q", [context], tokenizer), tokenizer, n_best=500
    ):
        assert len(answers) > 40 and len({(a.start, a.end) for a in answers}) == len(answers)
        for answer in answers:
            assert answer.text == context[answer.start : answer.end] == answer.text.strip() != ""
        assert [a.score for a in answers] == sorted((a.score for a in answers), reverse=True)


# --- knobs


def test_knobs_that_answers_have_not_are_refused_by_name():
    said = {"task": {"name": "answer"}, "data": {"paths": ("x",)}}
    for more, complaint in (
        ({"train": {"best_by": "bleu"}}, "best_by is bleu"),
        ({"tokens": {"begin_mark": False}}, "begin_mark"),
        ({"train": {"label_smoothing": 0.1}}, "label_smoothing"),
    ):
        with pytest.raises(ConfigError, match=complaint):
            task_of(Config(**said, **more))
    assert isinstance(task_of(Config(**said)), Answer)


def test_samples_show_question_passage_and_answer(kinds):
    task, tokenizer = Answer(64), kinds["char"]
    shown = task.samples(model_for(task, tokenizer), tokenizer, Config(), "Who?\tIt was Ann.\n谁？\t王芳。", 2, 100)
    assert [text.split("\n")[:2] for text in shown] == [["It was Ann.", "Who?"], ["王芳。", "谁？"]]
    for text, context in zip(shown, ("It was Ann.", "王芳。"), strict=True):
        assert text.split("\n→ ")[1] in context
    with pytest.raises(InputError, match="tab"):
        list(task.predict(model_for(task, tokenizer), tokenizer, ["no tab"], Config(), 0))


def test_a_score_says_where_it_is_from(kinds):
    task, tokenizer = Answer(64), kinds["char"]
    scores = task.measure(model_for(task, tokenizer), task.documents(all_documents(), tokenizer), tokenizer, Config())
    assert [score.source for score in scores] == ["a.json:1", "a.json:2", "a.json:3", "a.json:4"]
    assert all(isinstance(score, AnswerScore) and len(score.found) == 1 for score in scores)
