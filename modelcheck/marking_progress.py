"""Tells an instructor how the marking goes, on stderr: a live table on a terminal, one line a submission elsewhere."""

from __future__ import annotations

import time
from collections import Counter, deque
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from modelcheck.author_trace import printable
from modelcheck.grading.records import Grade
from modelcheck.words import counted

_SHOWN = 8  # of the last grades
_STYLE = {"pass": "green", "fail": "red", "error": "yellow"}


class MarkingProgress:
    """A watcher of a marking; a context manager, so that the table is gone whatever happens."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.verdicts: Counter[str] = Counter()
        self.last: deque[Grade] = deque(maxlen=_SHOWN)
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
        )
        self.task = self.bar.add_task("marked", total=0)
        self.live: Live | None = None
        self.start = time.perf_counter()

    def __enter__(self) -> MarkingProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def on_start(self, submissions: int, unchanged: int) -> None:
        """Start the table, where there is a terminal."""
        kept = f", of which {unchanged:,} are unchanged" if unchanged else ""
        self._print(f"{counted(submissions, 'submission')}{kept}")
        self.bar.update(self.task, total=submissions - unchanged)
        if self.console.is_terminal and submissions > unchanged:
            self.live = Live(get_renderable=self._table, console=self.console, transient=True, refresh_per_second=4)
            self.live.start()

    def on_grade(self, grade: Grade) -> None:
        """A line of the table; a line of its own where there is none."""
        self.verdicts[grade.report.verdict] += 1
        self.last.append(grade)
        self.bar.advance(self.task)
        if not self.live:
            self._print(f"{grade.report.verdict:5}  {printable(grade.id)}{_told(grade)}")

    def summary(self) -> str:
        """How many passed, failed or are an error, and how long it took."""
        verdicts = ", ".join(f"{self.verdicts[one]} {one}" for one in _STYLE if self.verdicts[one])
        return f"{verdicts or 'nothing to do'} in {time.perf_counter() - self.start:.0f} s"

    def _table(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for grade in self.last:
            verdict = grade.report.verdict
            table.add_row(Text(verdict, _STYLE[verdict]), Text(printable(grade.id, 60)), Text(_told(grade).strip()))
        verdicts = "  ".join(f"{one} {self.verdicts[one]}" for one in _STYLE)
        return Group(table, self.bar, Text(verdicts))

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


def _told(grade: Grade) -> str:
    """Points, accuracy and what failed, as far as there are any."""
    parts = []
    if grade.points is not None:
        parts.append(f"{grade.points:g} of {grade.max_points:g}")
    if grade.accuracy is not None:
        parts.append(f"{grade.accuracy:.2%}")
    codes = [one.code for one in grade.report.findings if one.severity == "error"]
    parts += [" ".join(dict.fromkeys(codes))] if codes else []
    return "  " + ", ".join(parts) if parts else ""
