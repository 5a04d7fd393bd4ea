from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import msgspec
import numpy as np
import pytest
from formats.making import metrics
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from modelcheck.plots.measured import measured_figure
from modelcheck.plots.style import write_figure
from modelcheck.report import Metrics, Mistake, Report, Runs, Tool

IMAGES = np.arange(40 * 28 * 28, dtype=np.int64).reshape(40, 1, 28, 28).astype(np.uint8)
replace = msgspec.structs.replace


def report(measured: Metrics, target: str = "net.py:Net") -> Report:
    tool = Tool(name="modelcheck", version="", torch="")
    return Report(
        tool=tool, target=target, policy=None, verdict="pass", facts=None, findings=(), rules=(), metrics=measured
    )


def mistakes(count: int) -> tuple[Mistake, ...]:
    return tuple(Mistake(index=39 - n, label=n % 10, predicted=(n + 3) % 10, loss=9.0 - n / 10) for n in range(count))


def confused(wrong: int) -> tuple[tuple[int, ...], ...]:
    """A matrix of 10,000 images of which so many are wrong, all ones taken for sevens."""
    right = [[1000 * (row == column) for column in range(10)] for row in range(10)]
    right[1][1], right[1][7] = 1000 - wrong, wrong
    return tuple(map(tuple, right))


def axes_named(figure: Figure, title: str) -> Axes:
    (found,) = (axes for axes in figure.axes if title in (axes.get_title("left"), axes.get_title("center")))
    return found


def texts(figure: FigureBase) -> Iterator[str]:
    """All that is written outside axes."""
    yield from (text.get_text() for text in figure.texts)
    if figure.get_suptitle():
        yield figure.get_suptitle()
    for part in figure.subfigs:
        yield from texts(part)


def drawn(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=50)
    return buffer.getvalue()


def pictures(figure: Figure) -> list[Axes]:
    """Those of mistakes, in their order."""
    return [axes for axes in figure.axes if axes.get_xlabel().startswith("loss")]


def test_curves_are_the_epochs() -> None:
    figure = measured_figure(report(metrics()), np.resize(IMAGES, (3000, 1, 28, 28)))
    epochs = metrics().epochs
    for title, training, test in (
        ("Loss", [one.train_loss for one in epochs], [one.test_loss for one in epochs]),
        ("Accuracy", [one.train_accuracy for one in epochs], [one.test_accuracy for one in epochs]),
    ):
        axes = axes_named(figure, title)
        first, second = axes.get_lines()
        assert (list(first.get_xdata()), list(first.get_ydata())) == ([1, 2, 3], training)
        assert (list(second.get_xdata()), list(second.get_ydata())) == ([1, 2, 3], test)
        assert (first.get_label(), second.get_label()) == ("training, while it learns", "test, after the epoch")
        low, high = axes.get_ylim()
        assert low <= min(training + test) <= max(training + test) <= high
    assert axes_named(figure, "Loss").get_legend() is not None


@pytest.mark.parametrize(
    ("accuracies", "shown"),
    [
        ([0.9812, 0.9913, 0.9907], ["90 %", "95 %", "98 %", "99 %", "99.5 %"]),
        ([1.0, 1.0, 1.0], ["90 %", "95 %", "98 %", "99 %", "99.5 %", "99.8 %", "99.9 %", "100 %"]),
        ([0.098, 0.098, 0.098], ["0 %", "30 %", "50 %", "80 %", "90 %", "95 %", "98 %"]),
    ],
)
def test_the_accuracys_axis_is_in_percent_and_holds_all(accuracies: list[float], shown: list[str]) -> None:
    epochs = [replace(one, test_accuracy=accuracy) for one, accuracy in zip(metrics().epochs, accuracies, strict=True)]
    figure = measured_figure(report(metrics(epochs=tuple(epochs), mistakes=())), IMAGES)
    drawn(figure)
    axes = axes_named(figure, "Accuracy")
    low, high = axes.get_ylim()
    ticks = zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
    assert [label.get_text() for tick, label in ticks if low <= tick <= high] == shown


def test_equal_errors_are_equally_far_apart() -> None:
    """From 98 to 99 % is as far as from 99 to 99.5 %, but for the one image that is added."""
    figure = measured_figure(report(metrics(mistakes=())), IMAGES)
    heights = axes_named(figure, "Accuracy").transData.transform([(1, 0.98), (1, 0.99), (1, 0.995)])[:, 1]
    assert heights[2] - heights[1] == pytest.approx(heights[1] - heights[0], rel=0.02)
    assert heights[1] - heights[0] > 20


def test_a_loss_that_was_not_finite_is_a_gap() -> None:
    first, second, third = metrics().epochs
    measured = metrics(epochs=(first, second, replace(third, train_loss=None, test_loss=None)), mistakes=())
    figure = measured_figure(report(measured), IMAGES)
    assert drawn(figure)
    assert [np.isnan(line.get_ydata()).tolist() for line in axes_named(figure, "Loss").get_lines()] == [
        [False, False, True]
    ] * 2


