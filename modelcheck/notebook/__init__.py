"""A report as a notebook shows it below a cell, in its own font and colours, light or dark."""

from __future__ import annotations

from modelcheck.pages.described import described
from modelcheck.pages.outcomes import Outcomes
from modelcheck.pages.rendering import page
from modelcheck.report import Report
from modelcheck.telling.rows import ignored_note, metric_rows, origin_rows, unknown_ignore_notes
from modelcheck.telling.verdict import said, score_text

_MOST_LAYERS = 40  # of more, the table is folded


def cell(report: Report) -> str:
    """The report as HTML that needs nothing from anywhere, with what an author named as text and nothing else."""
    return page(
        "cell.html",
        package=__name__,
        report=report,
        headline=said(report),
        score=score_text(report),
        outcomes=Outcomes.of(report, report.awards),
        model=described(report),
        metrics=list(metric_rows(report.metrics)) if report.metrics else (),
        origin=list(origin_rows(report.origin)) if report.origin else (),
        notes=[note for note in (ignored_note(report), *unknown_ignore_notes(report)) if note],
        folded=len(report.layers) > _MOST_LAYERS,
    )
