"""results.Look -> look.html, one file that works offline and runs no scripts. Room: report/.

Sorts, folds and rounds; the template (look.html.jinja) only lays out. What a long list leaves out is counted.
"""

from __future__ import annotations

from typing import Any

from textmill.report import looked, numbers, showing
from textmill.report.drawing import Pictures
from textmill.report.sheet import written
from textmill.report.words import LOOK_MEANINGS, N_, PARTS, Words, category_name, ledger_order
from textmill.results import Look

FILES_SHOWN, FILES_FOLDED = 12, 500
LINES_SHOWN = 20
OVERLAPS_SHOWN = 10
NOTES_SHOWN = 12
CONTENTS = {
    "short": N_("In short"),
    "lengths": N_("How long are the documents?"),
    "languages": N_("Which languages?"),
    "begins": N_("How it begins"),
    "bytes": N_("Where the bytes go"),
    "files": N_("Files and encodings"),
    "repeats": N_("Repeats"),
    "leaks": N_("What would a careless split hide?"),
    "mistakes": N_("Which labels are likely wrong?"),
    "tokens": N_("What do tokenizers spend on it?"),
    "left-out": N_("What cannot be read, and what is cleaned away"),
    "notes": N_("Decided without being asked, and found"),
    "next": N_("What to do next"),
}


ASKED = ("leaks", "mistakes", "tokens")  # sections that are there where they were asked for


def look_page(found: Look, name: str, pictures: Pictures, words: Words) -> str:
    """The whole page as HTML. name: of the text."""
    values = (
        {"found": found, "kind": words("What a text holds"), "name": name}
        | {"contents": [(anchor, words(CONTENTS[anchor])) for anchor in CONTENTS if _has(found, anchor)]}
        | {"pictures": pictures.drawn, "notes": pictures.notes}
        | short_of(found, words)
        | bytes_of(found, words)
        | files_of(found, words)
        | repeats_of(found, words)
        | measured_of(found, words)
    )
    return written("look.html.jinja", values, words)


def _has(found: Look, anchor: str) -> bool:
    return anchor not in ASKED or getattr(found, anchor) is not None


def short_of(found: Look, words: Words) -> dict[str, Any]:
    """The first section, and the sentences of the others."""
    notes = [words.told(note, found.messages) for note in found.notes]
    folded = notes[NOTES_SHOWN:] if len(notes) > NOTES_SHOWN + 1 else []
    return {
        "amount": looked.amount(found, words),
        "n_documents": found.duplicates.n_documents,
        "kept_share": looked.kept_bytes(found.ledger) / found.bytes if found.bytes else None,
        "sampled": looked.sampled(found.sample, words) if found.sample else [],
        "scripts": looked.scripts(found, words),
        "scripts_listed": looked.listed(looked.scripts(found, words), words),
        "languages": looked.document_languages(found, words),
        "lengths": looked.lengths(found, words),
        "preview": [
            {"text": text, "lang": showing.language_of_sample(text, found.languages)} for text in found.preview
        ],
        "found_notes": notes[: len(notes) - len(folded)],
        "folded_notes": folded,
        "folded_notes_summary": words.plural("%(n)s more note", "%(n)s more notes", len(folded)),
    }


def bytes_of(found: Look, words: Words) -> dict[str, Any]:
    """The ledger with reasons, and the files that a sample passes over by their names."""
    return {
        "ledger": [
            {
                "name": category_name(category, words),
                "bytes": found.ledger[category],
                "share": found.ledger[category] / found.bytes if found.bytes else 0.0,
                "n_documents": found.n_documents.get(category),
                "meaning": words(LOOK_MEANINGS[category]) if category in LOOK_MEANINGS else "",
            }
            for category in ledger_order(found.ledger)
        ],
        "passed_over": [
            (category_name(category, words), found.sample.dropped[category])
            for category in ledger_order(found.sample.dropped)
        ]
        if found.sample
        else [],
        "has_parts": any(part in found.ledger for part in PARTS),
    }


