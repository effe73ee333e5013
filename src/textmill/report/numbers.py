"""Numbers as a person reads them: rounded for the eye, thousands apart, units said. Room: report/.

Rounding only; the page carries the exact value beside each rounded one.
"""

from __future__ import annotations

import json
import math
from typing import Any

from textmill.report.words import Words

NO_VALUE = "–"
MINUTE, HOUR = 60, 3600


def count(value: float | None) -> str:
    """A whole number with its thousands apart: 1,234,567."""
    return NO_VALUE if value is None else _finite(value) or f"{round(value):,}"


def measure(value: float | None) -> str:
    """A measurement: three decimals, fewer where the number is large, more where it is small.

    >>> measure(2.0134), measure(1234.5678), measure(0.000123)
    ('2.013', '1,234.6', '0.000123')
    """
    if value is None:
        return NO_VALUE
    if said := _finite(value):
        return said
    size = abs(value)
    if size >= 100_000:
        return f"{value:,.0f}"
    if size >= 1000:
        return f"{value:,.1f}"
    if size >= 100:
        return f"{value:.2f}"
    if size >= 0.01 or size == 0:
        return f"{value:.3f}"
    return f"{value:.3g}"


SHARES = (
    *("accuracy", "f1_macro", "f1_micro", "ece", "ece_noise"),
    *("em", "f1", "em_answerable", "f1_answerable", "em_unanswerable", "f1_unanswerable"),
    *("asked_right", "asked_refused", "asked_em", "asked_f1"),
)


def metric(name: str, value: float | None) -> str:
    """A metric by its name: counts are whole, shares in percent, measurements rounded."""
    return count(value) if name.startswith("n_") else shown(name, value)


def shown(name: str, value: float | None) -> str:
    """A measurement by its name: shares in percent, others rounded."""
    return share(value) if name in SHARES or name.startswith("f1_class.") else measure(value)


def share(value: float | None) -> str:
    """A share of [0, 1] in percent: 12.3 %; a share that is small but not nothing is never called 0."""
    if value is None:
        return NO_VALUE
    if said := _finite(value):
        return said
    if 0 < value < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= value < 1:
        return "> 99.9 %"
    return f"{100 * value:.1f} %"


def size(n_bytes: float) -> str:
    """Bytes in decimal units: 12.3 MB.

    >>> size(999), size(12_345_678)
    ('999 B', '12.3 MB')
    """
    value = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 999.5:
            return f"{value:.0f} {unit}" if unit == "B" or abs(value) >= 99.95 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def duration(seconds: float | None, words: Words) -> str:
    """A time: 4.2 s, 41 s, 3 min 12 s, 1 h 04 min."""
    if seconds is None:
        return NO_VALUE
    if said := _finite(seconds):
        return said
    if seconds < 9.95:
        return words("%(s)s s", s=f"{seconds:.2g}" if seconds < 0.1 else f"{seconds:.1f}")
    whole = round(seconds)
    if whole < MINUTE:
        return words("%(s)s s", s=whole)
    if whole < HOUR:
        return words("%(min)s min %(s)s s", min=whole // MINUTE, s=f"{whole % MINUTE:02d}")
    whole = round(seconds / MINUTE)
    return words("%(h)s h %(min)s min", h=f"{whole // MINUTE:,}", min=f"{whole % MINUTE:02d}")


def exact(value: object) -> str:
    """The value as it was given, for a machine (the `value` of an HTML data element)."""
    return repr(value) if isinstance(value, float) else str(value)


def plain(value: Any) -> str:
    """Any value of a table of facts: lists by commas, nothing as a dash, the rest as JSON writes it."""
    if value is None:
        return NO_VALUE
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _finite(value) or repr(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(part) for part in value) if value else NO_VALUE
    return json.dumps(value, ensure_ascii=False, default=str)


def facts(values: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """A dictionary as rows of (dotted key, value): nested ones are opened, empty ones stay as they are."""
    rows: list[tuple[str, Any]] = []
    for key, value in values.items():
        name = f"{before}{key}"
        rows += facts(value, f"{name}.") if isinstance(value, dict) and value else [(name, value)]
    return rows


def _finite(value: float) -> str | None:
    """What stands for a value that is no finite number; None if it is one."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return None
