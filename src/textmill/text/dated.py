"""Files with a column of dates -> texts with their moments, what cannot be used named and counted. Room: text/.

Used by what follows texts over time. Days and months that change places (03/04/2024) are never guessed: a file is read
for its dates first, and what its other dates say decides; where they say nothing, that is an error before any work. Of
standard input, which comes once, those decide that came before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.messages import Message, message
from textmill.text.arriving import STDIN, Arriving
from textmill.text.dates import Order, is_ambiguous, order_of, read_date
from textmill.text.documents import KEPT, KEPT_RECORDS, Found, ReadReport
from textmill.text.files import TextFile, find_files
from textmill.text.labels import canonical
from textmill.text.reading import examined, records_of
from textmill.text.wording import placed

TIME, BY = "time", "by"
"""Roles of the columns that are kept; the options that name them."""
NO_DATE, BAD_DATE, NO_SERIES = "no_date", "bad_date", "no_series"
"""Why a text is dropped, beside bad_record and empty."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A text, when it was written, and the series that it belongs to: "" where there is one."""

    text: str
    source: str
    moment: datetime
    series: str


@dataclass
class Drops:
    """Records that were not used: how many for each reason, and the first ones by name ("file:line: why")."""

    n: Counter[str] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)

    def add(self, reason: str, source: str, why: str) -> None:
        """One more."""
        self.n[reason] += 1
        if len(self.first) < KEPT_RECORDS:
            self.first.append(placed(source, why))


class DatedTexts:
    """The texts of tables and JSON lines in the order of their lines.

    time, by: columns. zone: of dates that name none, and of what is given. order: of day and month, where the person
    says it. What was dropped, and what is to be said, is known when all texts were given.
    """

    def __init__(
        self,
        paths: Sequence[str],
        data: DataConfig,
        time: str,
        by: str | None,
        zone: tzinfo,
        order: Order | None = None,
    ):
        self.data, self.zone, self.order = data, zone, order
        self.columns = {TIME: time} if by is None else {TIME: time, BY: by}
        self.drops = Drops()
        self.notes: list[str] = []
        self._said: dict[str, str] = {}
        self._telling: dict[Order, tuple[str, str]] = {}
        self._decided_by = ""
        self.arriving = Arriving(data) if STDIN in paths else None
        self.files = self._found(paths)
        self._learns = order is None
        if self._learns and self.arriving is None:
            self._learn_from_all()
            self._learns = False

    def __iter__(self) -> Iterator[Dated]:
        """Raises InputError for a file that cannot be read or lacks a column, and with data.strict for the first record
        or date that cannot be."""
        report = ReadReport()
        for file in self.files:
            for item in records_of(file, self.data, report):
                if not isinstance(item, Found):
                    continue
                found = self._dated(item)
                if found is not None:
                    yield found
        if self.arriving is not None:
            self.notes += self.arriving.notes()
        self.drops.n.update({"bad_record": report.n_bad_records, "empty": report.n_empty})
        self.drops.first = [*self.drops.first, *report.bad_records][:KEPT_RECORDS]
        self.notes = [*self.notes, *report.notes]

    def _found(self, paths: Sequence[str]) -> list[TextFile]:
        """In the order of the paths; standard input, which comes when it comes, is last."""
        named = [path for path in paths if path != STDIN]
        files = [examined(file, self.data, self.notes) for file in find_files(named, self.notes)]
        if self.arriving is not None:
            files.append(self.arriving.file)
        return [replace(file, kept=tuple(self.columns.items())) for file in files if not file.dropped_as]

    def _dated(self, item: Found) -> Dated | None:
        kept, source = item.document.meta[KEPT], item.document.source
        written = kept[TIME]
        if canonical(written) is None:
            self._drop(NO_DATE, source, message("no date in '%(column)s'", column=self.columns[TIME]))
            return None
        if self._learns:
            self._learn(written.strip(), source)
        try:
            moment = read_date(written, self.zone, self.order)
        except InputError as error:
            self._drop(BAD_DATE, source, error.message, error.hint)
            return None
        if BY not in kept:
            return Dated(item.document.text, source, moment, "")
        series = canonical(kept[BY])
        if series is None:
            self._drop(NO_SERIES, source, message("nothing in '%(column)s'", column=self.columns[BY]))
            return None
        return Dated(item.document.text, source, moment, series)

    def _drop(self, reason: str, source: str, why: str, hint: str | None = None) -> None:
        if self.data.strict:
            raise InputError(why, where=source, hint=hint or "without --strict it is counted and left out")
        self.drops.add(reason, source, why)

    def _learn_from_all(self) -> None:
        """Decide by the dates of all files. Raises InputError where they do not say."""
        doubtful: tuple[str, str] | None = None
        lenient = self.data.model_copy(update={"strict": False})
        for file in self.files:
            for item in records_of(file, lenient, ReadReport()):
                if not isinstance(item, Found):
                    continue
                written, source = item.document.meta[KEPT][TIME].strip(), item.document.source
                if not is_ambiguous(written):
                    self._learn(written, source)
                elif doubtful is None:
                    doubtful = written, source
        if doubtful is not None:
            self._learn(*doubtful)

    def _learn(self, written: str, source: str) -> None:
        """What a date says of day and month; one that is ambiguous is decided by those before it. Raises InputError
        where they say nothing, or both."""
        if not is_ambiguous(written):
            said = order_of([written])
            if said is not None:
                self._telling.setdefault(said, (written, source))
            if self.order is None or said in (None, self.order):
                return
            written, source = self._decided_by, source
        if len(self._telling) == 2:
            (one, there), (other, elsewhere) = self._telling["day-first"], self._telling["month-first"]
            raise InputError(
                f"'{one}' ({there}) has the day first and '{other}' ({elsewhere}) the month: which is which in "
                f"'{written}' cannot be told",
                where=source,
                hint="Say it with --dates day-first or --dates month-first (the others are then dropped by name), or "
                "write the dates as 2024-05-01.",
            )
        if not self._telling:
            where = "in the column" if self.arriving is None else "before it in the column"
            raise InputError(
                f"'{written}' may have the day or the month first, and nothing {where} says which",
                where=source,
                hint="Say it with --dates day-first or --dates month-first.",
            )
        if self.order is None:
            [(self.order, (telling, place))] = self._telling.items()
            self._decided_by = written
            self.notes.append(_decision(written, self.order, telling, place))


def _decision(doubtful: str, order: Order, written: str, source: str) -> Message:
    template = {
        "day-first": message("the day"),
        "month-first": message("the month"),
    }
    return message(
        "Dates such as '%(doubtful)s' are read with %(which)s first, because '%(written)s' (%(source)s) can only be "
        "read so; --dates decides.",
        doubtful=doubtful,
        which=template[order],
        written=written,
        source=source,
    )
