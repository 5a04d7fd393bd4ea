"""SARIF 2.1.0, for code scanning: a result at the author's line for each finding, and the rules that it is of.

What passed is no result, since viewers show those as alerts. What could not be decided is a notification too.

Source: docs.oasis-open.org/sarif/sarif/v2.1.0; docs.github.com, "SARIF support for code scanning".
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

from modelcheck.author_trace import printable
from modelcheck.formats.json import indented
from modelcheck.report import EXIT_STATUS, Report, RuleOutcome, Verdict
from modelcheck.rules import find_rule
from modelcheck.rules.documentation import documentation, section, summary
from modelcheck.telling.problems import Place, Problem, message_lines, problems
from modelcheck.telling.verdict import is_step, undecided, verdict_line

_FINGERPRINT = "modelcheckFinding/v1"
_EXITS: dict[Verdict, str] = {
    "pass": "all constraints are met",
    "fail": "a constraint is violated",
    "error": "a model could not be loaded, captured or run",
}


def render(report: Report, *, width: int, color: bool) -> str:
    """The report as a log of one run."""
    return render_all([report], width=width, color=color)


def render_all(reports: Sequence[Report], *, width: int, color: bool) -> str:
    """The reports as a log of one run: GitHub takes no two of one tool. The rules are those that are spoken of."""
    notifications = [one for report in reports for one in _notifications(report)]
    found = [(one, report) for report in reports for one in problems(report)]
    spoken = {one.code for one, _ in found} | {one["associatedRule"]["id"] for one in notifications}
    rules = {one.code: one for report in reports for one in report.rules if one.code in spoken}
    places = {code: index for index, code in enumerate(sorted(rules))}
    prints: Counter[str] = Counter()
    run = {
        "tool": {
            "driver": {
                "name": reports[0].tool.name,
                "version": reports[0].tool.version,
                "rules": [_rule(rules[code]) for code in places],
            }
        },
        "invocations": [_invocation(reports, notifications)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, report, places, prints) for one, report in found],
    }
    return indented({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]})


def _rule(one: RuleOutcome) -> dict[str, Any]:
    level = "error" if one.severity == "error" else "warning"
    described: dict[str, Any] = {"id": one.code, "name": one.name, "defaultConfiguration": {"level": level}}
    rule = find_rule(one.code)
    if rule is None:
        return described
    text = documentation(rule)
    described |= {
        "shortDescription": {"text": summary(rule)},
        "fullDescription": {"text": section(rule, "What it checks")},
        "help": {"text": text, "markdown": text},
        "properties": {"tags": ["pytorch"], "problem.severity": level},
    }
    if site := _documentation_site():
        described["helpUri"] = f"{site}#{one.code.lower()}-{one.name}"
    return described


@cache
def _documentation_site() -> str | None:
    """Where the package's metadata say that the rules are documented; None where they say nothing."""
    try:
        named = metadata("modelcheck").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    urls = dict(one.split(", ", 1) for one in named)
    return urls.get("Rules")


def _invocation(reports: Sequence[Report], notifications: list[dict[str, Any]]) -> dict[str, Any]:
    worst = max((report.verdict for report in reports), key=EXIT_STATUS.__getitem__)
    return {
        "executionSuccessful": worst != "error",
        "exitCode": EXIT_STATUS[worst],
        "exitCodeDescription": "; ".join([_EXITS[worst], *map(verdict_line, reports)]),
        "toolExecutionNotifications": notifications,
    }


def _notifications(report: Report) -> Iterator[dict[str, Any]]:
    """What stopped the capture, and the constraints that were not run."""
    for one in problems(report) if report.verdict == "error" else ():
        if is_step(one.code):
            stopped = {"level": "error", "message": _message(one.message), "associatedRule": {"id": one.code}}
            yield stopped | _locations(one.place, one.where)
    for rule in report.rules:
        if rule.severity == "error" and rule.outcome == "not run" and not is_step(rule.code):
            level = "warning" if rule in undecided(report) else "note"
            message = _message(f"{rule.code} was not run: {rule.cause}")
            yield {"level": level, "message": message, "associatedRule": {"id": rule.code}}


def _result(one: Problem, report: Report, places: dict[str, int], prints: Counter[str]) -> dict[str, Any]:
    text = one.message
    if one.place and one.place.cell:
        text = f"cell {one.place.cell}, line {one.place.line}: {text}"
    made = {
        "ruleId": one.code,
        "ruleIndex": places[one.code],
        "level": "error" if one.counts else "warning",
        "message": _message(text),
        "partialFingerprints": {_FINGERPRINT: _fingerprint(one, report, prints)},
        "properties": {"target": printable(report.target)},
    }
    return made | _locations(one.place, one.where)


def _fingerprint(one: Problem, report: Report, prints: Counter[str]) -> str:
    """A name for the problem that does not change with lines and numbers; of several equal ones each has its own."""
    about = one.where or re.sub(r"\d+", "#", one.message)
    file = one.place.file if one.place else report.target
    key = "\0".join([one.code, file, about])
    prints[key] += 1
    digest = hashlib.sha256(f"{key}\0{prints[key]}".encode(errors="surrogatepass"))
    return digest.hexdigest()[:32]


def _message(text: str) -> dict[str, str]:
    """The text without what SARIF takes for a link, which an author may have named."""
    return {"text": "\n".join(message_lines(text)).replace("](", "] (")}


def _locations(place: Place | None, where: str | None) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if place:
        location["physicalLocation"] = {"artifactLocation": {"uri": _uri(place.file)}}
        # a cell's lines are not the file's, of which viewers need one even so
        location["physicalLocation"]["region"] = {"startLine": 1 if place.cell else place.line}
    if where:
        location["logicalLocations"] = [{"fullyQualifiedName": printable(where)}]
    return {"locations": [location]} if location else {}


def _uri(file: str) -> str:
    path = Path(printable(file))
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
