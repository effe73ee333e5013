"""Nats in chunks are the nats of the plain form, and so are their gradients. float64, against F.cross_entropy."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F

from textmill.models import IGNORED
from textmill.models.heads import Head
from textmill.models.softmax import nats_of
from textmill.models.teaching import HeadLesson, softened_gap

V, D, N = 37, 6, 23


@pytest.fixture
def in_chunks(monkeypatch):
    """Chunks of 5 rows, the last one of 3."""
    monkeypatch.setattr("textmill.models.softmax.SCORES_AT_ONCE", 0)
    monkeypatch.setattr("textmill.models.softmax.SCORES_OF_A_CHUNK", 5 * V + 1)
    monkeypatch.setattr("textmill.models.softmax.ROWS_OF_A_CHUNK", 1)


def drawn(dtype=torch.float64):
    generator = torch.Generator().manual_seed(4)
    rows, weight, bias = (torch.randn(*shape, generator=generator, dtype=dtype) for shape in ((N, D), (V, D), (V,)))
    return rows, weight, bias, torch.randint(0, V, (N,), generator=generator)


def plain(rows, weight, bias, wanted, cap, smoothing):
    scores = rows @ weight.T + (0 if bias is None else bias)
    scores = scores if cap is None else cap * torch.tanh(scores / cap)
    nats = F.cross_entropy(scores, wanted, reduction="none")
    return nats, F.cross_entropy(scores, wanted, reduction="none", label_smoothing=smoothing)


def close(actual, expected):
    torch.testing.assert_close(actual, expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("cap", [None, 1.5])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("scales", ["sum", "mean", "rows"])
def test_values_and_gradients_are_those_of_the_plain_form(in_chunks, cap, smoothing, with_bias, scales):
    rows, weight, bias, wanted = drawn()
    given = [rows, weight, *([bias] if with_bias else [])]
    factors = {"sum": torch.ones(N), "mean": torch.full((N,), 1 / N), "rows": torch.linspace(-1, 2, N)}[scales]
    factors = factors.double()
    theirs = [tensor.clone().requires_grad_() for tensor in given]
    nats, minimised = plain(theirs[0], theirs[1], theirs[2] if with_bias else None, wanted, cap, smoothing)
    (minimised * factors).sum().backward()

    ours = [tensor.clone().requires_grad_() for tensor in given]
    found = nats_of(ours[0], ours[1], ours[2] if with_bias else None, wanted, cap, smoothing)
    (found * factors).sum().backward()
    close(found, nats)
    for mine, other in zip(ours, theirs, strict=True):
        close(mine.grad, other.grad)


def test_gradients_add_up_over_micro_batches_and_over_two_backward_passes(in_chunks):
    rows, weight, bias, wanted = drawn()
    whole, parts = (weight.clone().requires_grad_() for _ in range(2))
    plain(rows, whole, bias, wanted, 2.0, 0.0)[0].sum().backward()
    for start, stop in ((0, 9), (9, 9), (9, N)):  # the one in the middle has no row
        nats_of(rows[start:stop], parts, bias, wanted[start:stop], 2.0).sum().backward()
    close(parts.grad, whole.grad)

    twice = weight.clone().requires_grad_()
    total = nats_of(rows, twice, bias, wanted, 2.0).sum()
    total.backward(retain_graph=True)
    (3 * total).backward()
    close(twice.grad, 4 * whole.grad)


def test_only_what_wants_a_gradient_gets_one(in_chunks):
    rows, weight, bias, wanted = drawn()
    rows.requires_grad_()
    nats_of(rows, weight, bias, wanted).sum().backward()
    assert rows.grad is not None
    assert weight.grad is None
    with torch.no_grad():
        assert not nats_of(rows, weight, bias, wanted).requires_grad


def test_a_tied_head_adds_its_gradient_to_that_of_the_embedding(in_chunks, monkeypatch):
    _, weight, _, wanted = drawn()
    embedding = torch.nn.Embedding.from_pretrained(weight.clone(), freeze=False)
    head = Head(embedding, tied=True, bias=False, cap=None)
    targets = wanted.roll(1)
    targets[::4] = IGNORED
    grads = []
    for at_once in (0, 10**9):
        monkeypatch.setattr("textmill.models.softmax.SCORES_AT_ONCE", at_once)
        embedding.zero_grad()
        nats = head.nll(embedding(wanted), targets, smoothing=0.1)
        assert nats[::4].tolist() == [0.0] * 6
        (nats.sum() / 17).backward()
        grads.append((nats.detach(), embedding.weight.grad.clone()))
    close(grads[0][0], grads[1][0])
    close(grads[0][1], grads[1][1])


@pytest.mark.parametrize("at_once", [0, 10**9])
@pytest.mark.parametrize("wrong", [-1, V, IGNORED - 1])
def test_a_target_that_is_no_token_is_refused(monkeypatch, at_once, wrong):
    monkeypatch.setattr("textmill.models.softmax.SCORES_AT_ONCE", at_once)
    head = Head(torch.nn.Embedding(V, D), tied=True, bias=False, cap=None)
    with pytest.raises(IndexError, match=rf"the vocabulary is 0 to {V - 1}"):
        head.nll(torch.zeros(2, D), torch.tensor([3, wrong]))


@pytest.mark.parametrize("cap", [None, 2.0])
def test_in_bfloat16_the_sums_are_kept_in_float32(in_chunks, cap):
    rows, weight, bias, wanted = drawn(torch.float32)
    exact = weight.clone().requires_grad_()
    expected = plain(rows, exact, bias, wanted, cap, 0.0)[0]
    expected.sum().backward()
    ours = weight.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        nats = nats_of(rows, ours, bias, wanted, cap)
    nats.sum().backward()
    assert nats.dtype == ours.grad.dtype == torch.float32
    torch.testing.assert_close(nats, expected, atol=0.05, rtol=0.02)
    torch.testing.assert_close(ours.grad, exact.grad, atol=0.1, rtol=0.02)


def test_many_logits_are_never_held_at_once():
    """2,000 rows over 10,000 tokens are 80 MB of logits, and the plain form holds three such tensors."""
    program = (
        "import resource, torch; from textmill.models.softmax import nats_of; torch.set_num_threads(1);"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024;"
        "rows, weight = torch.randn(2000, 16).requires_grad_(), torch.randn(10_000, 16).requires_grad_();"
        "nats_of(rows[:20], weight, None, torch.zeros(20, dtype=torch.long)).sum().backward(); before = peak();"
        "nats_of(rows, weight, None, torch.zeros(2000, dtype=torch.long)).sum().backward(); print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert float(done.stdout) < 80 * (1 if sys.platform != "darwin" else 1024)


class Told:
    """A lesson with known probabilities."""

    def __init__(self, scores, share, temperature):
        self.scores, self.share, self.temperature = scores, share, temperature

    def probabilities(self, rows):
        return (self.scores[rows] / self.temperature).softmax(dim=1)


@pytest.mark.parametrize("cap", [None, 1.5])
@pytest.mark.parametrize(("share", "temperature"), [(0.3, 1.0), (0.7, 2.5), (1.0, 0.5)])
@pytest.mark.parametrize("scales", ["sum", "rows"])
def test_what_a_teacher_adds_has_the_gradient_of_the_softened_divergence(in_chunks, cap, share, temperature, scales):
    """(1 − share) · smoothed loss + share · τ² KL, by autograd and torch's kl_div; the value stays the loss."""
    rows, weight, bias, wanted = drawn()
    lesson = Told(
        2 * drawn()[0] @ torch.randn(D, V, generator=torch.Generator().manual_seed(9)).double(), share, temperature
    )
    factors = (torch.ones(N) if scales == "sum" else torch.linspace(-1, 2, N)).double()
    theirs = [tensor.clone().requires_grad_() for tensor in (rows, weight, bias)]
    nats, own = plain(*theirs, wanted, cap, 0.1)
    scores = theirs[0] @ theirs[1].T + theirs[2]
    scores = scores if cap is None else cap * torch.tanh(scores / cap)
    gap = F.kl_div((scores / temperature).log_softmax(1), lesson.probabilities(slice(None)), reduction="none").sum(1)
    (((1 - share) * own + share * temperature**2 * gap) * factors).sum().backward()

    ours = [tensor.clone().requires_grad_() for tensor in (rows, weight, bias)]
    found = nats_of(*ours, wanted, cap, 0.1, lesson)
    (found * factors).sum().backward()
    close(found, nats)
    for mine, other in zip(ours, theirs, strict=True):
        close(mine.grad, other.grad)


