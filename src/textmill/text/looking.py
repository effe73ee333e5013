"""What a text holds and where it would go: the facts behind `textmill look`. Room: text/. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from textmill.config import DataConfig
from textmill.messages import record_of
from textmill.results import Against, Look, Overlapping
from textmill.text.against import find_overlaps
from textmill.text.documents import ReadReport
from textmill.text.reading import read_documents
from textmill.text.splits import SplitPlan, plan_split

SHOWN_BAD_RECORDS = 10
SHOWN_OVERLAPS = 100


def look(data: DataConfig, plan: SplitPlan | None = None) -> Look:
    """Files, ledger, languages, duplicates, preview, bad records and notes; `suggestion` is left to training.

    The ledger is the one that training on the same [data] would have: looking plans the same split. plan: that split,
    where the caller has it already; it costs two passes over the files.
    """
    plan = plan or plan_split(data, tell_languages=True)
    found = Look(
        files=plan.ledger.files,
        bytes=plan.ledger.n_bytes,
        ledger=plan.ledger.total,
        languages=plan.languages,
        duplicates=plan.duplicates,
        n_documents=plan.n_documents,
        document_languages=plan.document_languages,
        lengths=plan.lengths,
        cleaning=plan.cleaning,
        preview=plan.preview,
        bad_records=plan.bad_records[:SHOWN_BAD_RECORDS],
        messages=record_of(plan.notes),
        sample=plan.sample,
    )
    return found.model_copy(update={"notes": plan.notes})  # validated, they would be plain strings


def look_against(plan: SplitPlan, paths: Sequence[str], data: DataConfig) -> Against:
    """Which documents of a test set stand in the training text of a plan. Raises InputError."""
    report = ReadReport()
    tests = read_documents(paths, data, report)
    found = find_overlaps(plan.documents("train"), tests)
    return Against(
        paths=list(paths),
        n_test_documents=found.n_test_documents,
        n_found=found.n_found,
        share=found.share,
        found=[
            Overlapping(test=one.test, training=one.training, share=one.share, excerpt=one.excerpt)
            for one in found.found[:SHOWN_OVERLAPS]
        ],
    )
