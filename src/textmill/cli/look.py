"""`textmill look PATH...`: what a text holds, before anything is done with it. Room: cli/."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from textmill.cli.fetching import fetch_on_use
from textmill.cli.look_measured import measurements, measuring_options
from textmill.cli.output import Shell
from textmill.cli.plan import show_plan
from textmill.cli.verb import verb
from textmill.errors import UsageError

if TYPE_CHECKING:
    from textmill.report.words import Words

SHOWN_PATHS = 3


@verb(
    "look",
    knobs=("data", "task.name"),
    writes=True,
    examples=(
        "textmill look my_texts/                     files, bytes, languages, repeats, and what would be held out",
        "textmill look reviews.csv --data.text body  which column holds the text",
        "cat notes.txt | textmill look -             standard input",
        "textmill look my_texts/ --against test.txt  how much of a test set stands in it",
        "textmill look my_texts/ --leaks             what a naive split would hide",
        "textmill look reviews.csv --task classify --mistakes   which labels are likely wrong",
        "textmill look my_texts/ --tokens            tokens per character, by language",
        "textmill look my_texts/ --removed out.jsonl write down all that cleaning takes out",
        "textmill look my_texts/ --out page/         a page to show: page/look.html, and its pictures",
        "textmill look my_texts/ --sample 200MB      of a large text, a part that is spread over it",
        "textmill look news.en news.de --task translate   do the sides go together, line by line?",
        "textmill look my_texts/ --json",
    ),
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--against", multiple=True, metavar="PATH", help="A test set: which of it stands in the training text?")
@measuring_options
@click.option("--sample", metavar="SIZE", help="Read about so much of it, such as 200MB or 5%, spread over all of it.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write look.html and plots/ into DIR.")
@click.option("--bars", is_flag=True, help="Lengths and languages as bars in the terminal.")
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of it. Default: TEXTMILL_LANG, LANG.")
def look_command(
    shell: Shell,
    paths: tuple[str, ...],
    against: tuple[str, ...],
    sample: str | None,
    out: Path | None,
    bars: bool,
    lang: str | None,
    **wished: Any,
) -> None:
    """See what a text holds, what would be dropped and why, and which command to run next.

    Only --out, --removed and --mistakes-file write.

    PATH is a file in any encoding (.txt .md .csv .tsv .jsonl .json .html .parquet .pdf .docx .epub, packed or not), a
    folder, an archive, `-` for standard input, or what `textmill data list` shows: pypi:NAME and builtin:NAME.
    """
    from textmill.report.words import Words, language

    words = Words(lang or language())
    if out is not None:
        stands_apart(out, (*paths, *shell.load(data__paths=paths).config.data.valid))
    measured = measurements(shell, paths, **wished)
    if shell.dry_run:
        writes = [str(out / name) for name in ("look.html", "plots/")] if out else []
        if "removed" in measured:
            writes.append(str(measured["removed"]))
        if isinstance(measured.get("mistakes"), Path):
            writes.append(str(measured["mistakes"]))
        plan: dict[str, Any] = {"paths": list(paths), "sample": sample, "lang": words.lang}
        if "removed" in measured:
            from textmill.training import plan_removals

            data = shell.load(data__paths=paths).config.data
            fetch_on_use(shell, (*data.paths, *data.valid, *data.test))
            plan |= plan_removals(data, measured["removed"], sample)
        show_plan(shell, verb="look", run=None, writes=writes, plan=plan)
        return
    from textmill.cli.look_text import look_text
    from textmill.results import Look
    from textmill.training import look

    with standing_for_stdin(paths) as files:
        config = shell.load(data__paths=tuple(files.get(path, path) for path in paths)).config
        data = config.data
        fetch_on_use(shell, (*data.paths, *data.valid, *data.test, *against))
        found = look(data, task=config.task.name, against=against, sample=sample, **measured)
    names = {file: path for path, file in files.items()}
    found = Look.model_validate(_renamed(found.model_dump(by_alias=True), names))
    if out is not None:
        from textmill.report import render_look

        found, notes = render_look(found, name_of(paths, words), out, words.lang)
        for note in notes:
            shell.notice(note)
    shell.show(found, lambda found: look_text(found, words, with_bars=bars))


def name_of(paths: tuple[str, ...], words: Words) -> str:
    """What was looked at, for the head of a page."""
    named = words.comma.join(words("standard input") if path == "-" else path for path in paths[:SHOWN_PATHS])
    more = len(paths) - SHOWN_PATHS
    return words("%(names)s and %(n)s more", names=named, n=more) if more > 0 else named


def stands_apart(out: Path, paths: tuple[str, ...]) -> None:
    """Raise UsageError where the page would be written into a folder of text: the next look would read it as text."""
    for path in paths:
        if Path(path).is_dir() and out.resolve().is_relative_to(Path(path).resolve()):
            raise UsageError(
                f"--out {out} lies in the folder of text {path}: the page would be read as text the next time",
                hint="Name a folder outside of it.",
            )


@contextlib.contextmanager
def standing_for_stdin(paths: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """{"-": a file} with what standard input holds, for as long as it is looked at; {} where nobody asks for it."""
    if "-" not in paths:
        yield {}
        return
    import tempfile

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
