"""`textmill prepare PATH...`: text as ids, ahead of training. Room: cli/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from textmill.cli.output import Shell, table
from textmill.cli.plan import plan_text
from textmill.cli.progress import TerminalListener
from textmill.cli.train import loaded_for
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from textmill.results import PreparedText


@verb(
    "prepare",
    knobs=("data", "tokens", "task", "run.dir"),
    writes=True,
    examples=(
        "textmill prepare my_texts/                       ids in runs/.data, for every run of this text",
        "textmill prepare my_texts/ --tokens.kind char    with a tokenizer chosen by hand",
        "textmill prepare my_texts/ -n                    what it would hold; nothing is written",
    ),
)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
def prepare_command(shell: Shell, paths: tuple[str, ...]) -> None:
    """Read, clean, split and tokenize a text now, so that training begins at once later.

    `textmill train` does this by itself. Ahead it is worth while for large text, for several runs of one text, or
    where the machine that trains should not wait. What lies in RUNS/.data is found by its content, verified, and may be
    deleted at any time.
    """
    loaded = loaded_for(shell, paths)
    if shell.dry_run:
        from textmill.training import plan_preparation

        shell.show(plan_preparation(loaded), plan_text)
        return
    from textmill.training import prepare_ahead

    with TerminalListener(shell) as listener:
        prepared = prepare_ahead(loaded, listener)
    shell.show(prepared, prepared_text)
    shell.notice("\n".join(["next:", *(f"  {command}" for command in prepared.next)]))


def prepared_text(prepared: PreparedText) -> str:
    from textmill.report.numbers import count, size

    kind, vocab_size = prepared.tokenizer["kind"], prepared.tokenizer["vocab_size"]
    rows = [["part", "documents", "bytes", "tokens", "bytes a token"]]
    for part, n_tokens in prepared.n_tokens.items():
        n_bytes = prepared.n_bytes[part]
        rows.append(
            [part, count(prepared.n_documents[part]), count(n_bytes), count(n_tokens), f"{n_bytes / n_tokens:.2f}"]
        )
    how = "was there already and is whole" if prepared.reused else "made now"
    total = size(sum(prepared.ledger.values()))
    said = f"{prepared.folder}: {how}; {total} of files, tokenizer {kind} with {count(vocab_size)} tokens"
    return "\n\n".join([said, table(rows, right=(1, 2, 3, 4))])
