"""What a text holds and where it would go: the facts behind `textmill look`. Room: text/. Writes nothing."""

from __future__ import annotations

from textmill.config import DataConfig
from textmill.results import Look
from textmill.text.splits import SplitPlan, plan_split

SHOWN_BAD_RECORDS = 10


def look(data: DataConfig, plan: SplitPlan | None = None) -> Look:
    """Files, ledger, languages, duplicates, preview, bad records and notes; `suggestion` is left to training.

    The ledger is the one that training on the same [data] would have: looking plans the same split. plan: that split,
    where the caller has it already; it costs two passes over the files.
    """
    plan = plan or plan_split(data)
    return Look(
        files=plan.ledger.files,
        bytes=plan.ledger.n_bytes,
        ledger=plan.ledger.total,
        languages=plan.languages,
        duplicates=plan.duplicates,
        n_documents=plan.n_documents,
        preview=plan.preview,
        bad_records=plan.bad_records[:SHOWN_BAD_RECORDS],
        notes=plan.notes,
    )
