from __future__ import annotations

from pathlib import Path

from torch import nn

import modelcheck
from modelcheck.policy import policy_from_table
from modelcheck.report import Finding


def firing(
    code: str, model: nn.Module, shape: tuple[int, ...] = (1, 28, 28), classes: int | None = None
) -> tuple[Finding, ...]:
    """What one rule finds in the model, without any policy but the classes."""
    policy = policy_from_table({"model": {"classes": classes}} if classes else {}, Path("policy.toml"))
    report = modelcheck.inspect(model, input=shape, policy=policy, select=[code])
    assert report.verdict != "error", report.findings
    (outcome,) = [one for one in report.rules if one.code == code]
    assert outcome.outcome in ("pass", "fail"), outcome.cause
    return tuple(finding for finding in report.findings if finding.code == code)
