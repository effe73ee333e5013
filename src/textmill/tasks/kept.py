"""What a translation must keep as it stands: numbers, addresses, tags, placeholders. Room: tasks/. Used by translating.

A model writes what is likely: 1914 can become 1941. What the source holds and the translation lacks is told.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

KEPT = re.compile(
    r"""https?://[^\s<>"]+ | www\.[^\s<>"]+ | [\w.+-]+@[\w-]+(?:\.[\w-]+)+   # addresses
      | </?[A-Za-z][^<>]*>                                                    # tags
      | \{\w*\} | %\(\w+\)[sd] | %[sd]                                        # placeholders
      | \d+(?:[.,:\u00a0\u202f']\d+)*                                         # numbers
    """,
    re.VERBOSE,
)
BETWEEN_DIGITS = re.compile(r"[.,:\u00a0\u202f']")


def lost(source: str, translation: str) -> list[str]:
    """What the source holds and the translation lacks, as it stands in the source, each as often as it is missing.

    Numbers are the same where their digits are: 1,000.5 and 1.000,5; full-width digits count as digits.

    >>> lost("In 1914 he paid 1,000.50 at <b>www.a.de</b>.", "1941 zahlte er 1.000,50 bei <b>www.a.de</b>.")
    ['1914']
    """
    there = Counter(same for _, same in found_in(translation))
    missing = []
    for shown, same in found_in(source):
        if there[same]:
            there[same] -= 1
        else:
            missing.append(shown)
    return missing


def found_in(text: str) -> list[tuple[str, str]]:
    """(as it stands, what it is compared by) of everything in a text that is to be kept."""
    found = []
    for match in KEPT.finditer(text):
        shown = match[0]
        if shown[0].isdigit():
            found.append((shown, unicodedata.normalize("NFKC", BETWEEN_DIGITS.sub("", shown))))
        else:
            shown = shown.rstrip(".,;:!?)") if not shown.startswith(("<", "{", "%")) else shown
            found.append((shown, shown))
    return found
