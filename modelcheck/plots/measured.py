"""What was measured, on one page: curves over the epochs, the confusion matrix, the worst mistakes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase, SubFigure
from numpy.typing import NDArray

from modelcheck.author_trace import printable
from modelcheck.plots.confusion import draw_confusion
from modelcheck.plots.curves import draw_curves
from modelcheck.plots.style import HEADING, PALE, look, parts, show_image
from modelcheck.report import Metrics, Mistake, Report
from modelcheck.words import counted, percent

_LONGEST_NAME = 48


def measured_figure(report: Report, test_images: NDArray[np.uint8]) -> Figure:
    """The page; where weights were only scored, without curves.

    Args:
        report: with metrics.
        test_images: of the data set that was measured on, (N, C, H, W).
    """
    metrics = report.metrics
    assert metrics is not None
    wrong = len(metrics.mistakes)
    columns, rows = (10, -(-wrong // 10)) if metrics.epochs else (5, 4)
    with look():
        if metrics.epochs:
            heights = (5.4, 0.3 + 1.5 * rows) if wrong else (5.4,)
            figure, page = _page(report, metrics, (13, sum(heights)))
            above, *below = parts(page, rows=heights)
            left, right = parts(above, columns=(7, 5))
            draw_curves(left, metrics.epochs, metrics.test_images)
        else:
            widths = (5.4, 7.6) if wrong else (5.4,)
            figure, page = _page(report, metrics, (sum(widths), 5.8))
            right, *below = parts(page, columns=widths)
        draw_confusion(right.subplots(), np.array(metrics.confusion))
        for part in below:
            _mistakes(part, metrics, test_images, rows, columns)
    return figure


def _page(report: Report, metrics: Metrics, size: tuple[float, float]) -> tuple[Figure, SubFigure]:
    """A figure with its title, and the place below it."""
    figure = Figure(figsize=size, layout="constrained")
    title = f"{printable(report.target, _LONGEST_NAME)} – {percent(metrics.test_accuracy.last)}"
    figure.suptitle(title, **{**HEADING, "fontsize": 12}, parse_math=False)
    (page,) = parts(figure)
    page.suptitle("; ".join(_facts(metrics)), x=0.01, ha="left", fontsize=9, parse_math=False)
    return figure, page


def _facts(metrics: Metrics) -> Iterator[str]:
    data = metrics.dataset if metrics.official else f"{metrics.dataset} (not the published data)"
    yield f"{metrics.test_images:,} {data} test images"
    if metrics.epochs:
        stopped = " (interrupted)" if metrics.interrupted else ""
        recipe = printable(metrics.recipe or "", _LONGEST_NAME)
        yield f"{counted(len(metrics.epochs), 'epoch')}{stopped} of recipe {recipe}, seed {metrics.seed}"
        yield f"best {percent(metrics.test_accuracy.best)} after epoch {metrics.test_accuracy.best_epoch}"
    if runs := metrics.runs:
        yield f"the first of {runs.n} runs: {percent(runs.mean)} ± {runs.std * 100:.2f}"


def _mistakes(part: FigureBase, metrics: Metrics, images: NDArray[np.uint8], rows: int, columns: int) -> None:
    shown = metrics.mistakes
    wrong = metrics.test_images - sum(row[label] for label, row in enumerate(metrics.confusion))
    which = f"the worst {len(shown)} of {wrong:,}" if wrong > len(shown) else f"all {wrong}"
    part.suptitle(f"Mistakes, {which}: label → prediction", **HEADING)
    places = part.subplots(rows, columns, squeeze=False, gridspec_kw={"hspace": 0.06}).flat
    for axes, mistake in zip(places, shown, strict=False):
        _mistake(axes, mistake, images[mistake.index])
    for axes in places[len(shown) :]:
        axes.set_axis_off()


def _mistake(axes: Axes, mistake: Mistake, image: NDArray[np.uint8]) -> None:
    show_image(axes, image)
    axes.set_title(f"{mistake.label} → {mistake.predicted}", loc="center", pad=3)
    loss = "not finite" if mistake.loss is None else f"{mistake.loss:.2f}"
    axes.set_xlabel(f"loss {loss}", labelpad=2, fontsize=8, color=PALE)
