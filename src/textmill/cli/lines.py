"""Standard input line by line, for verbs that give a line for each. Room: cli/."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from textmill.cli.output import Shell


class Lines:
    """The lines of standard input, without their ends; what is no UTF-8 is told and is an empty line."""

    def __init__(self, shell: Shell):
        self.shell = shell
        self.number = self.n_bad = 0

    def __iter__(self) -> Iterator[str]:
        for raw in sys.stdin.buffer:
            self.number += 1
            try:
                text = raw.decode("utf-8-sig" if self.number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                self.n_bad += 1
                self.shell.notice(
                    f"line {self.number} is no UTF-8 (byte {error.start + 1} of it): its place stays empty"
                )
                text = ""
            yield text.removesuffix("\n").removesuffix("\r")
