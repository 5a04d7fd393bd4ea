from __future__ import annotations

from typing import Any

import msgspec

from modelcheck.facts.structs import Unregistered
from modelcheck.origin import Argument, Effect, EffectKind, Missing, Origin
from modelcheck.report import Epoch, Metrics, Mistake, Report, Score, TestAccuracy, UnknownIgnore

NAMES = ["reference", "failing", "measured", "no-policy", "submission", "MC001", "MC002", "MC003", "MC004", "MC605"]
HOSTILE = {
    "escape": "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "lines": "a\nb\r\nc\x0bd\u2028e\x85f",
    "right-to-left": "\u202egnp.ten\u200f\u2066",
    "markup": "[red]x[/red] [link=http://x]y[/link] [/]",
    "emoji": ":boom: 🧨 \u200d\ufe0f",
    "wide": "全角" * 60,
    "surrogate": "a\udcff",
    "megabyte": "x" * 1_000_000,
    "megalines": "x\n" * 500_000,
    "empty": "",
}


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


def poisoned(report: Report, text: str) -> Report:
    """The report with the text wherever an author's words can come."""
    replace = msgspec.structs.replace
    facts = report.facts
    if facts is not None:
        facts = replace(
            facts,
            batch_norm=replace(facts.batch_norm, count=1, where=(text,)),
            unused_modules=(text,),
            unregistered_modules=(Unregistered(path=text, attribute=text, holder="list", type=text, parameters=1),),
            uncounted_operators=(text,),
        )
    origin = Origin(
        file=text,
        line=1,
        name=text,
        because=text,
        others=(text,),
        arguments=(Argument(name=text, value=text, file=text, line=1),),
        missing=(Missing(name=text, file=text, line=1),),
        set_aside=(effect("runs", text, 1, text),),
    )
    return replace(
        report,
        target=text,
        origin=origin,
        policy=text,
        layers=tuple(replace(layer, path=text, type=text, file=text) for layer in report.layers),
        facts=facts,
        findings=tuple(replace(one, message=text, where=text, file=text, line=3) for one in report.findings),
        ignored=tuple(replace(one, message=text, where=text, file=text, line=3) for one in report.findings),
        unknown_ignores=(UnknownIgnore(name=text, file=text, line=2),),
        rules=tuple(
            replace(one, evidence=text if one.cause is None else None, cause=one.cause and text) for one in report.rules
        ),
    )


def undecided(report: Report) -> Report:
    """The report where a constraint could not be decided, which fails the model."""
    replace = msgspec.structs.replace
    cause = "no graph was captured"
    rules = tuple(
        replace(one, outcome="not run", evidence=None, cause=cause) if one.code == "MC203" else one
        for one in report.rules
    )
    return replace(report, verdict="fail", rules=rules)