def test_a_head_hands_the_lesson_of_the_counted_places_on():
    generator = torch.Generator().manual_seed(2)
    student, teacher = (Head(torch.nn.Embedding(V, width).double(), True, False, None) for width in (D, D + 3))
    hidden, theirs = (torch.randn(2, 4, n, generator=generator, dtype=torch.float64) for n in (D, D + 3))
    targets = torch.randint(0, V, (2, 4), generator=generator)
    targets[0, 2] = targets[1, 3] = IGNORED
    hidden.requires_grad_()
    nats = student.nll(hidden, targets, lesson=HeadLesson(theirs, teacher, 0.6, 2.0))
    nats.sum().backward()

    other = hidden.detach().clone().requires_grad_()
    counted = targets != IGNORED
    close(nats.detach(), student.nll(other, targets).detach())
    p, q = teacher.logits(theirs)[counted] / 2, student.logits(other)[counted] / 2
    gap = (p.softmax(-1) * (p.log_softmax(-1) - q.log_softmax(-1))).sum()
    (0.4 * student.nll(other, targets).sum() + 0.6 * 4 * gap).backward()
    close(hidden.grad, other.grad)
    assert not hidden.grad[~counted].any()


@pytest.mark.parametrize("several", [False, True])
def test_the_gap_of_classes_is_zero_at_the_teacher_and_adds_up_over_labels(several):
    ours, theirs = (torch.tensor([[0.3, -1.2, 2.0]]).double(), torch.tensor([[1.0, 0.5, -0.7]]).double())
    assert float(softened_gap(theirs, theirs, 3.0, several)) == pytest.approx(0, abs=1e-12)
    if several:  # each label is a choice of two
        pairs = [torch.stack([torch.zeros(3).double(), scores[0]], dim=1) for scores in (ours, theirs)]
        expected = softened_gap(*pairs, 3.0, False).sum()
    else:
        p, q = (theirs / 3).softmax(1), (ours / 3).softmax(1)
        expected = 9 * (p * (p / q).log()).sum()
    assert float(softened_gap(ours, theirs, 3.0, several)) == pytest.approx(float(expected))
