"""The n-gram model: equal to paper and to a slow second implementation, a distribution after any context."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.errors import Damaged, InputError, RunError, TooLittleText
from textmill.models.next_token import IGNORED, NextToken
from textmill.models.ngram import FALLBACK_DISCOUNTS, NGram, NGramState, estimate_discounts

A, B, C, MARK = 0, 1, 2, 3


def stream_of(documents, mark):
    return np.array([token for document in documents for token in (*document, mark)])


def row(*ids):
    return torch.tensor([ids])


def probabilities(model, document):
    """P of each token of mark + document + mark, the first mark left out."""
    nats, _ = model.nll(row(model.mark, *document), row(*document, model.mark))
    return torch.exp(-nats)[0].tolist()


class SlowKneserNey:
    """The same definition, written down a second time: sets of tuples and a recursion."""

    def __init__(self, documents, vocab_size, mark, order=5):
        self.vocab_size, self.order = vocab_size, order
        counts = [Counter() for _ in range(order + 1)]
        before = [defaultdict(set) for _ in range(order + 1)]
        for document in documents:
            text = (mark, *document, mark)
            for end in range(1, len(text)):
                for k in range(1, min(order, end + 1) + 1):
                    gram = text[end - k + 1 : end + 1]
                    counts[k][gram] += 1
                    if end - k >= 0:
                        before[k][gram].add(text[end - k])
        self.counts, self.discounts = [None], [None]
        for k in range(1, order + 1):
            if k < order:
                adjusted = {g: len(before[k][g]) if before[k][g] else n for g, n in counts[k].items()}
            else:
                adjusted = dict(counts[k])
            self.counts.append(adjusted)
            n = Counter(adjusted.values())
            found = None
            if all(n[i] for i in (1, 2, 3, 4)):
                y = n[1] / (n[1] + 2 * n[2])
                found = [i - (i + 1) * y * n[i + 1] / n[i] for i in (1, 2, 3)]
                if not all(0 < d <= i for i, d in enumerate(found, start=1)):
                    found = None
            self.discounts.append(found or [0.5, 1.0, 1.5])

    def probability(self, context, word):
        context = tuple(context)[max(0, len(context) - self.order + 1) :]
        lower = self.probability(context[1:], word) if context else 1 / self.vocab_size
        k = len(context) + 1
        followers = {g[-1]: n for g, n in self.counts[k].items() if g[:-1] == context}
        total = sum(followers.values())
        if not total:
            return lower
        removed = {w: self.discounts[k][min(n, 3) - 1] for w, n in followers.items()}
        own = followers.get(word, 0) - removed.get(word, 0)
        return own / total + sum(removed.values()) / total * lower


def zipf_documents(seed, n_documents=25, vocab_size=8, longest=80):
    """Texts with repeats of every kind, so that discounts can be estimated; ids below vocab_size."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, vocab_size + 1)
    after = np.array([rng.permutation(weights) for _ in range(vocab_size)]) ** 1.5
    after /= after.sum(axis=1, keepdims=True)
    documents = []
    for _ in range(n_documents):
        token, text = 0, []
        for _ in range(rng.integers(0, longest)):
            token = int(rng.choice(vocab_size, p=after[token]))
            text.append(token)
        documents.append(tuple(text))
    return documents


