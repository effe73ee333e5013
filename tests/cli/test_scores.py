"""The table of numbers beside their floor."""

from __future__ import annotations

from textmill.cli.scores import scores_table


def test_no_number_stands_under_a_unit_that_is_not_its_own() -> None:
    """The 5-gram over bytes spends 0.312 nats a byte: it stood under "nats per token" as if it beat the model."""
    floor = {"bpb": 0.451, "bpc": 1.33, "loss": 0.312, "perplexity": 1.367}
    model = {"bpb": 0.443, "bpc": 1.306, "loss": 0.902, "perplexity": 2.465}

    lines = scores_table(model, {"ngram": floor, "ngram_bytes": floor}).splitlines()

    assert lines[-1].split() == ["5-gram", "over", "bytes", "0.451", "1.330", "–", "–"]
    assert lines[-2].split()[-2:] == ["0.312", "1.367"]
