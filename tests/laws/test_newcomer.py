"""A new architecture is one class and one line in the table: the laws then hold for it, nothing else was touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import test_model_laws as laws
import torch
from kinds import VOCABULARY, config_of
from torch import nn

from textmill.errors import ConfigError
from textmill.models import build_model, cost
from textmill.models.backbone import Backbone
from textmill.models.state import RecurrentState
from textmill.tables import ARCHITECTURES


class Averages(Backbone):
    """Every place is a mixture of its own token and a decaying sum of those before it in its document."""

    default_order = "stream"
    default_optimizer = "adamw"
    default_lr = 1e-3
    state_class = RecurrentState

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.mix = nn.Linear(config.d_model, config.d_model, bias=False)

    def forward(self, x, layout, state=None):
        h = x.new_zeros(x.shape[0], x.shape[2]) if state is None else state.vectors["h"][0]
        hidden = []
        for place in range(layout.n_tokens):
            h = torch.where(layout.starts[:, place, None], 0.0, h)
            h = torch.where(layout.real[:, place, None], 0.5 * h + self.mix(x[:, place]).tanh(), h)
            hidden.append(h)
        return torch.stack(hidden, dim=1), RecurrentState({"h": h[None]}, layout.n_seen, layout.segment)

    def draw(self, name, parameter, generator):
        parameter.normal_(std=0.1, generator=generator)

    draw_embedding = draw_head = lambda self, weight, generator: weight.normal_(std=1.0, generator=generator)


@pytest.fixture
def mine(monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "mine", f"{__name__}:Averages")
    return "mine"


LAWS = [
    laws.test_a_prefix_is_scored_as_in_the_whole,
    laws.test_the_future_does_not_matter_at_all,
    laws.test_a_text_is_scored_alone_as_in_any_batch_in_any_place,
    laws.test_a_row_of_padding_alone_gives_no_nan_not_even_in_gradients,
    laws.test_a_state_is_left_behind_where_another_document_begins,
    laws.test_gradients_of_a_packed_and_padded_batch_are_the_sum_of_those_alone,
    laws.test_a_state_used_twice_gives_one_answer,
    laws.test_rows_of_a_state_can_be_chosen_repeated_and_dropped,
    laws.test_a_state_comes_back_from_its_tensors_and_no_other_names_are_taken,
    laws.test_a_text_beyond_the_context_is_refused_with_both_numbers_or_read,
    laws.test_a_model_stands_behind_next_token_and_its_probabilities_sum_to_one,
]


@pytest.mark.parametrize("law", LAWS)
def test_a_newcomer_obeys(law, mine):
    law(mine)


def test_a_newcomer_is_saved_and_counted(mine, tmp_path):
    laws.test_a_saved_model_comes_back_bit_by_bit(mine, tmp_path)
    model = build_model(config_of(mine), VOCABULARY)
    assert cost.parameters(config_of(mine), VOCABULARY).total == sum(p.numel() for p in model.parameters())


def test_a_newcomer_that_keeps_its_activations_refuses_to_compute_them_again(mine):
    with pytest.raises(ConfigError, match="mine has no layers that can be computed again"):
        build_model(config_of(mine), VOCABULARY).recompute_layers()


SCRIPT = """
import sys
from pathlib import Path
from textmill.tables import ARCHITECTURES
ARCHITECTURES["mine"] = "test_newcomer:Averages"  # the line, before anything has read the table

from textmill.config.layers import load_config
from textmill.generation import write
from textmill.runs import open_run
from textmill.training import train

folder = Path(sys.argv[1])
(folder / "text.txt").write_text("over the hill and over the dale\\n" * 20)
knobs = {"model.arch": "mine", "model.d_model": 8, "model.seq_len": 8, "train.steps": 2, "train.sample_tokens": 2}
said = {"data.paths": (str(folder / "text.txt"),), "run.dir": str(folder / "runs"), "machine.threads": 1}
run = open_run(train(load_config(said | knobs | {"tokens.kind": "bytes", "eval.resamples": 100})).path)
settings = run.config.generate.model_copy(update={"max_new_tokens": 3})
[written] = write(run.model(), run.tokenizer, ["over"], settings, seed=0).finish()
print(run.status, run.evaluation() is not None, written.n_tokens)
"""


def test_a_newcomer_is_trained_reopened_and_writes_without_a_table_of_sizes(tmp_path):
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, cwd=here, env=os.environ | {"PYTHONPATH": here}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == ["finished", "True"]
