"""The times within the metrics, apart from them: all else is equal in two gradings, and can be compared."""

from __future__ import annotations

import msgspec

from modelcheck.report import Metrics


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured by the clock; ``epochs`` has the training's and the evaluation's seconds of each."""

    wall_s: float
    images_per_s: float
    epochs: tuple[tuple[float, float], ...]


def apart(metrics: Metrics) -> tuple[Metrics, Times]:
    """The metrics with zeros for times, and the times."""
    times = Times(
        wall_s=metrics.wall_s,
        images_per_s=metrics.images_per_s,
        epochs=tuple((one.train_s, one.eval_s) for one in metrics.epochs),
    )
    none = Times(wall_s=0.0, images_per_s=0.0, epochs=((0.0, 0.0),) * len(metrics.epochs))
    return together(metrics, none), times


def together(metrics: Metrics, times: Times) -> Metrics:
    """The metrics with these times.

    Raises:
        ValidationError: the times are those of another number of epochs.
    """
    if len(times.epochs) != len(metrics.epochs):
        raise msgspec.ValidationError(f"times of {len(times.epochs)} epochs, where there were {len(metrics.epochs)}")
    epochs = (
        msgspec.structs.replace(epoch, train_s=train_s, eval_s=eval_s)
        for epoch, (train_s, eval_s) in zip(metrics.epochs, times.epochs, strict=True)
    )
    return msgspec.structs.replace(metrics, wall_s=times.wall_s, images_per_s=times.images_per_s, epochs=tuple(epochs))