def test_a_five_word_corpus_has_the_probabilities_worked_out_on_paper():
    """a b a b c, read as # a b a b c #. Every length has too few kinds of counts: D = 0.5, 1, 1.5.

    k=1, counts of different tokens before: a 2 (#, b), b 1, c 1, # 1, total 5; γ = (1 + 3·0.5)/5 = 0.5.
        P(a) = (2−1)/5 + 0.5/4 = 0.325;  P(b) = P(c) = P(#) = 0.5/5 + 0.5/4 = 0.225.
    k=2: #a 1 (as counted), ab 2 (#, b), ba 1, bc 1, c# 1.
        P(a|#) = 0.5 + 0.5·0.325 = 0.6625;  P(b|a) = (2−1)/2 + 0.5·0.225 = 0.6125;  P(#|c) = 0.5 + 0.5·0.225 = 0.6125
        P(a|b) = 0.5/2 + 0.5·0.325 = 0.4125;  P(c|b) = 0.5/2 + 0.5·0.225 = 0.3625.
    k=3, all 1: P(b|#a) = P(b|ba) = P(#|bc) = 0.5 + 0.5·0.6125 = 0.80625
        P(a|ab) = 0.25 + 0.5·0.4125 = 0.45625;  P(c|ab) = 0.25 + 0.5·0.3625 = 0.43125.
    k=4, all 1: P(a|#ab) = 0.5 + 0.5·0.45625 = 0.728125;  P(b|aba) = 0.5 + 0.5·0.80625 = 0.903125 = P(#|abc)
        P(c|bab) = 0.5 + 0.5·0.43125 = 0.715625.
    k=5, all 1: P(b|#aba) = 0.5 + 0.5·0.903125 = 0.9515625 = P(#|babc);  P(c|abab) = 0.5 + 0.5·0.715625 = 0.8578125.
    """
    model = NGram.fit([A, B, A, B, C, MARK], vocab_size=4, mark=MARK)

    paper = [0.6625, 0.80625, 0.728125, 0.9515625, 0.8578125, 0.9515625]
    assert probabilities(model, [A, B, A, B, C]) == pytest.approx(paper, abs=1e-14)
    assert model.fallback_orders == [1, 2, 3, 4, 5]


def test_an_unseen_context_falls_back_to_the_next_shorter_one():
    """After c, a never stands: 0.5·P(a) = 0.1625. The context a c is new, so P(a | a c) is the same."""
    model = NGram.fit([A, B, A, B, C, MARK], vocab_size=4, mark=MARK)

    after_c, _ = model.nll(row(C), row(A))
    after_a_c, _ = model.nll(row(A, C), row(IGNORED, A))
    assert math.exp(-after_c.item()) == pytest.approx(0.1625, abs=1e-14)
    assert math.exp(-after_a_c[0, 1].item()) == pytest.approx(0.1625, abs=1e-14)


def test_discounts_are_those_of_chen_and_goodman():
    """n1 = 8, n2 = 3, n3 = 2, n4 = 1: Y = 8/14 = 4/7; 1 − 2Y·3/8 = 4/7; 2 − 3Y·2/3 = 6/7; 3 − 4Y·1/2 = 13/7."""
    discounts, is_fallback = estimate_discounts(np.array([1] * 8 + [2] * 3 + [3] * 2 + [4] + [5, 9]))

    assert discounts == pytest.approx((4 / 7, 6 / 7, 13 / 7), abs=1e-15)
    assert not is_fallback


@pytest.mark.parametrize(
    "counts",
    [
        [],
        [1, 1, 1],  # no 2, 3, 4
        [2, 3, 4, 5],  # no 1
        [1, 2, 3, 3, 3, 4],  # Y = 1/3, D2 = 2 − 3·3/3 = −1
        [1, 1, 2, 2, 2, 3, 3, 4],  # Y = 1/4, D2 = 2 − 3/4·2/3 = 1.5, D3 = 3 − 4/4·1/2 = 2.5: in range
    ],
)
def test_discounts_that_cannot_be_estimated_are_the_stated_fallback(counts):
    discounts, is_fallback = estimate_discounts(np.array(counts, dtype=np.int64))

    if len(counts) == 8:
        assert discounts == pytest.approx((1 - 2 / 4 * 3 / 2, 1.5, 2.5)) and not is_fallback
    else:
        assert discounts == FALLBACK_DISCOUNTS and is_fallback


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_it_equals_a_slow_second_implementation(order):
    documents = zipf_documents(seed=order)
    mark, vocab_size = 8, 10  # id 9 never occurs
    model = NGram.fit(stream_of(documents, mark), vocab_size, mark, order=order)
    slow = SlowKneserNey(documents, vocab_size, mark, order)

    assert [list(level.discounts) for level in model.levels] == [pytest.approx(d) for d in slow.discounts[1:]]
    if order == 5:
        assert not {2, 3, 4} & set(model.fallback_orders)  # both ways are compared: estimated, and the fallback
        assert 1 in model.fallback_orders  # 9 kinds of tokens are too few
    for document in [documents[3], documents[7], (0, 5, 5, 9, 1, 7, 7, 7)]:
        text = (mark, *document, mark)
        expected = [slow.probability(text[:end], text[end]) for end in range(1, len(text))]
        assert probabilities(model, document) == pytest.approx(expected, rel=1e-12)


