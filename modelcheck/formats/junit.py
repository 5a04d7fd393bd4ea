"""JUnit's XML, as CI systems read it: a suite for each model, a case for each rule.

The author's words are in it as they can be shown, so that no character is one that XML forbids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as Xml

from modelcheck.author_trace import printable
from modelcheck.report import Report, RuleOutcome
from modelcheck.telling.problems import Problem, message_lines, problems
from modelcheck.telling.verdict import counts, is_step, undecided, verdict_line

_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render(report: Report, *, width: int, color: bool) -> str:
    """The report as one suite."""
    return render_all([report], width=width, color=color)


def render_all(reports: Sequence[Report], *, width: int, color: bool) -> str:
    """The reports as a suite each.

    A constraint that is violated is a failure. One that could not be decided is an error, as is what stopped the
    capture. Advice is the output of its case, and a failure where it counts. What was not run is skipped.
    """
    root = Xml.Element("testsuites", name="modelcheck")
    root.extend(_suite(report) for report in reports)
    for name in ("tests", *_COUNTED):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _suite(report: Report) -> Xml.Element:
    suite = Xml.Element("testsuite", name=printable(report.target))
    properties = Xml.SubElement(suite, "properties")
    for name, value in _properties(report):
        Xml.SubElement(properties, "property", name=name, value=value)
    found: dict[str, list[Problem]] = {}
    for problem in problems(report):
        found.setdefault(problem.code, []).append(problem)
    suite.extend(_case(one, report, found.get(one.code, [])) for one in report.rules)
    suite.set("tests", str(len(report.rules)))
    for name, tag in _COUNTED.items():
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    yield "verdict", verdict_line(report)
    if report.policy:
        yield "policy", printable(report.policy)
    if report.facts:
        yield "parameters", str(report.facts.parameters.total)
    if report.metrics:
        yield "test accuracy", str(report.metrics.test_accuracy.last)


def _case(one: RuleOutcome, report: Report, found: Sequence[Problem]) -> Xml.Element:
    case = Xml.Element("testcase", classname=printable(report.target), name=f"{one.code} {one.name}")
    place = next((problem.place for problem in found if problem.place), None)
    if place:
        case.set("file", printable(place.file))
        case.set("line", str(place.line))
    text = "\n".join(_lines(one, found))
    if kind := _kind(one, report):
        made = Xml.SubElement(case, kind, message=printable(_summary(one, found)))
        if kind != "skipped":
            made.set("type", one.code)
            made.text = text
    elif found:
        Xml.SubElement(case, "system-out").text = text
    return case


def _kind(one: RuleOutcome, report: Report) -> str | None:
    """The tag of what came of the rule; None where it passed."""
    if one.outcome == "not run":
        return "error" if one in undecided(report) else "skipped"
    if any(counts(report, finding.severity) for finding in report.findings if finding.code == one.code):
        return "error" if is_step(one.code) else "failure"
    return None


def _summary(one: RuleOutcome, found: Sequence[Problem]) -> str:
    return one.cause or (found[0].message if found else one.evidence or "")


def _lines(one: RuleOutcome, found: Sequence[Problem]) -> Iterator[str]:
    evidence = printable(one.evidence or "")
    if not any(printable(problem.message).startswith(evidence) for problem in found):
        yield evidence
    for problem in found:
        if place := problem.place:
            cell = f", cell {place.cell}" if place.cell else ""
            yield f"{printable(place.file)}{cell}, line {place.line}:"
        yield from message_lines(problem.message)
