"""Grades of every kind, made of the golden reports, and a course to judge them by."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from modelcheck.grading.alike.prints import Cluster
from modelcheck.grading.records import Grade, Late, Member, Sandboxed
from modelcheck.grading.site.course import Course
from modelcheck.policy import Policy
from modelcheck.policy_file import GradingSection
from modelcheck.report import Finding, Report, RuleOutcome
from modelcheck.rules.base import RangeOptions
from modelcheck.rules.mc501_accuracy import AccuracyOptions

GOLDEN = Path(__file__).parents[2] / "golden"
POINTS = {"parameter-budget": 40.0, "batch-norm": 20.0, "dropout": 20.0, "MC203": 20.0}
COURSE = Course(
    Policy(
        name="/home/teacher/assignment.toml",
        title="Assignment 6",
        settings={"parameter-budget": RangeOptions(max=19_999), "accuracy": AccuracyOptions(min=0.994)},
        grading=GradingSection(points=POINTS),
    )
)
IMAGES: NDArray[np.uint8] = np.arange(2131 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(2131, 1, 28, 28)


def golden(name: str) -> Report:
    return msgspec.json.decode((GOLDEN / f"{name}.json").read_bytes(), type=Report)


def grade(key: str, report: Report | str = "reference", **told: Any) -> Grade:
    report = golden(report) if isinstance(report, str) else report
    made = {"points": 100.0, "max_points": 100.0, "seconds": 0.25, "sandboxed": Sandboxed(sandbox="bubblewrap")}
    accuracy = report.metrics.test_accuracy.last if report.metrics else None
    made |= {"id": key, "content": "0" * 64, "report": report, "accuracy": accuracy}
    return Grade(**{**made, **told})


def sized(report: Report, parameters: int) -> Report:
    """The report with so many parameters."""
    assert report.facts is not None
    held = msgspec.structs.replace(report.facts.parameters, total=parameters)
    return msgspec.structs.replace(report, facts=msgspec.structs.replace(report.facts, parameters=held))


def grades() -> list[Grade]:
    """One of each kind, as a course might have them."""
    late = Late(days=1.4, penalty=0.2)
    submitted = datetime.datetime(2026, 12, 3, 9, 30, tzinfo=datetime.UTC)
    group = (Member(student="s1", name="Ana García"), Member(student="s2", name="Li Wei"))
    weaker = ("Other processes of the same user can be seen.",)
    return [
        grade("ana", group=group),
        grade("ben.zip", "failing", points=20.0, sandboxed=Sandboxed(sandbox="process", weaker=weaker)),
        grade("cy", "measured", points=80.0, submitted=submitted, late=late, accuracies=(0.9907, 0.9941), name="Cy"),
        grade("dee.py", "MC003", points=0.0, sandboxed=Sandboxed(sandbox="none")),
        grade("eli", "submission", points=55.5),
        grade("fay", "MC605", points=0.0),
        grade("gus", sized(golden("measured"), 54_321), points=60.0, accuracy=0.9951),
    ]


CLUSTERS = (
    Cluster(likeness="graph", ids=("ana", "cy", "eli"), share=1.0, of=7),
    Cluster(likeness="source", ids=("ben.zip", "gus"), share=0.87, of=7),
)

SCRIPT = "<script>window.hacked=1</script>"
QUOTED = "\"'><img src=x onerror=window.hacked=1 autofocus onfocus=window.hacked=1>"
TEMPLATE = "{{ 7*7*191 }}{% raw %}"
UNSEEN = "".join(map(chr, (0x00, 0x08, 0x1B, 0x7F, 0x85, 0x200B, 0x202E, 0x2066, 0x2028, 0xFEFF, 0xDC80)))
WORST = f"</title></style>{SCRIPT}{QUOTED}{TEMPLATE}{UNSEEN}javascript:window.hacked=1 שלום"
LONG = "x" * 1_000_000


def hostile() -> list[Grade]:
    """Grades in which all that an author names is meant to act on the page, or to fill it."""
    changed = msgspec.structs.replace
    base = golden("measured")
    assert base.origin is None
    assert base.facts is not None
    layer = base.layers[0]
    found = Finding(
        code="MC401", name="unused-module", severity="advice", message=WORST, where=WORST, file=WORST, line=1
    )
    many = (found, changed(found, message=f"{WORST}\n  {WORST}"), changed(found, message=LONG))
    bad = RuleOutcome(code="MC101", name="parameter-budget", severity="error", outcome="fail", evidence=WORST)
    report = changed(
        base,
        target=WORST,
        policy=WORST,
        verdict="fail",
        facts=changed(base.facts, unused_modules=(WORST, LONG), outputs=(WORST,)),
        layers=(changed(layer, path=WORST, type=LONG), *(changed(layer, path=f"a{k}") for k in range(5_000))),
        findings=(*many * 100, changed(found, code="MC101", name="parameter-budget", severity="error")),
        rules=(bad, *base.rules, changed(bad, code=WORST, name=LONG, outcome="not run", cause=WORST)),
        metrics=changed(base.metrics, dataset=WORST, recipe=LONG),
    )
    stopped = golden("MC003")
    said = changed(stopped.findings[0], message="\n".join([WORST, LONG] * 100))
    return [
        grade(WORST[:255], report, name=WORST, student=LONG, group=(Member(student=WORST, name=LONG),)),
        grade("נתן <b>", changed(stopped, findings=(said,) * 300), name=WORST),
    ]
