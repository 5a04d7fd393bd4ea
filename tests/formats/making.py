from __future__ import annotations

from typing import Any

import msgspec

from modelcheck.origin import Argument, Effect, EffectKind, Missing, Origin
from modelcheck.report import Epoch, Metrics, Mistake, Report, Score, TestAccuracy

NAMES = ["reference", "failing", "measured", "no-policy", "submission", "MC001", "MC002", "MC003", "MC004", "MC605"]


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
        mistakes=(
            Mistake(index=2130, label=4, predicted=9, loss=8.25),
            Mistake(index=7, label=3, predicted=5, loss=None),
        ),
        images_per_s=4800.0,
        wall_s=41.25,
    )
    return msgspec.structs.replace(made, **changes)


def effect(kind: EffectKind, text: str, line: int, file: str = "train.py") -> Effect:
    return Effect(kind=kind, text=text, file=file, line=line)


ORIGIN = Origin(
    file="models/net.py",
    line=12,
    name="Net",
    because="the only one that train.py makes",
    others=("submission:Small", "submission:Old"),
    arguments=(
        Argument(name="in_channels", value="1", file="train.py", line=30),
        Argument(name="width", value="WIDTH = 8", file="train.py", line=30),
    ),
    missing=(
        Missing(name="torchsummary", file="train.py", line=3),
        Missing(name="tqdm", file="train.py", line=4),
        Missing(name="tqdm", file="models/net.py", line=2),
    ),
    set_aside=(
        effect("installs", "!pip install torchsummary", 1, "book.ipynb, cell 1"),
        effect("runs", "%matplotlib inline", 2, "book.ipynb, cell 1"),
        effect("runs", "!nvidia-smi", 1, "book.ipynb, cell 2"),
    ),
    left_out=(
        effect("prints", "print(device)", 12),
        effect("downloads", "train = MNIST('data', download=True)", 40),
        effect("trains", "for epoch in range(20):", 88),
        effect("prints", "summary(model, (1, 28, 28))", 95),
    ),
)


def measured(report: Report) -> Report:
    """The report as of a training, with points."""
    return msgspec.structs.replace(report, metrics=metrics(), score=Score(points=85.5, max_points=100.0))