def test_every_distribution_equals_the_slow_one_and_sums_to_one():
    documents, mark, vocab_size = zipf_documents(seed=0), 8, 10
    model = NGram.fit(stream_of(documents, mark), vocab_size, mark)
    slow = SlowKneserNey(documents, vocab_size, mark)

    seen, unseen = documents[3][:6], (9, 9, 1, 0, 4, 4)
    for context in (seen, unseen):
        log_probs, _ = model.log_probs(row(mark, *context))
        for step in range(len(context) + 1):
            expected = [slow.probability((mark, *context[:step]), word) for word in range(vocab_size)]
            assert log_probs[0, step].exp().tolist() == pytest.approx(expected, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    documents=st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=6),
    text=st.lists(st.integers(0, 5), min_size=1, max_size=9),
)
def test_any_text_gives_a_distribution_after_any_context(documents, text):
    """Lines of nothing, one token, all the same: it cannot abort."""
    mark, vocab_size = 5, 7
    model = NGram.fit(stream_of(documents, mark), vocab_size, mark)

    log_probs, _ = model.log_probs(row(*text))
    probability = log_probs.exp()
    assert torch.isfinite(log_probs).all()
    torch.testing.assert_close(probability.sum(-1), torch.ones(1, len(text), dtype=torch.float64), atol=1e-12, rtol=0)

    targets = row(*reversed(text))
    nats, _ = model.nll(row(*text), targets)
    torch.testing.assert_close(nats, -log_probs.gather(2, targets[..., None])[..., 0], atol=1e-10, rtol=0)


@pytest.fixture(scope="module")
def model():
    return NGram.fit(stream_of(zipf_documents(seed=1), 8), vocab_size=10, mark=8)


def test_it_stands_behind_the_door_of_all_models(model):
    assert isinstance(model, NextToken)
    assert model.max_context is None


def test_reading_in_parts_equals_reading_at_once(model):
    text = [8, *zipf_documents(seed=2)[4]]
    ids, targets = row(*text), row(*text[1:], 8)
    whole, end = model.nll(ids, targets)
    for cuts in ([1, 2, 3, 4], [6], [2, 9]):
        state, parts = None, []
        for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True):
            part, state = model.nll(ids[:, start:stop], targets[:, start:stop], state=state)
            parts.append(part)
        torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=0, rtol=0)
        assert {k: v.tolist() for k, v in state.tensors().items()} == {k: v.tolist() for k, v in end.tensors().items()}
    assert end.n_seen.tolist() == [len(text)]


def test_a_state_used_twice_gives_one_answer_and_can_be_selected_and_stored(model):
    _, state = model.nll(torch.tensor([[8, 1, 2], [8, 0, 4]]), torch.full((2, 3), IGNORED))
    once, _ = model.log_probs(torch.tensor([[3], [5]]), state=state)
    again, _ = model.log_probs(torch.tensor([[3], [5]]), state=state)
    assert torch.equal(once, again)

    swapped = NGramState.from_tensors(state.detach().reserve(9).select(torch.tensor([1, 0, 0])).tensors())
    thrice, _ = model.log_probs(torch.tensor([[5], [3], [3]]), state=swapped)
    assert torch.equal(thrice, once[[1, 0, 0]])


