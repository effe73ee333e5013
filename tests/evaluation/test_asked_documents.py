"""A reader beside the evidence, asked of passages: what is put to what, what counts, what is offered; the ladder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textmill.config import Config, DataConfig, RunConfig
from textmill.evaluation import asked_documents, ladder
from textmill.evaluation.asked_documents import AskedOf, Put, about, put, scored
from textmill.results import Ladder
from textmill.tasks.answer import Asked, SpanAnswer
from textmill.tasks.asking import Candidate, Known, Offer, asker_of, blended, known_questions
from textmill.text.evidence import Evidence
from textmill.text.passages import Passage
from textmill.text.worlds import Facts

HOW_SURE = (500, 0.95, 0)


@dataclass
class Knows:
    """A reader that finds the words it knows, wherever they stand, and nothing else."""

    words: tuple[str, ...]
    nats: float = 3.0
    least: float = 0.5
    asked: list[str] = field(default_factory=list)

    def read(self, question: str, contexts: Any, n_best: int = 1) -> list[list[SpanAnswer]]:
        self.asked.append(question)
        found = []
        for context in contexts:
            places = [(context.find(word), word) for word in self.words if word in context]
            found.append([SpanAnswer(word, at, at + len(word), self.nats + self.least) for at, word in places])
        return found


def evidence(score: float, start: int = 0, text: str = "It costs 30 euros. It is red.") -> Evidence:
    passage = Passage(text, "a.md", 1, 0, len(text), 0, len(text))
    return Evidence(passage, start, start + 18, start + 9, start + 17, score)


def one(question: str, context: str, answer: str) -> Asked:
    answers = ((context.index(answer), answer),) if answer else ()
    return Asked(question, context, (1,), (1,), answers, "", "a:1", len(context), between=(256,))


def test_the_score_is_the_evidences_log_odds_and_the_readers_nats_times_its_weight():
    """ln(0.8/0.2) + 0.5 · 2 = 1.386 + 1: σ = 0.9158. Without a weight it is the evidence's own."""
    candidates = [Candidate(evidence(0.8), (12, 17), 2.0)]

    assert blended(candidates, 0.5)[0].score == pytest.approx(0.9158, abs=1e-4)
    assert blended(candidates, 0.5)[0].answer == "euros"
    assert blended(candidates, 0.0)[0] == candidates[0].evidence


def test_a_reader_that_would_rather_give_nothing_lowers_the_score_and_names_no_answer():
    candidates = [Candidate(evidence(0.8), (12, 17), -2.0), Candidate(evidence(0.6), None, -8.0)]
    first, second = blended(candidates, 0.5)

    assert first.score == pytest.approx(1 / (1 + np.exp(-(np.log(4) - 1))))
    assert first.answer == candidates[0].evidence.answer
    assert second.score == pytest.approx(1 / (1 + np.exp(-(np.log(1.5) - 4))))


def test_questions_are_put_to_their_passages_and_to_others_that_do_not_answer_them():
    here = ["# Kozitek\n\nKozitek costs 40 euros.", "# Gulunik\n\nGulunik weighs 3 kilograms."]
    others = ["# Bafitem\n\nBafitem works for 9 hours.", "# Bufokit\n\nBufokit was sold in 1990."]
    asked = [
        one("How much does Kozitek cost?", here[0], "40 euros"),
        one("What does Gulunik weigh?", here[1], "3 kilograms"),
    ]
    found, n_left_out = put(Knows(()), asked, others, seed=0)

    assert n_left_out == 0
    with_answer = [p for p in found if p.known.answers]
    without = [p for p in found if not p.known.answers]
    assert {p.known.question for p in with_answer} == {p.known.question for p in without} == {a.question for a in asked}
    assert all(c.evidence.passage.text in here for p in with_answer for c in p.candidates)
    assert all(c.evidence.passage.text in others for p in without for c in p.candidates)


@pytest.mark.parametrize("other", ["Kozitek has a lid.", "Bafitem costs 40 euros."])
def test_a_question_whose_name_or_answer_stands_in_the_others_is_not_put_to_them(other: str):
    asked = [one("How much does Kozitek cost?", "Kozitek costs 40 euros.", "40 euros")]
    found, _ = put(Knows(()), asked, [other], seed=0)

    assert [bool(p.known.answers) for p in found] == [True]


def test_more_questions_than_are_asked_are_drawn_and_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(asked_documents, "MOST_ASKED", 3)
    asked = [one(f"What is in box {n}?", f"Box {n} holds {n + 20} cups.", f"{n + 20}") for n in range(8)]
    found, n_left_out = put(Knows(()), asked, [], seed=0)

    assert len(found) == 3 and n_left_out == 5


def test_what_is_asked_about_is_a_name_in_either_language():
    assert about("How much does Kozitek cost?") == ["Kozitek"]
    assert about("翎峤杉海拔多少米？") == ["翎峤杉"]
    assert about("左侧有几个？") == []


def test_a_row_by_hand():
    known, none = Known("q", ("30 euros",), "", "a:1"), Known("q", (), "", "a:1")

    assert scored(known, evidence(0.9), "textmill") == (1, 1, 0, 0, 1, 1, 1)
    assert scored(known, None, "textmill") == (1, 0, 0, 0, 0, 0, 1)
    assert scored(none, evidence(0.9), "textmill") == (0, 0, 1, 0, 0, 0, 1)
    assert scored(none, None, "textmill") == (0, 0, 1, 1, 1, 1, 1)


