from __future__ import annotations

from typing import Any

import msgspec

from modelcheck.report import Epoch, Metrics, Report, Score, TestAccuracy

NAMES = ["reference", "failing", "measured", "no-policy", "MC001", "MC002", "MC003", "MC004"]


def metrics(**changes: Any) -> Metrics:
    epochs = tuple(
        Epoch(
            epoch=number,
            images=60_000,
            train_loss=0.2 / number,
            train_accuracy=0.93 + number / 100,
            test_loss=0.1 / number,
            test_accuracy=accuracy,
            train_s=12.5,
            eval_s=0.75,
        )
        for number, accuracy in enumerate([0.9812, 0.9913, 0.9907], start=1)
    )
    made = Metrics(
        dataset="mnist",
        official=True,
        train_images=60_000,
        test_images=10_000,
        recipe="fast",
        seed=0,
        device="cpu",
        dtype="bfloat16",
        threads=2,
        epochs=epochs,
        test_accuracy=TestAccuracy(last=0.9907, best=0.9913, best_epoch=2),
        test_loss=0.0333,
        confusion=tuple(tuple(991 if row == column else 1 for column in range(10)) for row in range(10)),
        images_per_s=4800.0,
        wall_s=41.25,
    )
    return msgspec.structs.replace(made, **changes)


def measured(report: Report) -> Report:
    """The report as of a training, with points."""
    return msgspec.structs.replace(report, metrics=metrics(), score=Score(points=85.5, max_points=100.0))