def files_of(found: Look, words: Words) -> dict[str, Any]:
    """The largest files, the others folded or counted; encodings; lines to judge an encoding by."""
    files = looked.by_size(found.files)
    folded = files[FILES_SHOWN:] if len(files) > FILES_SHOWN + 1 else []
    left_out = len(folded) - len(folded[:FILES_FOLDED])
    judged = [file for file in files if file.lines]
    return {
        "files": files[: len(files) - len(folded)],
        "folded_files": folded[:FILES_FOLDED],
        "folded_files_summary": words.plural("%(n)s smaller file", "%(n)s smaller files", len(folded[:FILES_FOLDED])),
        "files_left_out": words.plural(
            "%(n)s smaller file is not listed here; textmill look --json lists all.",
            "%(n)s smaller files are not listed here; textmill look --json lists all.",
            left_out,
        )
        if left_out
        else "",
        "categories": ledger_order({category for file in files for category in file.ledger}),
        "encodings": looked.encodings(found.files),
        "judged": judged[:LINES_SHOWN],
        "judged_summary": words.plural(
            "%(n)s file that is not in plain UTF-8: three lines, to judge by whether it was read right",
            "%(n)s files that are not in plain UTF-8: three lines each, to judge by whether they were read right",
            len(judged),
        ),
        "judged_left_out": words.plural(
            "%(n)s more such file is not shown here; textmill look --json has all.",
            "%(n)s more such files are not shown here; textmill look --json has all.",
            len(judged) - LINES_SHOWN,
        )
        if len(judged) > LINES_SHOWN
        else "",
    }


def repeats_of(found: Look, words: Words) -> dict[str, Any]:
    """Repeats, and the test set that was searched for."""
    overlaps = found.against.found[:OVERLAPS_SHOWN] if found.against else []
    more = found.against.n_found - len(overlaps) if found.against else 0
    paths = ", ".join(map(showing.on_one_line, found.against.paths)) if found.against else ""
    near = found.duplicates.near
    return {
        "repeats": [
            (words("documents in all"), found.duplicates.n_documents),
            (words("documents that repeat an earlier one exactly"), found.duplicates.exact),
            (words("documents that repeat an earlier one after normalisation"), found.duplicates.normalised),
            *([] if near is None else [(words("documents that are nearly another one"), near)]),
        ],
        "against": looked.against(found, paths, words),
        "overlaps": [
            {"test": one.test, "training": one.training, "share": one.share, "excerpt": one.excerpt} for one in overlaps
        ],
        "overlaps_left_out": words.plural(
            "%(n)s more is not shown here; --json has the first hundred.",
            "%(n)s more are not shown here; --json has the first hundred.",
            more,
        )
        if more
        else "",
        "cleaning": [
            {"rule": rule.rule, "n": rule.n, "bytes": rule.bytes, "example": numbers.NO_VALUE}
            | ({"example": looked.example_of(rule)} if rule.examples else {})
            for rule in found.cleaning
        ],
    }


def measured_of(found: Look, words: Words) -> dict[str, Any]:
    """What --leaks, --mistakes and --tokens measured."""
    values: dict[str, Any] = {}
    if found.leaks:
        values["leaks"] = looked.leak_rows(found.leaks, words)
        values["leaks_metric"] = looked.leak_metric(found.leaks, words)
        values["leaks_title"] = (
            words("A 5-gram model on text that was held out in two ways")
            if found.leaks.metric == "bpb"
            else words("Tf-idf with logistic regression on text that was held out in two ways")
        )
        values["leaks_verdict"] = words.told(found.leaks.verdict, found.messages)
    if found.mistakes:
        [values["mistake_columns"], *values["mistake_rows"]] = looked.mistake_rows(found.mistakes, words) or [[]]
        values["mistakes_verdict"] = words.told(found.mistakes.verdict, found.messages)
        values["mistakes_left_out"] = looked.mistakes_left_out(found.mistakes, words)
    if found.tokens:
        [[values["token_caption"], *columns], *values["token_rows"]] = looked.token_rows(found.tokens, words)
        values["token_columns"] = [(words("tokenizer"), False), *((column, True) for column in columns)]
        values["token_notes"] = [words.told(note, found.messages) for note in found.tokens.notes]
    return values
