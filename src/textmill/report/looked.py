"""What a look says in sentences, for terminal and page alike. Room: report/. Everything comes from results.Look."""

from __future__ import annotations

from collections.abc import Mapping

from textmill.report import numbers
from textmill.report.showing import on_one_line
from textmill.report.words import DOCUMENT_LANGUAGES, LANGUAGES, N_, PARTS, Words
from textmill.results import FileLook, Leaks, Look, Mistakes, Removed, Sampled, TokenCosts, TokenizerCost

KEPT = (*PARTS, "text")
"""Categories of the ledger that are text."""


def amount(found: Look, words: Words) -> str:
    """`14 files, 12.3 MB`, exact: in a sample, of all files that are text."""
    n_files, n_bytes = len(found.files), found.bytes
    if found.sample:
        n_files, n_bytes = found.sample.n_files, found.sample.bytes
    return words.comma.join([words.plural("%(n)s file", "%(n)s files", n_files), numbers.size(n_bytes)])


def sampled(sample: Sampled, words: Words) -> list[str]:
    """What a look at a sample is a look at: which part was read, what is exact, what is not said."""
    share = words("how much is in packed files is not known")
    if sample.share is not None:
        share = words("%(share)s of the bytes", share=numbers.share(sample.share))
    said = [
        words(
            "This is a look at a sample (--sample %(asked)s, seed %(seed)s): %(read)s of %(bytes)s were read, from "
            "%(n_read)s of %(n_files)s files (%(share)s).",
            asked=sample.asked,
            seed=sample.seed,
            read=numbers.size(sample.bytes_read),
            bytes=numbers.size(sample.bytes),
            n_read=numbers.count(sample.n_files_read),
            n_files=numbers.count(sample.n_files),
            share=share,
        ),
        words(
            "The number of files and their sizes are exact; every other number is of the sample. What would be held "
            "out is not said, for a sample would be split in another way than the whole. The command is for the whole "
            "text."
        ),
    ]
    if sample.n_in_blocks:
        said.append(
            words.plural(
                "%(n)s large file was read in blocks spread over it: a line number there counts lines that were read.",
                "%(n)s large files were read in blocks spread over them: a line number there counts lines that were "
                "read.",
                sample.n_in_blocks,
            )
        )
    if sample.n_beginnings:
        said.append(
            words.plural(
                "Of %(n)s file only the beginning was read, because it cannot be entered in the middle.",
                "Of %(n)s files only the beginning was read, because they cannot be entered in the middle.",
                sample.n_beginnings,
            )
        )
    return said


def scripts(found: Look, words: Words) -> list[tuple[str, float]]:
    """(script, share of the letters), the most frequent first, those without a letter left out."""
    shares = sorted(found.languages.items(), key=lambda item: -item[1])
    return [(_named(name, LANGUAGES, words), share) for name, share in shares if share]


def document_languages(found: Look, words: Words) -> list[tuple[str, float]]:
    """(language, share of the documents), the most frequent first."""
    return [(language_name(name, words), share) for name, share in found.document_languages.items()]


def language_name(name: str, words: Words) -> str:
    """zh, zh-Hant, en, mixed, other in words."""
    return _named(name, DOCUMENT_LANGUAGES, words)


def listed(shares: list[tuple[str, float]], words: Words) -> str:
    """`English 98.2 %, Chinese 1.8 %`"""
    return words.comma.join(f"{name} {numbers.share(share)}" for name, share in shares)


def repeats(found: Look, words: Words) -> str:
    """How many documents repeat another, in a line."""
    counted = found.duplicates
    said = [
        words("%(n)s exact", n=numbers.count(counted.exact)),
        words("%(n)s after normalisation", n=numbers.count(counted.normalised)),
    ]
    if counted.near is not None:
        said.append(words("%(n)s nearly equal", n=numbers.count(counted.near)))
    of = words.plural("of %(n)s document", "of %(n)s documents", counted.n_documents)
    return words.comma.join([*said, of])


def lengths(found: Look, words: Words) -> str:
    """How long documents are, in a line; empty without any."""
    if found.lengths is None:
        return ""
    return words(
        "%(shortest)s to %(longest)s, median %(median)s, nine in ten at most %(nine_in_ten)s",
        shortest=numbers.count(found.lengths.shortest),
        longest=numbers.count(found.lengths.longest),
        median=numbers.count(found.lengths.median),
        nine_in_ten=numbers.count(found.lengths.nine_in_ten),
    )


