"""The rules of a report as rows of a table and as cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from modelcheck.pages.advice import Advice, advice
from modelcheck.report import Award, Finding, Report, RuleOutcome
from modelcheck.telling.verdict import is_step

Kind = Literal["pass", "fail", "advice", "not run"]

_MOST_FINDINGS = 20  # of one rule


@dataclass(frozen=True)
class Outcome:
    """One rule in the table, or as a card: what it decided, what it found, what its documentation says."""

    code: str
    name: str
    kind: Kind
    text: str
    required: bool
    award: Award | None
    findings: tuple[Finding, ...]
    more: int

    @property
    def advice(self) -> Advice | None:
        """What its documentation says."""
        return advice(self.code)


@dataclass(frozen=True)
class Outcomes:
    """The rules in their order, those that stopped it first, sorted by what is to be said of them.

    ``loud`` are those that are required or found something, ``silent`` the others.
    """

    failed: tuple[Outcome, ...]
    advised: tuple[Outcome, ...]
    loud: tuple[Outcome, ...]
    silent: tuple[Outcome, ...]
    awarded: bool

    @classmethod
    def of(cls, report: Report, awards: Sequence[Award]) -> Outcomes:
        """Those of the report, with what each gives."""
        every = list(_outcomes(report, {one.code: one for one in awards}))
        loud = [one.required or one.kind in ("fail", "advice") for one in every]
        return cls(
            failed=tuple(one for one in every if one.kind == "fail"),
            advised=tuple(one for one in every if one.kind == "advice"),
            loud=tuple(one for one, is_loud in zip(every, loud, strict=True) if is_loud),
            silent=tuple(one for one, is_loud in zip(every, loud, strict=True) if not is_loud),
            awarded=any(one.award for one in every),
        )

    @property
    def points(self) -> float:
        """What the rules give together."""
        return sum(one.award.points for one in (*self.loud, *self.silent) if one.award)


def _outcomes(report: Report, given: Mapping[str, Award]) -> Iterator[Outcome]:
    found: dict[str, list[Finding]] = {}
    for finding in report.findings:
        found.setdefault(finding.code, []).append(finding)
    for one in sorted(report.rules, key=lambda one: not (is_step(one.code) and one.outcome == "fail")):
        findings = found.get(one.code, [])
        yield Outcome(
            code=one.code,
            name=one.name,
            kind=_kind(one, findings),
            text=one.evidence or one.cause or "",
            required=one.severity == "error" and not is_step(one.code),
            award=given.get(one.code),
            findings=tuple(findings[:_MOST_FINDINGS]),
            more=max(len(findings) - _MOST_FINDINGS, 0),
        )


def _kind(one: RuleOutcome, findings: Sequence[Finding]) -> Kind:
    if one.outcome == "fail" and one.severity == "error":
        return "fail"
    return "advice" if findings else one.outcome
