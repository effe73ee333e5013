"""What `textmill look` prints, in English or Chinese. Room: cli/. The numbers are those of results.Look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textmill.cli.look_measured import measured_texts
from textmill.cli.output import on_one_line, table
from textmill.report import looked
from textmill.report.numbers import count, share, size
from textmill.report.words import Words, category_name

if TYPE_CHECKING:
    from textmill.results import Against, Look

SHOWN_FILES, SHOWN_ENCODINGS, SHOWN_OVERLAPS = 20, 5, 10
BAR_COLUMNS = 40


def look_text(found: Look, words: Words, with_bars: bool = False) -> str:
    """All of it, ending with the command to run next. with_bars: lengths and languages as bars."""
    blocks = [looked.amount(found, words)]
    if found.sample:
        blocks.append("\n".join(looked.sampled(found.sample, words)))
        if found.sample.dropped:
            left_out = [f"{category_name(name, words)} {size(n)}" for name, n in found.sample.dropped.items()]
            blocks.append(words("left out whole by their names: %(list)s", list=words.comma.join(left_out)))
    blocks.append(ledger_text(found, words))
    if len(found.files) > 1:
        blocks.append(files_text(found, words))
    blocks.append("\n".join(facts(found, words)))
    if with_bars:
        blocks += bars(found, words)
    blocks += encodings_text(found, words)
    if found.cleaning:
        rows = [[words("cleaned away (--data.clean none keeps it)"), words("stretches"), words("bytes")]]
        rows[0].append(words("for example"))
        for rule in found.cleaning:
            rows.append([rule.rule, count(rule.n), count(rule.bytes), on_one_line(looked.example_of(rule))])
        blocks.append(table(rows, right=(1, 2)))
    if found.against:
        blocks.append(against_text(found, found.against, words))
    blocks += measured_texts(found, words)
    for title, lines in (
        (words("repeats, for example"), found.duplicates.examples),
        (words("records that cannot be read"), found.bad_records),
        (words("notes"), [words.told(note, found.messages) for note in found.notes]),
        (words("how it begins"), found.preview),
    ):
        if lines:
            blocks.append("\n".join([f"{title}{words.colon.rstrip()}", *(f"  {on_one_line(line)}" for line in lines)]))
    if found.page:
        blocks.append("\n".join([found.page, *found.plots]))
    if found.suggestion:
        blocks.append(words("next: %(command)s", command=found.suggestion))
    return "\n\n".join(blocks)


def ledger_text(found: Look, words: Words) -> str:
    """Where each byte goes: of the whole text, or of what was read of it."""
    documents = found.n_documents
    rows = [[words("where each byte goes"), words("bytes"), "", words("documents")]]
    for category, n_bytes in found.ledger.items():
        n_documents = count(documents[category]) if category in documents else ""
        part = share(n_bytes / found.bytes) if found.bytes else ""
        rows.append([category_name(category, words, on_one_line), count(n_bytes), part, n_documents])
    return table(rows, right=(1, 2, 3))


def files_text(found: Look, words: Words) -> str:
    """A few files in their order, or the largest of many."""
    rows = [[words("file"), words("bytes"), words("encoding"), words("dropped")]]
    shown = found.files if len(found.files) <= SHOWN_FILES else looked.by_size(found.files)[:SHOWN_FILES]
    for file in shown:
        rows.append(
            [on_one_line(file.path), count(file.bytes), file.encoding, count(looked.dropped_bytes(file))]
            + ([words("of %(size)s", size=size(file.of_bytes))] if file.of_bytes is not None else [])
        )
    text = table(rows, right=(1, 3))
    more = len(found.files) - len(shown)
    return (
        f"{text}\n{words('and %(n)s more (these are the largest; --json lists all)', n=count(more))}" if more else text
    )


def facts(found: Look, words: Words) -> list[str]:
    """Languages, repeats and lengths, a line each."""
    lines = [
        (words("languages"), looked.listed(looked.scripts(found, words), words)),
        (words("documents by language"), looked.listed(looked.document_languages(found, words), words)),
        (words("repeats"), looked.repeats(found, words)),
        (words("lengths in characters"), looked.lengths(found, words)),
    ]
    return [f"{label}{words.colon}{value}" for label, value in lines if value]


def bars(found: Look, words: Words) -> list[str]:
    """Documents by length and by language, a line of blocks each."""
    pictures = []
    rows: list[tuple[str, float, str]]
    if found.lengths and found.lengths.bins:
        rows = [
            (
                count(one.least) if one.least == one.most else f"{count(one.least)}–{count(one.most)}",
                one.n,
                count(one.n),
            )
            for one in found.lengths.bins
        ]
        pictures.append(_bars(words("documents by length in characters"), rows, words))
    shares = looked.document_languages(found, words)
    if shares:
        rows = [(name, part, share(part)) for name, part in shares]
        pictures.append(_bars(words("documents by language"), rows, words))
    return pictures


def _bars(title: str, rows: Sequence[tuple[str, float, str]], words: Words) -> str:
    """Bars that begin at one column; the longest has BAR_COLUMNS, one that is not nothing has a sign at least."""
    longest = max(value for _, value, _ in rows) or 1
    lines = []
    for label, value, shown in rows:
        eighths = max(round(8 * BAR_COLUMNS * value / longest), value > 0)
        bar = "█" * (eighths // 8) + ("", *"▏▎▍▌▋▊▉")[eighths % 8]
        lines.append([f"  {label}", shown, bar])
    return f"{title}{words.colon.rstrip()}\n" + table(lines, right=(0, 1))


def encodings_text(found: Look, words: Words) -> list[str]:
    """Lines of the files that are not in plain UTF-8."""
    judged = [file for file in found.files if file.lines]
    if not judged:
        return []
    lines = [words("not in plain UTF-8; judge by these lines whether it was read right (--encoding decides):")]
    for file in judged[:SHOWN_ENCODINGS]:
        lines.append(f"  {on_one_line(file.path)}, {file.encoding}:")
        lines += [f"    {on_one_line(line)}" for line in file.lines]
    if len(judged) > SHOWN_ENCODINGS:
        lines.append("  " + words("and %(n)s more (--json has all)", n=count(len(judged) - SHOWN_ENCODINGS)))
    return ["\n".join(lines)]


def against_text(found: Look, against: Against, words: Words) -> str:
    """The test set, and which of it stands where."""
    lines = [looked.against(found, ", ".join(map(on_one_line, against.paths)), words)]
    for one in against.found[:SHOWN_OVERLAPS]:
        where = words(
            "%(test)s in %(training)s, %(share)s of it: %(excerpt)s",
            test=on_one_line(one.test),
            training=on_one_line(one.training),
            share=share(one.share),
            excerpt=on_one_line(one.excerpt),
        )
        lines.append(f"  {where}")
    if against.n_found > SHOWN_OVERLAPS:
        more = count(against.n_found - SHOWN_OVERLAPS)
        lines.append("  " + words("and %(n)s more (--json has the first hundred)", n=more))
    return "\n".join(lines)
