from __future__ import annotations

from typing import Any

import msgspec

from modelcheck.errors import AuthorError
from modelcheck.facts.structs import DropoutUse, Facts, Input, Layer, LinearUse, Parameters, Use
from modelcheck.judge import judge
from modelcheck.policy import ActiveRule, parse_options
from modelcheck.report import Epoch, Finding, Metrics, RuleOutcome, Start, TestAccuracy, TrainAccuracy
from modelcheck.rules import find_rule
from modelcheck.rules.base import Subject

NONE = Use(count=0, declared=0, where=())
PLAIN = Facts(
    input_shape=(1, 28, 28),
    inputs=(Input(name=None, shape=(1, 28, 28), dtype="float32"),),
    output_shape=(10,),
    output_kind="logits",
    training_output_kind="logits",
    parameters=Parameters(total=100, trainable=100, frozen=0, unused=0, shared=0, hidden=0, bytes=400),
    macs=1000,
    uncounted_operators=(),
    receptive_field=(20, 22),
    receptive_field_kind="exact",
    weighted_layers=3,
    batch_norm=NONE,
    dropout=DropoutUse(count=0, declared=0, where=(), rates=()),
    global_average_pooling=NONE,
    fully_connected=LinearUse(count=0, declared=0, where=(), equals=()),
    unused_modules=(),
    hidden_weights=(),
    accepted_batches=(1, 2, 64),
    liveness="tried",
)


def facts(**changes: Any) -> Facts:
    """Facts of a model that uses nothing, with what is given instead."""
    return msgspec.structs.replace(PLAIN, **changes)


def parameters(total: int, hidden: int = 0) -> Parameters:
    return msgspec.structs.replace(PLAIN.parameters, total=total, hidden=hidden)


def use(count: int, declared: int | None = None, where: tuple[str, ...] | None = None) -> Use:
    names = tuple(f"layer{number}" for number in range(count)) if where is None else where
    return Use(count=count, declared=count if declared is None else declared, where=names)


def layer(path: str, held: int, calls: int = 1) -> Layer:
    return Layer(path=path, type="Linear", calls=calls, output_shape=(10,), parameters=held, macs=0)


def metrics(*accuracies: float, last: float | None = None) -> Metrics:
    """Of a training with those accuracies on the test set after its epochs; with ``last``, of an evaluation alone."""
    epochs = tuple(
        Epoch(
            epoch=number,
            images=600,
            train_loss=0.5,
            train_accuracy=0.9,
            test_loss=0.4,
            test_accuracy=accuracy,
            train_s=1.0,
            eval_s=0.1,
        )
        for number, accuracy in enumerate(accuracies, start=1)
    )
    best = max(accuracies, default=last or 0.0)
    return Metrics(
        dataset="mnist",
        official=True,
        train_images=600,
        test_images=100,
        recipe="fast" if epochs else None,
        seed=0 if epochs else None,
        device="cpu",
        dtype="float32",
        threads=2,
        epochs=epochs,
        test_accuracy=TestAccuracy(
            last=accuracies[-1] if accuracies else last or 0.0,
            best=best,
            best_epoch=accuracies.index(best) + 1 if accuracies else 0,
        ),
        test_loss=0.4,
        confusion=((60, 10), (5, 25)),
        mistakes=(),
        images_per_s=600.0,
        wall_s=1.5,
    )


def trained(start: Start | None = None, **last: Any) -> Metrics:
    """Of a training of two epochs on ten classes alike, with what is given of the last one instead."""
    usual = metrics(0.85, 0.9)
    first, second = usual.epochs
    return msgspec.structs.replace(
        usual,
        epochs=(first, msgspec.structs.replace(second, **last)),
        confusion=tuple(tuple(10 if row == column else 0 for column in range(10)) for row in range(10)),
        start=start or Start(images=100, test_accuracy=0.1, test_loss=2.3, train_loss=2.3),
        train_accuracy=TrainAccuracy(images=200, last=0.92),
        gradient_checks=32,
    )


def decide(
    code: str, setting: object, known: Facts | None = PLAIN, **subject: Any
) -> tuple[RuleOutcome, tuple[Finding, ...]]:
    """What the rule says under that setting of a policy."""
    rule = find_rule(code)
    assert rule is not None
    options = parse_options(rule, setting, "policy.toml", f"rules.{rule.name}")
    failure = subject.pop("failure", None if known else AuthorError("it failed"))
    active = [ActiveRule(rule, options, rule.kind)]
    (outcome,), findings, _ = judge(Subject(facts=known, failure=failure, **subject), active)
    return outcome, findings
