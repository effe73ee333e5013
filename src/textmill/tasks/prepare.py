"""Text -> tokenizer, ids in parts, ledger: RUNS/.data/FINGERPRINT. Room: tasks/.

Called by training and by `look`; whatever is prepared already is used again, by any run of that text.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from textmill.config import Config
from textmill.errors import InputError
from textmill.files import new_folder, remove_abandoned, sha256_of, write_sealed_json
from textmill.messages import message, record_of
from textmill.runs import Prepared, hashes_of
from textmill.tables import TASKS, load
from textmill.tasks.own_texts import Losses
from textmill.tasks.task import Task
from textmill.text import Part, SplitPlan, plan_split
from textmill.text.documents import QUESTION_ID
from textmill.text.wording import PART_WORDS
from textmill.tokens import Tokenizer, TokenStore
from textmill.tokens.amount import learned, too_little, with_tokens_chosen

FORMAT = 1
OF_READING = {"both_ways", "balanced", "mask_share", "whole_words", "longest_answer", "window_stride"}
"""Knobs of [task] that say how what is prepared is read."""
PART_NAMES: dict[Part, str] = {"train": "train", "validation": "valid", "test": "test"}
PART_WORDS_OF = {folder: PART_WORDS[part] for part, folder in PART_NAMES.items()}


def task_of(config: Config) -> Task:
    """The task that the config names."""
    task: Task = load(TASKS[config.task.name]).of(config)
    return task


def fingerprint_of(config: Config, plan: SplitPlan, tokenizer: Path | None = None) -> str:
    """Equal for equal files, [data], [tokens], [task] and format, and an equal tokenizer where it is given: the name of
    the prepared folder."""
    parts = {
        "format": FORMAT,
        "files": plan.fingerprint,
        "data": config.data.model_dump(mode="json"),
        "tokens": config.tokens.model_dump(mode="json"),
        "task": config.task.model_dump(mode="json", exclude=OF_READING),
    }
    if tokenizer is not None:
        parts["tokenizer"] = {path.name: sha256_of(path) for path in sorted(tokenizer.glob("tokenizer*.json"))}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def prepare(
    config: Config,
    into: Path,
    notice: Callable[[str], None] = lambda text: None,
    plan: SplitPlan | None = None,
    tokenizer_of: Path | None = None,
) -> tuple[Prepared, Config]:
    """The prepared text under `into` (RUNS/.data), made where it is not there yet; and the config with tokens decided.

    The tokenizer learns from the training part only. Raises InputError, NoSpace; nothing half-made stays. Raises
    Damaged where prepared text that is there is not what was written: all of it is read, about a second for a GB.
    plan: how this text is split, where the caller has planned it already. tokenizer_of: a folder whose tokenizer is
    taken instead; config.tokens says what it is.
    """
    plan = plan or plan_split(config.data)
    shares = plan.languages
    config, reason = with_tokens_chosen(config, plan, shares)
    if abandoned := remove_abandoned(into):
        notice(f"Removed from {into}, left by a preparation that was killed: {', '.join(abandoned)}.")
    path = into / fingerprint_of(config, plan, tokenizer_of)
    if (path / "ledger.json").is_file():
        prepared = Prepared.open(path)
        for store in prepared.stores.values():
            store.verify()
        return prepared, config

    task = task_of(config)
    notes = [*plan.notes, *([reason] if reason else [])]
    with new_folder(path) as temporary:
        if tokenizer_of is None:
            texts = lambda: (document.texts for document in plan.documents("train"))  # noqa: E731
            tokenizer = learned(config, texts, config.data.split_seed)
        else:
            tokenizer = Tokenizer.load(tokenizer_of)
        if tokenizer.note:
            notes.append(tokenizer.note)
        tokenizer.save(temporary)
        losses = Losses(tokenizer)
        stores: dict[str, TokenStore] = {}
        for part, folder in PART_NAMES.items():
            if plan.n_documents.get(part):
                stores[folder] = store = task.encode(
                    losses.counted(plan.documents(part)), tokenizer, temporary / folder
                )
                if part == "train" and config.data.make_questions and not store.n_documents:
                    raise InputError(
                        message("nothing is told in these documents that a question could be made of"),
                        where=", ".join(config.data.paths),
                        hint=message(
                            "names, numbers with units, dates, quoted terms, `Weight: 5 kg` are asked for; or give "
                            "questions with answers: textmill train questions.json --task answer"
                        ),
                    )
                if part == "train" and (refused := too_little(store.n_tokens, config.data.paths)):
                    raise refused
        if config.data.make_questions:
            from textmill.text.question_making import made_told  # as splits does

            for name, store in stores.items():
                told = made_told(Counter(kind for (kind,) in store.field(QUESTION_ID)))
                notes.append(message("%(part)s: %(told)s", part=PART_WORDS_OF[name], told=told))
        task.refuse(stores)
        notes += losses.notes
        write_sealed_json(
            temporary / "ledger.json",
            {
                "format": FORMAT,
                "fingerprint": plan.fingerprint,
                "files": [file.model_dump() for file in plan.ledger.files],
                "ledger": plan.ledger.total,
                "n_documents": plan.n_documents,
                "by_blocks": plan.by_blocks,
                "languages": shares,
                "duplicates": plan.duplicates.model_dump(),
                "bad_records": plan.bad_records,
                "notes": notes,
                "messages": record_of(notes),
                "hashes": hashes_of(temporary),
            },
        )
    for note in notes:
        notice(note)
    return Prepared.open(path), config
