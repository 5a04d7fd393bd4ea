"""What a rule's documentation says to the author of a model that violates it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup

from modelcheck.rules import find_rule
from modelcheck.rules.documentation import section, summary


@dataclass(frozen=True)
class Advice:
    """Sections of a rule's documentation, as HTML; ``bad`` and ``good`` are a model that fails and one that passes."""

    summary: Markup
    checks: Markup
    why: Markup
    bad: Markup
    good: Markup


@cache
def advice(code: str) -> Advice | None:
    """What the documentation of the rule says; None where this version has no such rule."""
    rule = find_rule(code)
    if rule is None:
        return None
    chosen = (section(rule, name) for name in ("What it checks", "Why it matters", "Bad", "Good"))
    return Advice(_html(summary(rule), inline=True), *map(_html, chosen))


def _html(text: str, *, inline: bool = False) -> Markup:
    markdown = MarkdownIt("commonmark", {"html": False})
    made = markdown.renderInline(text) if inline else markdown.render(text)
    return Markup(made)
