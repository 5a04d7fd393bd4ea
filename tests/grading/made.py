"""Reports and grades as grading makes them."""

from __future__ import annotations

from typing import Any, Literal

from modelcheck.grading.records import Grade, Sandboxed
from modelcheck.report import Finding, Report, RuleOutcome, Tool
from modelcheck.rules import find_rule


def outcome(name: str, decided: Literal["pass", "fail", "not run"], **told: Any) -> RuleOutcome:
    return RuleOutcome(**{"code": _code(name), "name": name, "severity": "error", "outcome": decided, **told})


def finding(name: str, message: str = "something is wrong", **told: Any) -> Finding:
    return Finding(**{"code": _code(name), "name": name, "severity": "error", "message": message, **told})


def report(*rules: RuleOutcome, **told: Any) -> Report:
    failed = any(one.outcome == "fail" for one in rules)
    made = {
        "tool": Tool(name="modelcheck", version="1", torch="2"),
        "target": "net.py",
        "policy": "p.toml",
        "verdict": "fail" if failed else "pass",
        "facts": None,
        "findings": (),
        "rules": rules,
    }
    return Report(**{**made, **told})


def grade(key: str, *rules: RuleOutcome, **told: Any) -> Grade:
    made = {"points": None, "max_points": None, "seconds": 0.25, "sandboxed": Sandboxed(sandbox="process")}
    made |= {"content": "0", "report": report(*rules)}
    return Grade(**{"id": key, **made, **told})


def _code(name: str) -> str:
    rule = find_rule(name)
    assert rule is not None
    return rule.code