@pytest.mark.parametrize("loss", [None, 0.0, 1e-12, 1e12])
@pytest.mark.parametrize("epochs", [1, 3])
def test_no_loss_is_too_odd_to_be_drawn(loss: float | None, epochs: int) -> None:
    odd = tuple(replace(one, train_loss=loss, test_loss=loss) for one in metrics().epochs[:epochs])
    figure = measured_figure(report(metrics(epochs=odd, mistakes=())), IMAGES)
    assert drawn(figure)
    assert axes_named(figure, "Loss").get_position().height > 0.1


def test_one_epoch_has_one_tick() -> None:
    figure = measured_figure(report(metrics(epochs=metrics().epochs[:1], mistakes=())), IMAGES)
    assert [tick for tick in axes_named(figure, "Accuracy").get_xticks() if 0.5 < tick < 1.5] == [1]


def test_the_confusion_matrix_has_the_labels_in_its_rows() -> None:
    figure = measured_figure(report(metrics(confusion=confused(7), mistakes=())), IMAGES)
    axes = axes_named(figure, "Confusion matrix")
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("label", "prediction")
    written = {(round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in axes.texts}
    assert written == {(n, n): "1,000" for n in range(10)} | {(1, 1): "993", (1, 7): "7"}
    assert [round(tick) for tick in axes.get_xticks()] == list(range(10))


def test_many_classes_are_colours_alone() -> None:
    many = tuple(tuple(80 * (row == column) + (row == 3) for column in range(100)) for row in range(100))
    axes = axes_named(measured_figure(report(metrics(confusion=many, mistakes=())), IMAGES), "Confusion matrix")
    assert not axes.texts
    assert axes.get_images()[0].get_array().shape[:2] == (100, 100)
    assert len(axes.get_xticks()) < 20


@pytest.mark.parametrize("curves", [True, False])
@pytest.mark.parametrize("count", [1, 10, 11, 20])
def test_mistakes_are_shown_with_label_and_prediction(count: int, curves: bool) -> None:
    measured = metrics(mistakes=mistakes(count), confusion=confused(37))
    figure = measured_figure(report(measured if curves else replace(measured, epochs=())), IMAGES)
    shown = pictures(figure)
    assert len(shown) == count
    for axes, mistake in zip(shown, measured.mistakes, strict=True):
        (image,) = axes.get_images()
        assert np.array_equal(np.rint(image.get_array() * 255), IMAGES[mistake.index, 0])
        assert axes.get_title() == f"{mistake.label} → {mistake.predicted}"
        assert axes.get_xlabel() == f"loss {mistake.loss:.2f}"
    assert f"Mistakes, the worst {count} of 37: label → prediction" in list(texts(figure))


def test_all_mistakes_are_all() -> None:
    figure = measured_figure(report(metrics(mistakes=mistakes(3), confusion=confused(3))), IMAGES)
    assert "Mistakes, all 3: label → prediction" in list(texts(figure))


def test_a_mistake_without_a_finite_loss() -> None:
    wrong = (Mistake(index=3, label=3, predicted=0, loss=None),)
    assert pictures(measured_figure(report(metrics(mistakes=wrong)), IMAGES))[0].get_xlabel() == "loss not finite"


def test_pictures_in_colour() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 32, 32), dtype=np.uint8)
    figure = measured_figure(report(metrics(mistakes=mistakes(1))), images)
    (image,) = pictures(figure)[0].get_images()
    assert np.array_equal(np.rint(image.get_array() * 255), images[39].transpose(1, 2, 0))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ["net.py:Net – 99.07 %", "10,000 mnist test images; 3 epochs of recipe fast, seed 0; best 99.13 % after"]),
        ({"interrupted": True}, ["3 epochs (interrupted) of recipe fast"]),
        ({"official": False}, ["10,000 mnist (not the published data) test images"]),
        ({"epochs": (), "recipe": None, "seed": None}, ["net.py:Net – 99.07 %", "10,000 mnist test images"]),
        (
            {"runs": Runs(n=5, mean=0.9941, std=0.00042, accuracies=(0.9941,) * 5)},
            ["; the first of 5 runs: 99.41 % ± 0.04"],
        ),
    ],
)
def test_the_title_says_what_it_is(changes: dict[str, Any], said: list[str]) -> None:
    written = "\n".join(texts(measured_figure(report(metrics(mistakes=(), **changes)), IMAGES)))
    assert [text for text in said if text not in written] == []
    assert ("recipe" in written) == bool(metrics(**changes).epochs)


@pytest.mark.parametrize("name", ["$\\frac{x$", "网络.py:Net", "a\nb\x1b[31m", "x" * 500, "\udcff"])
def test_a_name_may_be_anything(name: str, tmp_path: Path) -> None:
    figure = measured_figure(report(metrics(mistakes=(), recipe=name), name), IMAGES)
    assert all(len(text) < 300 for text in texts(figure))
    write_figure(figure, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").is_file()


def test_the_users_own_settings_neither_count_nor_change() -> None:
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "image.cmap": "jet"}):
        before = dict(matplotlib.rcParams)
        axes = axes_named(measured_figure(report(metrics(mistakes=())), IMAGES), "Loss")
        assert dict(matplotlib.rcParams) == before
    assert axes.get_facecolor() == (1, 1, 1, 1)
    assert axes.yaxis.label.get_fontsize() == 9
