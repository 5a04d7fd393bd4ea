"""What a page holds: its elements, its text, its tables, and where its links lead."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "img", "br", "link", "input"}


@dataclass
class Element:
    """One element; ``text`` is that of all it holds."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        """The elements of that kind within it."""
        return [one for child in self.children for one in ([child] if child.tag == tag else []) + child.all(tag)]

    def every(self) -> list[Element]:
        """All elements within it."""
        return [one for child in self.children for one in (child, *child.every())]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        one = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(one)
        if tag not in VOID:
            self.open.append(one)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for one in self.open:
            one.text += data


def read(path: Path) -> Element:
    """The page's elements; every one of them is closed where it should be."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert len(reader.open) == 1
    return reader.open[0]


def table(page: Element, caption: str) -> list[list[str]]:
    """The texts of the cells of the table with that caption, row by row, the header included."""
    (found,) = (one for one in page.all("table") if one.all("caption") and caption in one.all("caption")[0].text)
    return [[" ".join(cell.text.split()) for cell in row.children] for row in found.all("tr")]