def test_shares_and_their_difference_by_hand():
    """Two with an answer, of which one is right; two without, both refused with the reader, none without it."""
    right, wrong, refused, given = (
        (1, 1, 0, 0, 1, 1, 1),
        (1, 0, 0, 0, 0, 0, 1),
        (0, 0, 1, 1, 1, 1, 1),
        (0, 0, 1, 0, 0, 0, 1),
    )
    shown = AskedOf((right, wrong, refused, refused), (right, wrong, given, given), ("a", "b", "c", "d"), 0)

    assert shown.metrics(shown.trained) == {
        "asked_right": 0.5,
        "asked_refused": 1.0,
        "asked_em": 0.75,
        "asked_f1": 0.75,
    }
    assert shown.metrics(shown.untrained)["asked_f1"] == 0.25
    low, high = shown.difference(HOW_SURE) or (1, -1)
    assert 0 <= low <= 0.5 <= high <= 1
    assert AskedOf((right,), (right,), ("a",), 0).difference(HOW_SURE) is None


def test_the_answers_of_one_passage_are_drawn_together():
    """Alike within each passage: two draws of two passages, whatever the number of their questions."""
    right, wrong = (1, 1, 0, 0, 1, 1, 1), (1, 0, 0, 0, 0, 0, 1)
    shown = AskedOf((right,) * 50 + (wrong,) * 50, (wrong,) * 100, ("a",) * 50 + ("b",) * 50, 0)

    assert shown.difference(HOW_SURE) == (0.0, 1.0)


class Trained:
    """As much of a run as asking wants."""

    def __init__(self, **asks: Any):
        self.info = {"asks": asks} if asks else {}


@pytest.mark.parametrize(
    ("asks", "reads", "is_read"),
    [
        ({"weight": 0.4, "threshold": 0.3, "is_better": True}, "offered", True),
        ({"weight": 0.4, "threshold": 0.3, "is_better": False}, "offered", False),
        ({"weight": 0.4, "threshold": 0.3, "is_better": False}, "trained", True),
        ({"weight": 0.4, "threshold": 0.3, "is_better": True}, "untrained", False),
    ],
)
def test_what_a_run_offers_answers_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asks, reads, is_read):
    from textmill.tasks import asking

    (tmp_path / "a.md").write_text("# Kozitek\n\nKozitek costs 40 euros.\n")
    monkeypatch.setattr(asking, "load", lambda target: lambda run: Knows(("40 euros",)))
    config = Config(data=DataConfig(paths=(str(tmp_path / "a.md"),)), run=RunConfig(dir=str(tmp_path / "runs")))
    told: list[str] = []
    asker = asker_of(config.data.paths, config, Trained(**asks), notice=told.append, reads=reads)  # type: ignore[arg-type]

    assert (asker.reader is not None) is is_read
    assert asker.threshold == (0.3 if is_read else 0.45)
    assert any("reader of this run" in line for line in told) is (reads != "untrained")
    assert asker.ask("How much does Kozitek cost?").answer == "40 euros"


def test_the_ladder_asks_all_ways_the_same_and_takes_the_cheapest_that_is_enough(tmp_path: Path):
    Facts(seed=2).write(12, tmp_path / "hb")
    known = list(known_questions(str(tmp_path / "hb" / "questions.jsonl")))
    config = Config(data=DataConfig(paths=(str(tmp_path / "hb" / "documents"),)), run=RunConfig(dir=str(tmp_path)))
    index = asker_of(config.data.paths, config).index
    found = ladder.ladder(index, known, "q.jsonl", config.data.paths)
    rungs = {rung.name: rung for rung in found.rungs}

    assert [rung.name for rung in found.rungs] == ["closed", "overlap", "evidence", "scratch", "pretrained", "together"]
    assert {name for name, rung in rungs.items() if rung.ran} == {"overlap", "evidence"}
    assert all(rung.command.startswith("textmill train DOCS") for rung in found.rungs if not rung.ran)
    assert (found.n_with_answer, found.n_without_answer) == (36, 36)
    assert rungs["overlap"].metrics["refused"] < 0.2 < 0.7 < rungs["evidence"].metrics["refused"]
    assert found.recommended == "evidence" and rungs["evidence"].f1_minus_best == (0.0, 0.0)
    assert (rungs["overlap"].f1_minus_best or (0, 0))[1] < 0
    assert rungs["evidence"].size_bytes > 0 < (rungs["evidence"].seconds_a_question or 0)
    assert Ladder.model_validate_json(json.dumps(json.loads(found.to_json()))) == found


def test_of_ways_that_are_equally_good_the_one_that_takes_less_time_is_taken(monkeypatch: pytest.MonkeyPatch):
    """Two ways that give the same, one of which works ten times as long."""
    known = [Known("q", ("40",), "", "a:1"), Known("r", (), "", "a:2")] * 20

    def works(rounds: int) -> Any:
        def answer(question: str) -> tuple[str, str, str | None]:
            sum(range(rounds))
            return ("40", "40", None) if question == "q" else ("", "", None)

        return answer

    ways = [ladder.Way("together", works(500_000)), ladder.Way("evidence", works(500))]
    monkeypatch.setattr(ladder, "ways_of", lambda *_: ways)

    class Index:
        n_files = 1

    assert ladder.ladder(Index(), known, "q", ()).recommended == "evidence"  # type: ignore[arg-type]


def test_an_offer_that_makes_no_sense_is_damage():
    from textmill.errors import Damaged

    run = Trained(weight=1.0, colour="red")
    run.path = Path("runs/x")  # type: ignore[attr-defined]
    with pytest.raises(Damaged):
        Offer.of(run)  # type: ignore[arg-type]


def test_a_put_question_is_refused_below_the_threshold():
    known = Known("q", ("30 euros",), "", "a:1")
    one_put = Put(known, "g", (Candidate(evidence(0.5), None, -8.0),))

    assert one_put.row(0.0, 0.4, "textmill")[1] == 1
    assert one_put.row(0.0, 0.6, "textmill")[1] == 0
