"""A page in one file, which needs no network and no script, and shows nothing that an author named as markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelcheck.pages.described import Described, described
from modelcheck.pages.measured import Measured, measured
from modelcheck.pages.outcomes import Outcomes
from modelcheck.pages.rendering import page
from modelcheck.report import Report
from modelcheck.telling.rows import ignored_note, origin_rows, unknown_ignore_notes
from modelcheck.telling.verdict import said


@dataclass(frozen=True)
class _Shown:
    """What the page shows of one report."""

    report: Report
    headline: str
    outcomes: Outcomes
    measured: Measured | None
    model: Described | None
    origin: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def render(report: Report, *, width: int, color: bool) -> str:
    """The report as a page."""
    return render_all([report], width=width, color=color)


def render_all(reports: Sequence[Report], *, width: int, color: bool) -> str:
    """The reports as one page, one after the other."""
    return page("report.html", reports=[_shown(report) for report in reports], tool=reports[0].tool) + "\n"


def _shown(report: Report) -> _Shown:
    return _Shown(
        report=report,
        headline=said(report),
        outcomes=Outcomes.of(report, report.awards),
        measured=measured(report.metrics) if report.metrics else None,
        model=described(report),
        origin=tuple(origin_rows(report.origin)) if report.origin else (),
        notes=tuple(filter(None, (ignored_note(report), *unknown_ignore_notes(report)))),
    )
