"""How the tests read a page: html.parser made strict, keeping what they ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""
    path: tuple[str, ...] = ()


@dataclass
class Page(HTMLParser):
    """elements in order of their start; text of the body; a mismatched end tag raises."""

    elements: list[Element] = field(default_factory=list)
    text: str = ""
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs}, path=tuple(e.tag for e in self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1].tag == tag, f"</{tag}> closes {self.open and self.open[-1].tag}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not any(element.tag == "style" for element in self.open):
            self.text += data
            for element in self.open:
                element.text += data

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    @property
    def values(self) -> set[str]:
        """Exact values, as the data elements carry them."""
        return {element.attributes["value"] for element in self.all("data")}


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert not page.open, f"never closed: {[element.tag for element in page.open]}"
    return page