def test_padding_on_either_side_changes_nothing(model):
    text = [8, 0, 3, 1, 1, 5]
    alone, end = model.log_probs(row(*text))
    for left in (0, 2, 5):
        ids = row(*[7] * left, *text, *[7] * (5 - left))
        segments = row(*[-1] * left, *[0] * 6, *[-1] * (5 - left))
        padded, state = model.log_probs(ids, segments)
        assert torch.equal(padded[:, left : left + 6], alone)
        assert torch.equal(state.recent, end.recent) and state.n_seen.tolist() == [6]

        # and the text goes on after it, with padding again in between
        rest, _ = model.log_probs(row(7, 2, 4), row(-1, 0, 0), state)
        expected, _ = model.log_probs(row(2, 4), state=end)
        assert torch.equal(rest[:, 1:], expected)


def test_documents_of_a_row_do_not_see_each_other(model):
    first, second = [8, 0, 3, 1], [8, 2, 5, 5, 1]
    packed, state = model.log_probs(row(*first, *second), row(*[3] * 4, *[4] * 5))
    a, _ = model.log_probs(row(*first))
    b, end = model.log_probs(row(*second))
    assert torch.equal(packed, torch.cat([a, b], dim=1))
    assert state.segment.tolist() == [4] and torch.equal(state.recent, end.recent)

    # another number than the one the state ended in: a new document
    anew, _ = model.log_probs(row(*second), row(*[0] * 5), state)
    goes_on, _ = model.log_probs(row(2), row(4), state)
    assert torch.equal(anew, b)
    assert torch.equal(goes_on, model.log_probs(row(2), state=end)[0])


def test_a_row_of_padding_keeps_its_state(model):
    _, state = model.log_probs(torch.tensor([[8, 1], [8, 2]]))
    _, after = model.log_probs(torch.tensor([[4], [0]]), torch.tensor([[0], [-1]]), state)
    assert after.recent.tolist() == [[-1, 8, 1, 4], [-1, -1, 8, 2]]
    assert after.n_seen.tolist() == [3, 2] and after.segment.tolist() == [0, 0]


def test_what_stood_before_a_mark_does_not_matter(model):
    """Documents packed in one stream without segments: no training context reaches over a mark."""
    after_text, _ = model.log_probs(row(8, 1, 4, 8, 2))
    fresh, _ = model.log_probs(row(8, 2))
    torch.testing.assert_close(after_text[:, 3:], fresh, atol=1e-14, rtol=0)


def test_a_saved_model_is_the_loaded_one(model, tmp_path):
    model.save(tmp_path)
    loaded = NGram.load(tmp_path)

    text = row(8, *zipf_documents(seed=5)[2])
    assert torch.equal(loaded.log_probs(text)[0], model.log_probs(text)[0])
    assert loaded.describe() == model.describe()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def test_a_damaged_or_missing_model_is_a_named_error(model, tmp_path):
    with pytest.raises(RunError, match="no n-gram model"):
        NGram.load(tmp_path)
    model.save(tmp_path)
    path = tmp_path / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged, match="sha256"):
        NGram.load(tmp_path)
    about = json.loads((tmp_path / "model.json").read_bytes())
    (tmp_path / "model.json").write_text(json.dumps(about | {"kind": "network"}))
    with pytest.raises(RunError, match="kind 'network'"):
        NGram.load(tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(Damaged, match="does not describe"):
        NGram.load(tmp_path)


def test_no_text_and_foreign_ids_are_refused(model):
    with pytest.raises(TooLittleText):
        NGram.fit([], vocab_size=4, mark=3)
    with pytest.raises(InputError, match="vocabulary of 4"):
        NGram.fit([1, 4, 3], vocab_size=4, mark=3)
    with pytest.raises(InputError, match="vocabulary of 10"):
        model.nll(row(8, 10), row(1, 1))
    with pytest.raises(InputError, match="vocabulary of 10"):
        model.nll(row(8, 1), row(1, -1))


def test_a_document_that_was_cut_has_no_end(model):
    """A stream may end without a mark: then nothing says that the text ends there."""
    cut = NGram.fit([A, B, A], vocab_size=4, mark=MARK)
    whole = NGram.fit([A, B, A, MARK], vocab_size=4, mark=MARK)
    assert cut.facts == {"n_tokens": 3, "n_documents": 1}
    assert probabilities(cut, [A, B, A])[-1] < probabilities(whole, [A, B, A])[-1]
