"""The author's line of each node of an exported graph."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
import torch.fx.proxy

_FRAME = re.compile(r'File "([^"]+)", line (\d+), in ')
_TORCH, _OURS = (f"{folder}{os.sep}" for folder in (Path(torch.__file__).parent, Path(__file__).parent.parent))


@contextmanager
def author_lines_only() -> Iterator[None]:
    """Within this, torch notes one frame for each node, the author's innermost, and not the whole stack.

    Finding, reading and formatting the stacks would be a fifth of an export. Where torch no longer asks
    ``CapturedTraceback`` for them, nothing changes but the time.
    """
    module: Any = torch.fx.proxy
    usual = module.CapturedTraceback
    module.CapturedTraceback = _Innermost
    try:
        yield
    finally:
        module.CapturedTraceback = usual


def author_line(node: torch.fx.Node) -> tuple[str | None, int | None]:
    """The innermost frame that is neither torch's nor ours."""
    for file, line in reversed(_FRAME.findall(node.meta.get("stack_trace") or "")):
        if not file.startswith((_TORCH, _OURS, "torch/")):
            return file, int(line)
    return None, None


class _Innermost:
    @staticmethod
    def extract() -> _Innermost:
        return _Innermost()

    def summary(self) -> traceback.StackSummary:
        frame: FrameType | None = sys._getframe(1)
        while frame and frame.f_code.co_filename.startswith((_TORCH, _OURS)):
            around = frame.f_code.co_name == "forward" and frame.f_code.co_filename.startswith(_OURS)
            frame = None if around else frame.f_back  # further out than ours is who called us
        if frame is None:
            return traceback.StackSummary()
        # torch keeps what lies within a forward, and reads the line's text where none is given
        return traceback.StackSummary.from_list([(frame.f_code.co_filename, frame.f_lineno, "forward", "…")])