def against(found: Look, paths: str, words: Words) -> str:
    """How much of the test set stands in the text. paths: of the test set, made safe to show."""
    if found.against is None:
        return ""
    said = {
        "paths": paths,
        "n_found": numbers.count(found.against.n_found),
        "n": numbers.count(found.against.n_test_documents),
        "share": numbers.share(found.against.share),
    }
    if found.sample:
        return words(
            "test set %(paths)s: at least %(n_found)s of %(n)s documents (%(share)s) stand in the training text, of "
            "which a sample was searched",
            **said,
        )
    return words("test set %(paths)s: %(n_found)s of %(n)s documents (%(share)s) stand in the training text", **said)


def leak_metric(leaks: Leaks, words: Words) -> str:
    return words("bits per byte") if leaks.metric == "bpb" else words("texts told wrong")


def leak_rows(leaks: Leaks, words: Words) -> list[tuple[str, str, str]]:
    """The two splits and their difference: name, score, how it was made. Empty: not measured."""
    shown = numbers.measure if leaks.metric == "bpb" else numbers.share
    if leaks.naive is None or leaks.grouped is None:
        return []
    if leaks.by == "document":
        naive, grouped = words("documents at random"), words("repeats on one side")
    else:
        naive, grouped = words("lines at random"), words("whole blocks")
    interval = ""
    if leaks.interval is not None:
        low, high = map(shown, leaks.interval)
        interval = words("%(low)s to %(high)s", low=low, high=high)
    return [
        (words("naive split"), shown(leaks.naive), naive),
        (words("training's split"), shown(leaks.grouped), grouped),
        (words("difference"), shown(leaks.difference), interval),
    ]


def mistake_rows(mistakes: Mistakes, words: Words) -> list[list[str]]:
    """The first row names the columns: place, label, suggested label, probability, text. Empty without an example."""
    if not mistakes.examples:
        return []
    columns = [N_("place"), N_("label"), N_("rather"), N_("chance"), N_("text")]
    shown = [
        [one.place, one.label, one.suggested, numbers.share(one.probability), one.text] for one in mistakes.examples
    ]
    return [[words(column) for column in columns], *shown]


def mistakes_left_out(mistakes: Mistakes, words: Words) -> str:
    """Where the others are to be found; empty where all are shown."""
    more = (mistakes.n_likely or 0) - len(mistakes.examples)
    if mistakes.path is not None:
        return words("All are written in %(path)s.", path=on_one_line(mistakes.path))
    if more <= 0:
        return ""
    return words.plural(
        "%(n)s more is not shown; --mistakes-file FILE writes all.",
        "%(n)s more are not shown; --mistakes-file FILE writes all.",
        more,
    )


def token_rows(costs: TokenCosts, words: Words) -> list[list[str]]:
    """The first row names the columns: ids, all, and each language. Cells: tokens per character / bytes per token."""
    languages = list(dict.fromkeys(language for one in costs.tokenizers for language in one.languages))
    rows = [[words("tokens per character / bytes per token"), words("ids"), words("all")]]
    rows[0] += [language_name(language, words) for language in languages]
    for one in costs.tokenizers:
        spent = [one.total, *(one.languages[language] for language in languages)]
        cells = [
            f"{numbers.measure(cost.tokens_per_character)} / {numbers.measure(cost.bytes_per_token)}" for cost in spent
        ]
        rows.append([tokenizer_name(one, words), numbers.count(one.vocab_size), *cells])
    return rows


def tokenizer_name(one: TokenizerCost, words: Words) -> str:
    if one.chosen:
        return words("%(kind)s (training's choice)", kind=one.kind)
    return f"{one.kind} ({on_one_line(one.run)})" if one.run else one.kind


def dropped_bytes(file: FileLook) -> int:
    """Bytes of a file that are no text."""
    return sum(n_bytes for category, n_bytes in file.ledger.items() if category not in KEPT)


def kept_bytes(ledger: Mapping[str, int]) -> int:
    """Bytes that are text."""
    return sum(n_bytes for category, n_bytes in ledger.items() if category in KEPT)


def by_size(files: list[FileLook]) -> list[FileLook]:
    """The largest first."""
    return sorted(files, key=lambda file: (-file.bytes, file.path))


def encodings(files: list[FileLook]) -> list[tuple[str, int, int]]:
    """(encoding, files, bytes), the most frequent first."""
    counts: dict[str, tuple[int, int]] = {}
    for file in files:
        n_files, n_bytes = counts.get(file.encoding, (0, 0))
        counts[file.encoding] = (n_files + 1, n_bytes + file.bytes)
    return sorted(((name, *count) for name, count in counts.items()), key=lambda row: (-row[2], row[0]))


def example_of(rule: Removed) -> str:
    """One of what a cleaning rule took out; empty where none was kept."""
    return rule.examples[0] if rule.examples else ""


def _named(name: str, table: dict[str, str], words: Words) -> str:
    return words(table[name]) if name in table else name
