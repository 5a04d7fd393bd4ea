"""Records as grading makes them, each of its own number."""

from __future__ import annotations

from pathlib import Path

import msgspec

from modelcheck.errors import NotCapturable
from modelcheck.grading.gradebook import CaptureFailure, CaptureFile, CaptureRecord, Keys
from modelcheck.grading.records import Grade, Sandboxed
from modelcheck.origin import Origin
from modelcheck.report import Epoch, Finding, Metrics, Report, RuleOutcome, TestAccuracy, Tool

TOOL = Tool(name="modelcheck", version="1", torch="2")
SANDBOX = Sandboxed(sandbox="process", weaker=("it sees other processes",))
REPORT = msgspec.json.decode(
    (Path(__file__).parents[2] / "golden" / "reference.json").read_bytes(), type=Report
)  # with facts, layers and rules


def capture(number: int, seconds: float) -> CaptureRecord:
    """A capture; every fourth failed."""
    failed = CaptureFailure.of(NotCapturable(f"no graph\nof {number}", file="net.py", line=number))
    return CaptureRecord(
        result=CaptureFile.of(b"%d" % number) if number % 4 else failed,
        origin=Origin(file="net.py", line=3, name="Net"),
        seconds=seconds,
        sandboxed=SANDBOX,
    )


def metrics(number: int, seconds: float) -> Metrics:
    """What a training of two epochs measured, its times beginning with the given one."""
    epochs = tuple(
        Epoch(
            epoch=one,
            images=60_000,
            train_loss=None,
            train_accuracy=0.9,
            test_loss=0.1,
            test_accuracy=0.98,
            train_s=seconds + one,
            eval_s=seconds + one / 3,
        )
        for one in (1, 2)
    )
    return Metrics(
        dataset="mnist",
        official=True,
        train_images=60_000,
        test_images=10_000,
        recipe="fast",
        seed=number,
        device="cpu",
        dtype="float32",
        threads=1,
        epochs=epochs,
        test_accuracy=TestAccuracy(last=0.98 + number / 10**6, best=0.99, best_epoch=1),
        test_loss=0.1,
        confusion=((1, 0), (0, 1)),
        mistakes=(),
        images_per_s=seconds + 0.7,
        wall_s=seconds + 0.9,
    )


def grade(number: int, seconds: float) -> tuple[Grade, Keys]:
    """A grade of what ``capture`` and ``metrics`` give; where the capture failed, the verdict is an error."""
    failed = not number % 4
    outcome = RuleOutcome(code="MC004", name="not-capturable", severity="error", outcome="fail")
    report = msgspec.structs.replace(
        REPORT,
        target=f"{number}",
        verdict="error" if failed else "pass",
        facts=None if failed else REPORT.facts,
        rules=(*REPORT.rules, outcome) if failed else REPORT.rules,
        findings=(Finding(code="MC004", name="not-capturable", severity="error", message="no"),) if failed else (),
        metrics=None if failed else metrics(number, seconds),
    )
    found = Grade(
        id=name(number),
        content=f"{number}",
        student=f"s{number}",
        name="Zoë <b>" if number % 2 else None,
        points=0.0 if failed else 99.5,
        max_points=100.0,
        accuracy=None if failed else 0.98,
        seconds=seconds,
        sandboxed=SANDBOX,
        report=report,
    )
    return found, Keys(
        grade=f"grade {number}", capture=f"capture {number}", trainings=() if failed else (f"training {number}",)
    )


def name(number: int) -> str:
    """An id; their order is the numbers'."""
    return f"{number:06} 'ö\U0001f600\".zip"
