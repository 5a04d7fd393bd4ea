"""GitHub's Markdown, for job summaries and comments on pull requests.

What an author named is text and nothing else: no markup, HTML, link, mention or reference comes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from modelcheck.author_trace import printable
from modelcheck.facts.structs import Layer
from modelcheck.report import Report, RuleOutcome
from modelcheck.telling.problems import Problem, message_lines, problems
from modelcheck.telling.rows import (
    fact_rows,
    ignored_note,
    metric_rows,
    origin_rows,
    shape_text,
    unknown_ignore_notes,
)
from modelcheck.telling.verdict import counts, is_step, said, score_text, undecided
from modelcheck.words import counted

_MARKS = {"pass": "✅", "fail": "❌", "error": "❌", "not run": "➖", "advice": "💡"}
_LONGEST = 60_000  # GitHub takes 65,536 characters of a comment
_MOST_PROBLEMS = 50
_MOST_LAYERS = 200
_LONGEST_CELL = 400
# anywhere, in what would be a link, and where a block would begin
_ACTIVE = re.compile(
    r"[&<>\\`*_\[\]|~$]|:(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.|^[-+=#]|^\d(?=\d*[.)])", re.IGNORECASE
)


def render(report: Report, *, width: int, color: bool) -> str:
    """The verdict, the rules that say something, the findings, and folded facts and layers.

    Of parts that are too long for a comment it is told that they are left out.
    """
    text, left_out = "", []
    for name, part in _parts(report):
        if len(text) + len(part) <= _LONGEST:
            text += part
        else:
            left_out.append(name)
    return text + (f"\nToo long to be shown here: {', '.join(left_out)}.\n" if left_out else "")


def _parts(report: Report) -> Iterator[tuple[str, str]]:
    """Names and texts, the most important first."""
    yield "the verdict", _headline(report)
    if shown := [one for one in report.rules if _is_shown(one, report)]:
        outcomes = ((f"{one.code} {one.name}", *_outcome(one, report)) for one in shown)
        yield "the rules", _table(("Rule", "Outcome", "Evidence"), outcomes)
    if found := list(problems(report)):
        yield "the findings", "".join(_problem(one) for one in found[:_MOST_PROBLEMS])
        if more := len(found) - _MOST_PROBLEMS:
            yield "more findings", f"\n… and {counted(more, 'more finding')}.\n" if more > 0 else ""
    notes = [note for note in (ignored_note(report), *unknown_ignore_notes(report)) if note]
    yield "notes", "".join(f"\n{_escaped(printable(note))}\n" for note in notes)
    if report.metrics:
        yield "measurements", _table(("", "Measured"), metric_rows(report.metrics))
    if report.origin and (rows := list(origin_rows(report.origin))):
        yield "the origin", _folded("Where the model is from", _table(("", ""), rows))
    if report.facts:
        yield "facts", _folded("Facts", _table(("Fact", "Value"), fact_rows(report.facts)))
        yield "layers", _folded(f"{counted(len(report.layers), 'layer')}", _layers(report.layers))


def _headline(report: Report) -> str:
    score = f", {score_text(report)}" if report.score else ""
    target, why = (_escaped(printable(text)) for text in (report.target, said(report)))
    return f"### {_MARKS[report.verdict]} {report.verdict.upper()} {target}\n\n{why}{score}\n"


def _is_shown(one: RuleOutcome, report: Report) -> bool:
    """Whether it is required, or says something; in that of many rules that need what is missing only their errors."""
    if is_step(one.code):
        return one.outcome == "fail"
    if report.verdict == "error":
        return False
    return one.severity == "error" or any(finding.code == one.code for finding in report.findings)


def _outcome(one: RuleOutcome, report: Report) -> tuple[str, str]:
    severities = [finding.severity for finding in report.findings if finding.code == one.code]
    word: str = one.outcome
    if severities and not any(counts(report, severity) for severity in severities):
        word = "advice"
    elif severities or one in undecided(report):
        word = "fail"
    return f"{_MARKS[word]} {word}", one.evidence or one.cause or ""


def _problem(one: Problem) -> str:
    mark = _MARKS["fail" if one.counts else "advice"]
    head = f"\n{mark} **{one.code} {one.name}**"
    if one.place:
        cell = f", cell {one.place.cell}" if one.place.cell else ""
        head += f" – {_escaped(printable(one.place.file))}{cell}, line {one.place.line}"
    lines = message_lines(one.message)
    if len(lines) > 1:
        text = "\n".join(map(_entities, lines))
        return f"{head}\n\n<pre>\n{text}\n</pre>\n"
    return f"{head}\n\n{_escaped(lines[0].strip())}\n"


def _layers(layers: Sequence[Layer]) -> str:
    rows = (
        (
            one.path or "(forward)",
            one.type + (f" ×{one.calls}" if one.calls > 1 else ""),
            "" if one.output_shape is None else shape_text(one.output_shape),
            f"{one.parameters:,}" if one.parameters else "",
            f"{one.macs:,}" if one.macs else "",
        )
        for one in layers[:_MOST_LAYERS]
    )
    table = _table(("Layer", "Type", "Output", "Params", "MACs"), rows)
    more = len(layers) - _MOST_LAYERS
    return table + (f"\n… and {counted(more, 'more layer')}.\n" if more > 0 else "")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [
        "| " + " | ".join(head) + " |",
        "|" + " --- |" * len(head),
        *("| " + " | ".join(_escaped(printable(cell, _LONGEST_CELL)) for cell in row) + " |" for row in rows),
    ]
    return "\n" + "".join(f"{line}\n" for line in lines)


def _folded(title: str, text: str) -> str:
    return f"\n<details><summary>{title}</summary>\n{text}\n</details>\n"


def _escaped(text: str) -> str:
    """The text so that it is shown as it is: characters that mean something in Markdown or HTML are entities.

    A space of no width behind @, # and GH- keeps GitHub from making mentions and references of the result.
    """
    return _entities(re.sub(r"(@|#|GH-)(?=\w)", "\\1\u200b", text, flags=re.IGNORECASE))


def _entities(text: str) -> str:
    return _ACTIVE.sub(lambda found: f"&#{ord(found[0])};", text)
