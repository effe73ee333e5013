"""The sentiment grammar as labelled files: what a world writes is read as it is, with the labels that it knows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text import look, plan_split
from textmill.text.documents import LABELS, PARTS
from textmill.text.label_findings import label_counts
from textmill.text.labels import in_class_order
from textmill.text.worlds import Causes, Sentiment, write
from textmill.text.worlds.world import LANGUAGES, Language

N = 400


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("n_labels", [2, 3])
def test_written_reviews_come_back_with_their_labels_in_their_parts(
    language: Language, n_labels: int, tmp_path: Path
) -> None:
    world = Sentiment(language=language, n_labels=n_labels, seed=3)
    written = write(world, N, tmp_path / "reviews", valid_share=0.2, test_share=0.2)

    plan = plan_split(DataConfig(paths=tmp_path / "reviews", labelled=True, near_duplicates="off"))

    known = Counter(review.label for review in world.items(N))
    label_of = {review.text: review.label for review in world.items(N)}
    found = {part: list(plan.documents(part)) for part in PARTS}
    assert {part: len(documents) for part, documents in found.items()} == dict(written.n_items)
    everything = [document for documents in found.values() for document in documents]
    assert label_counts(everything) == {name: known[name] for name in in_class_order(world.labels)}
    assert all(document.meta[LABELS] == (label_of[document.text],) for document in everything)
    for file in plan.ledger.files:
        assert sum(file.ledger.values()) == file.bytes == Path(file.path).stat().st_size
        assert file.ledger["label"] == sum(
            len(document.meta[LABELS][0].encode()) for document in everything if document.source.startswith(file.path)
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_world_named_as_a_path_is_read_with_its_labels(language: Language) -> None:
    path = f"builtin:sentiment,n=120,seed=3,lang={language}"
    plan = plan_split(DataConfig(paths=path, labelled=True, valid_share=0, test_share=0, near_duplicates="off"))
    reviews = list(Sentiment(language=language, seed=3).items(120))
    assert [(d.text, d.meta[LABELS]) for d in plan.documents("train")] == [(r.text, (r.label,)) for r in reviews]
    assert any(f"{reviews[0].label}; " in note for note in plan.notes)


def test_other_worlds_with_labels_are_read_too_and_those_without_are_refused(tmp_path: Path) -> None:
    write(Causes(seed=1), 50, tmp_path / "causes")
    found = look(DataConfig(paths=tmp_path / "causes", labelled=True))
    assert found.ledger["label"] > 0 and "other:no-label" not in found.ledger
    with pytest.raises(
        InputError, match=r"no column is called as labels mostly are \(there are: text, sentences, question"
    ):
        look(DataConfig(paths="builtin:stories,n=10", labelled=True))
