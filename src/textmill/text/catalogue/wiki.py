"""MediaWiki's markup -> running text. Room: text/. Used by the conversion of an encyclopedia."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

_APPENDIX = re.compile(
    r"^==+ *(?:See also|Notes(?: and references)?|Footnotes|References|Bibliography|Sources|Further reading"
    r"|External links) *==+ *$",
    re.MULTILINE | re.IGNORECASE,
)

_COMMENT = (r"(?s)<!--.*?-->", "")
_UNSEEN = (
    (r"<ref[^>/]*/>", ""),
    (
        r"(?si)<(ref|math|gallery|timeline|imagemap|source|syntaxhighlight|score|table|nowiki|pre|code)\b[^>]*>.*?</\1>",
        "",
    ),
)
_SHOWN = (
    (r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]", r"\1"),  # links
    (r"\[(?:https?|ftp)://[^\s\]]+\s*([^\]]*)\]", r"\1"),
    (r"'{2,5}", ""),  # bold, slanted
    (r"(?m)^=+ *(.*?) *=+ *$", r"\1"),  # headings
    (r"</?[a-zA-Z][^<>]*>", ""),
)
_REMAINS = (
    (r"__[A-Z]+__", ""),  # switches
    (r"(?m)^[*#:;]+ *", ""),  # lists
    # What stood between is gone: empty brackets, blanks before a comma, and lines of nothing.
    (r"\(\s*[,;]*\s*\)", ""),
    (r"\((?:\s*[,;])+\s*", "("),
    (r"[ \t]{2,}", " "),
    (r" +([,.;:)])", r"\1"),
)


def without_wiki_markup(source: str) -> str:
    """The running text of an article, in paragraphs, with headings alone on a line; links keep their words.

    Templates, tables, references, formulas, pictures and categories go, and so do the lists of sources and links at
    the end. What a template would have written is lost with it.

    >>> without_wiki_markup("A '''[[cat|tame cat]]'''{{cn}} sleeps.<ref>x</ref>")
    'A tame cat sleeps.'
    """
    text = _replaced(_APPENDIX.split(_replaced(source, [_COMMENT]))[0], _UNSEEN)
    text = _without_nested(text, r"\{\{|\{\|", r"\}\}|\|\}")
    text = _without_nested(
        text, r"\[\[(?:File|Image|Category|[a-z]{2,3}|[a-z]+-[a-z]+):|\[\[", r"\]\]", only_media=True
    )
    text = html.unescape(_replaced(text, _SHOWN)).replace("\u00a0", " ")
    text = "\n".join(line.strip() for line in _replaced(text, _REMAINS).splitlines())
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _replaced(text: str, rules: Iterable[tuple[str, str]]) -> str:
    for pattern, replacement in rules:
        text = re.sub(pattern, replacement, text)
    return text


def _without_nested(text: str, opening: str, closing: str, only_media: bool = False) -> str:
    """The text without what stands between brackets, at any depth; from a bracket that is never closed on, all stays.

    only_media: plain links [[…]] stay.
    """
    kept: list[str] = []
    depth, position, gone_since = 0, 0, 0
    inner: list[bool] = []  # for each open bracket: whether it is to go
    for found in re.finditer(f"(?P<open>{opening})|(?P<close>{closing})", text):
        if depth == 0:
            kept.append(text[position : found.start()])
        goes = bool(found["open"]) and not (only_media and found["open"] == "[[")
        if found["open"]:
            inner.append(goes)
            if goes and depth == 0:
                gone_since = found.start()
            depth += goes
            if depth == 0:
                kept.append(found[0])
        elif inner:
            was_gone = inner.pop()
            if depth == 0:
                kept.append(found[0])
            depth -= was_gone
        position = found.end()
    return "".join(kept) + text[gone_since if depth else position :]
