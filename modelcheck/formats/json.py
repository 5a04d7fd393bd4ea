"""The contract's JSON."""

from __future__ import annotations

import msgspec

from modelcheck.report import Report


def render(report: Report, *, width: int, color: bool) -> str:
    """The report as indented JSON; numbers that JSON cannot hold (a diverged loss) are null."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
