"""The fenced blocks of a page, and what its comments say of them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
SHELL = ("bash", "console")

_FENCE = re.compile(r'^(?P<indent> *)```(?P<language>\w+)(?: +title="(?P<title>[^"]+)")?[^\n`]*$')
_MARK = re.compile(
    r"^ *<!-- (?:not run: (?P<why>.+)|(?P<run_by>try-it|run-the-tests|laptop)|exit status (?P<status>\d+)) -->$"
)


@dataclass(frozen=True)
class Block:
    """One block: a file where it has a title, commands where its language is a shell's."""

    page: Path
    line: int
    language: str
    title: str | None
    text: str
    not_run: str | None = None
    status: int = 0

    @property
    def where(self) -> str:
        """Page and line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """README and all pages of the site."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def begins_in_examples(page: Path) -> bool:
    """Whether the page says that its commands are typed in the folder ``examples``."""
    return "<!-- typed in: examples -->" in page.read_text(encoding="utf-8").splitlines()


def blocks(page: Path) -> Iterator[Block]:
    """The blocks in their order; a comment on the line above one says that it is not run here, or how it ends."""
    lines = page.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        if opened := _FENCE.match(lines[at]):
            end = lines.index(f"{opened['indent']}```", at + 1)
            mark = _MARK.match(lines[at - 1]) if at else None
            yield Block(
                page=page,
                line=at + 1,
                language=opened["language"],
                title=opened["title"],
                text=textwrap.dedent("\n".join(lines[at + 1 : end]) + "\n"),
                not_run=mark["why"] or mark["run_by"] if mark else None,
                status=int(mark["status"] or 0) if mark else 0,
            )
            at = end
        at += 1
