"""Case 14: stop strings and streamed text. `text` comes from a slow script that searches all of it after each token."""

import codecs
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from pydantic import ValidationError

from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError
from textmill.generation import TextAssembler, write

SCENARIOS = json.loads((Path(__file__).parent / "14-stop-and-stream" / "scenarios.json").read_text("utf-8"))


class Pieces:
    """A tokenizer whose ids are the places in a list of pieces; <eos> is the mark."""

    def __init__(self, pieces_hex):
        self.pieces = [b"" if piece == "<eos>" else bytes.fromhex(piece) for piece in pieces_hex]
        self.mark = pieces_hex.index("<eos>") if "<eos>" in pieces_hex else len(pieces_hex)
        self.stops = (self.mark,)

    def encode(self, text):
        return [0] * len(text)

    def stream(self, goes_on=False):
        return PieceStream(self.pieces)


class PieceStream:
    """Characters as soon as they are whole, as tokens.StreamDecoder gives them."""

    def __init__(self, pieces):
        self.pieces, self.decoder = pieces, codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token_id):
        return self.decoder.decode(self.pieces[token_id])

    def finish(self, keep_incomplete=False):
        return self.decoder.decode(b"", final=True) if keep_incomplete else ""


class Script:
    """A model that writes 0, 1, 2, … after a prompt of `start` ids, behind the door of a trained one."""

    max_context = None

    def __init__(self, n_ids, start):
        self.n_ids, self.start = n_ids, start

    def log_probs(self, ids, segments=None, state=None):
        places = torch.arange(ids.shape[1]) + (0 if state is None else state.n_seen) + 1 - self.start
        logits = torch.full((1, ids.shape[1], self.n_ids), -60.0, dtype=torch.float64)
        logits[0, torch.arange(ids.shape[1]), places.clamp(0, self.n_ids - 1)] = 0.0
        n_seen = ids.shape[1] + (0 if state is None else state.n_seen)
        return logits.log_softmax(-1), SimpleNamespace(n_seen=n_seen)

    def nll(self, ids, targets, segments=None, state=None):
        return torch.zeros(ids.shape), self.log_probs(ids, segments, state)[1]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario["name"] for scenario in SCENARIOS])
def test_streamed_parts_join_to_the_whole_text(scenario):
    tokenizer = Pieces(scenario["pieces_hex"])
    assembler = TextAssembler(tokenizer, scenario["stop"], scenario["max_new_tokens"])
    parts = []
    for token_id in range(len(scenario["pieces_hex"])):
        parts.append(assembler.push(token_id))
        assert scenario["text"].startswith("".join(parts)), "something was sent before it was known"
        if assembler.done:
            break
    assert "".join(parts) == scenario["text"]
    assert (assembler.finish_reason, assembler.n_tokens) == (scenario["finish"], scenario["tokens"])


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario["name"] for scenario in SCENARIOS])
def test_the_text_written_by_a_model_is_the_same_streamed_and_whole(scenario):
    def writing():
        # The prompt holds a stop text: it is not searched.
        settings = GenerateConfig(stop=tuple(scenario["stop"]), max_new_tokens=scenario["max_new_tokens"])
        n_ids = len(scenario["pieces_hex"])
        return write(Script(n_ids, len("END")), Pieces(scenario["pieces_hex"]), ["END"], settings, 0, begin_mark=False)

    streamed = "".join(written.text for written in writing())
    (result,) = writing().finish()
    assert streamed == result.text == scenario["text"]
    assert (result.finish_reason, result.n_tokens) == (scenario["finish"], scenario["tokens"])


def test_the_case_has_thirteen_scenarios():
    assert len(SCENARIOS) == 13


def test_an_empty_stop_text_is_refused_by_name():
    with pytest.raises(ValidationError, match="stop"):
        GenerateConfig(stop=("END", ""))
    with pytest.raises(ConfigError, match="stop"):
        TextAssembler(Pieces(["61"]), ["END", ""])
