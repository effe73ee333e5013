"""Models and tokenizers with known answers, behind the same doors as trained ones. Used by tests/generation/."""

from __future__ import annotations

import codecs
import functools
from dataclasses import dataclass

import numpy as np
import torch

IGNORED = -100
N_STATES = 10007


class Bytes:
    """A byte is its own id; 256 is the mark."""

    mark = begin = 256
    stops = (256,)
    vocab_size = 257

    def encode(self, text):
        return list(text.encode())

    def offsets(self, text):
        return [(place, place + 1) for place in range(len(text.encode()))]

    def token_bytes(self, token_id):
        return b"" if token_id == self.mark else bytes([token_id])

    def token_text(self, token_id):
        return "<|endoftext|>" if token_id == self.mark else bytes([token_id]).decode("utf-8", "backslashreplace")

    def stream(self, goes_on=False):
        return ByteStream(self)


class ByteStream:
    """push(id) -> str, never half a character; finish() leaves a half out, or keeps it as U+FFFD."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token_id):
        return self.decoder.decode(self.tokenizer.token_bytes(token_id))

    def finish(self, keep_incomplete=False):
        return self.decoder.decode(b"", final=True) if keep_incomplete else ""


@dataclass
class Hashes:
    """A state: a number made of every id so far, and how many there were (B,)."""

    value: torch.Tensor
    n_seen: torch.Tensor

    def select(self, rows):
        return Hashes(self.value[rows], self.n_seen[rows])


@functools.cache
def hash_table(vocab_size, seed):
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(N_STATES, vocab_size, generator=generator, dtype=torch.float64)).log_softmax(-1)


class HashModel:
    """Every id of the context, and its order, decides the next distribution: any mistake about the context shows."""

    def __init__(self, vocab_size=11, max_context=None, seed=0):
        self.vocab_size, self.max_context = vocab_size, max_context
        self.table = hash_table(vocab_size, seed)
        self.n_read = 0

    @staticmethod
    def step(value, token_id):
        return (31 * value + token_id + 1) % N_STATES

    def after(self, ids):
        """ln P of the token after a list of ids: the slow way."""
        value = 0
        for token_id in ids:
            value = self.step(value, token_id)
        return self.table[value].numpy()

    def log_probs(self, ids, segments=None, state=None):
        rows, length = ids.shape
        value = torch.zeros(rows, dtype=torch.int64) if state is None else state.value
        n_seen = torch.zeros(rows, dtype=torch.int64) if state is None else state.n_seen
        real = torch.ones_like(ids, dtype=torch.bool) if segments is None else segments == 0
        out = []
        for column in range(length):
            value = torch.where(real[:, column], self.step(value, ids[:, column]), value)
            n_seen = n_seen + real[:, column]
            out.append(self.table[value])
        self.n_read += int(real.sum())
        assert self.max_context is None or int(n_seen.max()) <= self.max_context
        return torch.stack(out, 1), Hashes(value, n_seen)

    def nll(self, ids, targets, segments=None, state=None):
        log_probs, state = self.log_probs(ids, segments, state)
        nats = -log_probs.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
        return nats.masked_fill(targets == IGNORED, 0.0), state


class ScriptModel:
    """Writes a script: after n ids, whatever they are, the id script[n − start] follows almost surely. No state object
    but a count, so that any state with select will do."""

    max_context = None

    def __init__(self, script, vocab_size, start):
        self.script, self.vocab_size, self.start = list(script), vocab_size, start

    def log_probs(self, ids, segments=None, state=None):
        n_seen = torch.zeros(len(ids), dtype=torch.int64) if state is None else state.n_seen
        real = torch.ones_like(ids) if segments is None else (segments == 0).long()
        counts = n_seen[:, None] + real.cumsum(1)
        logits = torch.zeros(*ids.shape, self.vocab_size, dtype=torch.float64)
        for row, column in np.ndindex(*ids.shape):
            place = int(counts[row, column]) - self.start
            if 0 <= place < len(self.script):
                logits[row, column, self.script[place]] = 60.0
        return logits.log_softmax(-1), Hashes(counts[:, -1], counts[:, -1])

    def nll(self, ids, targets, segments=None, state=None):
        log_probs, state = self.log_probs(ids, segments, state)
        return -log_probs.gather(-1, targets.clamp(min=0)[..., None])[..., 0], state


class Unigram:
    """The same distribution everywhere; it needs no state at all."""

    max_context = None

    def __init__(self, probabilities):
        self.row = torch.tensor(probabilities, dtype=torch.float64).log()

    def log_probs(self, ids, segments=None, state=None):
        return self.row.expand(*ids.shape, len(self.row)), None

    def nll(self, ids, targets, segments=None, state=None):
        return -self.row[targets.clamp(min=0)] * (targets != IGNORED), None
