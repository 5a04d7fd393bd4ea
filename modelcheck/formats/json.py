"""The contract's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from modelcheck.report import Report


def render(report: Report, *, width: int, color: bool) -> str:
    """The report as indented JSON; numbers that JSON cannot hold (a diverged loss) are null."""
    return indented(report)


def render_all(reports: Sequence[Report], *, width: int, color: bool) -> str:
    """Several reports as one array."""
    return indented(list(reports))


def indented(value: object) -> str:
    """What the value is in JSON, in lines; half characters, as undecodable bytes of a path give them, are escaped."""
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(_encodable(msgspec.to_builtins(value)))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _encodable(one) for key, one in value.items()}
    return [_encodable(one) for one in value] if isinstance(value, (list, tuple)) else value
