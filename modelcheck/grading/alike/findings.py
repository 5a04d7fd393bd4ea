"""Puts what is alike into a submission's report, as MC607."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from modelcheck.grading.alike.prints import Cluster
from modelcheck.judge import judge
from modelcheck.policy import Policy
from modelcheck.report import Alike, Compared, Finding, Report, RuleOutcome
from modelcheck.rules.base import Subject

_CODE = "MC607"
_Coded = TypeVar("_Coded", RuleOutcome, Finding)


def is_compared(policy: Policy) -> bool:
    """Whether the policy wants submissions compared."""
    options = policy.settings.get("same-as")
    return options is None or options.level != "off"


def with_likeness(report: Report, id_: str, found: Iterable[Cluster], submissions: int) -> Report:
    """The report with what MC607 says of the submission; verdict and score are left as they are.

    Args:
        report: of the submission; what MC607 said of it before is replaced.
        id_: the submission's.
        found: all clusters of the course.
        submissions: how many were compared.
    """
    own = [one for one in found if id_ in one.ids]
    alike = tuple(Alike(likeness=one.likeness, others=len(one.ids) - 1, share=one.share) for one in own)
    subject = Subject(compared=Compared(submissions=submissions, alike=alike))
    active = [one for one in Policy().active([_CODE]) if one.rule.code == _CODE]
    outcomes, findings, _ = judge(subject, active)
    return msgspec.structs.replace(
        report, rules=_renewed(report.rules, outcomes), findings=_renewed(report.findings, findings)
    )


def _renewed(before: Iterable[_Coded], new: Iterable[_Coded]) -> tuple[_Coded, ...]:
    """The rows with the rule's new ones, by code."""
    rows = [one for one in before if one.code != _CODE]
    rows.extend(new)
    return tuple(sorted(rows, key=lambda one: one.code))
