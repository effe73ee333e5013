"""Is 2.3 normal? The verdict says where a number stands, and is honest below the floor."""

from __future__ import annotations

import math
import re

import pytest

from textmill.evaluation.landmarks import LANDMARKS, best_known, kind_of, verdict
from textmill.messages import record_of, retold
from textmill.results import Evaluation

ENGLISH, CHINESE = {"zh": 0.0, "en": 0.97, "other": 0.03}, {"zh": 0.9, "en": 0.1, "other": 0.0}


def evaluation(bpb, floor=2.2, floor_bytes=2.4, bytes_per_token=4, vocab=1024, difference=(-1.0, -0.1)):
    n_tokens = 1000
    n_bytes = bytes_per_token * n_tokens
    nats = bpb * math.log(2) * bytes_per_token
    metrics = {"loss": nats, "perplexity": math.exp(nats), "bpb": bpb, "bpc": bpb}
    return Evaluation(
        run="runs/novel",
        data="test",
        metrics=metrics | {"n_tokens": n_tokens, "n_bytes": n_bytes, "n_chars": n_bytes},
        intervals={},
        baselines={
            "uniform": {"bpb": math.log2(vocab) / bytes_per_token},
            "ngram": {"bpb": floor},
            "ngram_bytes": {"bpb": floor_bytes},
        },
        convention={"bpb_minus_floor": {"ngram": difference}},
    )


def test_a_model_between_floor_and_best_is_placed_in_percent():
    """Floor 2.2, best 0.99, model 1.716: (2.2 − 1.716) / (2.2 − 0.99) = 40 % of the way; 1 − 1.716/2.2 = 22 %.

    1.716 bits · 4 bytes · ln 2 = 4.758 nats.
    """
    said = verdict(evaluation(1.716), ENGLISH)
    assert said.startswith(
        "Better than the floor: counting 5-grams over the same tokens spends 2.20, the model 22 % less"
    )
    assert "A loss of 4.76 nats per token is 1.72 bits per byte (4.00 bytes per token)." in said
    assert "gone 40 %" in said and "normal" in said and "Transformer-XL" in said and "1901.02860" in said


def test_below_the_floor_it_says_so_and_what_to_do():
    """Uniform 2.5, floor 2.2, model 2.32: (2.5 − 2.32) / (2.5 − 2.2) = 60 % of the way from guessing to counting."""
    said = verdict(evaluation(2.32), ENGLISH)
    assert "Worse than the floor" in said and "come 60 % of the way" in said and "train longer" in said
    assert "normal" not in said and "gone" not in said


def test_the_first_sentence_alone_says_whether_the_floor_is_beaten():
    """The page's lead and the end of a training say that sentence and no more."""
    for bpb, beginning in ((1.7, "Better than the floor"), (2.32, "Worse than the floor"), (2.6, "Not normal")):
        said = verdict(evaluation(bpb), ENGLISH)
        first, *rest = retold(said, record_of([said]))
        assert first.startswith(beginning)
        assert not any(words in sentence for sentence in rest for words in ("than the floor", "Not normal"))
        assert " ".join([first, *rest]) == said


def test_the_better_of_the_two_rows_is_the_floor():
    assert "over bytes spends 2.10" in verdict(evaluation(2.0, floor=2.2, floor_bytes=2.1), ENGLISH)
    assert "Worse than the floor: counting 5-grams over bytes" in verdict(evaluation(2.15, 2.2, 2.1), ENGLISH)


def test_no_better_than_guessing_is_not_normal():
    assert "Not normal" in verdict(evaluation(2.6), ENGLISH)
    assert "no finite number" in verdict(evaluation(math.inf), ENGLISH)


def test_a_difference_that_could_be_chance_is_called_so():
    assert "chance" in verdict(evaluation(2.19, difference=(-0.05, 0.03)), ENGLISH)
    assert "chance" not in verdict(evaluation(2.19, difference=(-0.05, -0.01)), ENGLISH)


def test_where_no_number_is_known_it_says_that():
    said = verdict(evaluation(1.5), CHINESE)
    assert "For Chinese text no published number in bits per byte is known to us" in said
    assert best_known("chinese") is None and best_known("other") is None


def test_two_tokenizers_on_one_text_get_one_verdict():
    """Equal bits per byte, 1 or 4 bytes a token: all that differs is the loss itself and what guessing would spend."""
    byte_wise = verdict(evaluation(1.8, bytes_per_token=1, vocab=257), ENGLISH)
    bpe = verdict(evaluation(1.8, bytes_per_token=4, vocab=2048), ENGLISH)

    def judged(said):
        return re.sub(r"A loss of .*? per token\)\. Guessing evenly would spend [\d.]+\.", "", said)

    assert judged(byte_wise) == judged(bpe) != ""
    assert byte_wise != bpe


def test_pythons_own_documentation_has_its_own_landmark():
    said = verdict(evaluation(2.1), ENGLISH, ["builtin:python-docs"])
    assert "the documentation inside Python is 2.01" in said and "measured by this project" in said
    assert "gone" not in said  # floor 2.2 and best 2.01 are of different modules: their distance is no ruler
    assert "the model is there" in verdict(evaluation(1.9, floor=2.3), ENGLISH, ["builtin:python-docs"])
    assert kind_of(ENGLISH, ["builtin:python-docs", "mine.txt"]) == "english"
    assert kind_of({"zh": 0.4, "en": 0.3, "other": 0.3}) == "other"


def test_a_world_is_not_held_against_texts_that_people_wrote():
    assert kind_of(ENGLISH, ["builtin:markov,n=20"]) == kind_of(ENGLISH, ["mine.txt", "builtin:stories"]) == "other"
    assert "no published number" in verdict(evaluation(2.1), ENGLISH, ["builtin:stories"])


def test_every_landmark_has_a_source_and_each_kind_at_most_one_best():
    assert all(landmark.source and 0 < landmark.bits < 8 for landmark in LANDMARKS)
    bests = [landmark.kind for landmark in LANDMARKS if landmark.is_best]
    assert len(bests) == len(set(bests))
    [shakespeare] = [landmark for landmark in LANDMARKS if "tinyshakespeare" in landmark.text]
    assert shakespeare.bits * math.log(2) == pytest.approx(1.4697)


def test_without_a_floor_there_is_still_a_verdict():
    bare = evaluation(1.8).model_copy(update={"baselines": {}})
    assert "no n-gram floor" in verdict(bare, ENGLISH) and "0.99" in verdict(bare, ENGLISH)


def test_a_translator_is_held_against_what_needs_no_model_and_not_against_texts() -> None:
    for bleu, doubt in ((30.0, False), (4.0, True)):
        found = evaluation(0.66)
        found.metrics["bleu"] = bleu
        found.baselines |= {"copy": {"bleu": 0.4, "chrf": 15.0}, "dictionary": {"bleu": 5.5, "chrf": 30.0}}
        said = verdict(found, ENGLISH)
        assert f"BLEU is {bleu:.1f}." in said and "would have 0.4" in said and "it would be 5.5" in said
        assert "best known" not in said and ("no translation yet" in said) == doubt
