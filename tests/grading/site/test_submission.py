from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from modelcheck.grading.records import Grade
from modelcheck.grading.site.submission import write_submission
from modelcheck.rules import all_rules
from modelcheck.words import percent

from .making import COURSE, IMAGES, golden, grade, grades
from .reading import Element, read, table

GRADES = {one.id: one for one in grades()}


def page(out: Path, given: Grade) -> Element:
    write_submission(out, COURSE, given, IMAGES)
    return read(out / "index.html")


def section(found: Element, name: str) -> Element:
    (one,) = (one for one in found.all("section") if one.attributes["aria-labelledby"] == name)
    return one


@pytest.mark.parametrize(("key", "said"), [
    ("ana", "passes assignment.toml"),
    ("ben.zip", "fails assignment.toml: MC101, MC201, MC203"),
    ("dee.py", "forward fails"),
])  # fmt: skip
def test_the_verdict_stands_on_top_in_words(tmp_path: Path, key: str, said: str) -> None:
    (header,) = page(tmp_path, GRADES[key]).all("header")
    assert header.all("h1")[0].text == key
    assert said in header.text


def test_each_rule_stands_with_its_evidence_and_its_points(tmp_path: Path) -> None:
    report = GRADES["ben.zip"].report
    found = page(tmp_path, GRADES["ben.zip"])
    loud = table(found, "What is required")
    silent = table(found, "Rules that found nothing")
    shown = {row[0].split()[0]: row for row in loud[1:] + silent[1:]}
    assert list(shown) == sorted(shown, key=[row[0].split()[0] for row in loud[1:] + silent[1:]].index)
    assert {one.code: " ".join((one.evidence or one.cause or "").split()) for one in report.rules} == {
        code: row[2] for code, row in shown.items()
    }
    assert shown["MC101"][1:] == ["✗ fail", "24,170 parameters, at most 19,999 allowed", "0 of 40 points"]
    assert shown["MC202"][3] == "20 of 20 points"
    assert sum(float(row[3].split()[0]) for row in loud[1:] if row[3]) == 20.0 == GRADES["ben.zip"].points


def test_what_is_violated_has_its_findings_and_the_advice_that_helps(tmp_path: Path) -> None:
    found = section(page(tmp_path, GRADES["ben.zip"]), "failed")
    cards = {one.all("h3")[0].text.split()[0]: one for one in found.all("article")}
    assert list(cards) == ["MC101", "MC201", "MC203"]
    assert "Largest: fc1 23,550" in cards["MC101"].text
    assert "A budget is the point of a small network" in cards["MC101"].text
    assert "nn.AdaptiveAvgPool2d(1), or x.mean((2, 3))" in cards["MC203"].text
    assert "self.pool = nn.AvgPool2d(6)" in cards["MC203"].text


def test_every_rule_has_advice_to_show(tmp_path: Path) -> None:
    base = golden("failing")
    model = next(one for one in base.rules if one.outcome == "fail")
    rules = tuple(msgspec.structs.replace(model, code=one.code, name=one.name) for one in all_rules())
    found = section(page(tmp_path, grade("a", msgspec.structs.replace(base, rules=rules))), "failed")
    assert {one.all("h3")[0].text.split()[0] for one in found.all("article")} == {one.code for one in all_rules()}
    for one in found.all("article"):
        headings = [heading.text for heading in one.all("h4")]
        assert headings == ["What the rule asks", "Why it matters", "Violates it", "Passes"]
        assert len(one.all("pre")) >= 2, one.text


def test_advice_is_apart_from_what_counts(tmp_path: Path) -> None:
    found = section(page(tmp_path, GRADES["ben.zip"]), "advice")
    assert "neither the verdict nor the points" in found.text
    assert "MC401" in found.text
    assert "MC101" not in found.text


def test_where_a_step_failed_its_message_keeps_its_lines(tmp_path: Path) -> None:
    (said, *_) = page(tmp_path, GRADES["dee.py"]).all("pre")
    assert said.text == GRADES["dee.py"].report.findings[0].message


def test_a_late_submission_is_told_what_that_cost(tmp_path: Path) -> None:
    assert (
        "Submitted on 2026-12-03 09:30 UTC, 1.4 days late, which costs 20 % of the points: 80 are left of 100."
        in page(tmp_path, GRADES["cy"]).text
    )


def test_the_sandbox_and_what_it_does_not_guarantee_are_named(tmp_path: Path) -> None:
    told = {key: section(page(tmp_path, GRADES[key]), "marking").text for key in ("ana", "ben.zip", "dee.py")}
    assert "inside a bubblewrap sandbox" in told["ana"]
    assert "does not guarantee" not in told["ana"]
    assert "What it does not guarantee:" in told["ben.zip"]
    assert "Other processes of the same user can be seen." in told["ben.zip"]
    assert "was not sandboxed, as --sandbox none asks" in told["dee.py"]


def test_what_was_measured_stands_in_full(tmp_path: Path) -> None:
    metrics = GRADES["cy"].report.metrics
    assert metrics is not None
    found = page(tmp_path, GRADES["cy"])
    assert "99.07 %, 99.41 %; mean 99.24 % ± 0.24" in found.text
    epochs = table(found, "Loss and accuracy by epoch")[1:]
    assert [row[4] for row in epochs] == [percent(one.test_accuracy) for one in metrics.epochs]
    matrix = table(found, "Test images by their label")
    assert matrix[0] == ["label", *map(str, range(10)), "right"]
    assert [[int(cell.replace(",", "")) for cell in row[1:-1]] for row in matrix[1:]] == [
        list(row) for row in metrics.confusion
    ]
    assert matrix[1][-1] == "99.1 %"


def test_the_worst_mistakes_are_pictures_of_those_test_images(tmp_path: Path) -> None:
    found = page(tmp_path, GRADES["cy"])
    first, second = found.all("img")
    assert first.attributes["alt"] == "Test image 2130, labelled 4"
    assert second.attributes["alt"] == "Test image 7, labelled 3"
    data = first.attributes["src"].removeprefix("data:image/png;base64,")
    assert np.array_equal(np.array(Image.open(io.BytesIO(base64.b64decode(data)))), IMAGES[2130, 0])
    write_submission(tmp_path, COURSE, GRADES["cy"])
    assert read(tmp_path / "index.html").all("img") == []


def test_layers_stand_with_their_total(tmp_path: Path) -> None:
    report = GRADES["ana"].report
    _, *rows, total = table(page(tmp_path, GRADES["ana"]), "In the order of the first call")
    assert [row[0] for row in rows] == [one.path or "(forward)" for one in report.layers]
    assert sum(int(row[4].replace(",", "") or 0) for row in rows) == 18_592
    assert total[1:] == ["18,592", f"{report.facts.macs:,}" if report.facts else ""]


@pytest.mark.parametrize("changes", [
    {"epochs": (), "recipe": None, "seed": None},
    {"mistakes": ()},
    {"confusion": tuple((1,) * 40 for _ in range(40))},
])  # fmt: skip
def test_what_was_not_measured_is_not_drawn(tmp_path: Path, changes: dict[str, Any]) -> None:
    base = golden("measured")
    assert base.metrics is not None
    changed = msgspec.structs.replace(base, metrics=msgspec.structs.replace(base.metrics, **changes))
    found = section(page(tmp_path, grade("a", changed)), "accuracy")
    drawn = [len(found.all(tag)) for tag in ("figure", "img")]
    assert drawn == ([0, 2] if "epochs" in changes else [2, 0] if "mistakes" in changes else [2, 2])
    assert ("too many for a table" in found.text) == ("confusion" in changes)


def test_losses_that_were_not_finite_leave_gaps(tmp_path: Path) -> None:
    base = golden("measured")
    assert base.metrics is not None
    first, second, third = base.metrics.epochs
    gone = msgspec.structs.replace(second, test_loss=None)
    metrics = msgspec.structs.replace(base.metrics, epochs=(first, gone, third))
    found = page(tmp_path, grade("a", msgspec.structs.replace(base, metrics=metrics)))
    (curve,) = [one for one in found.all("figure")[1].all("g") if one.attributes.get("class") == "curve test"]
    assert len(curve.all("rect")) == 2
    assert [piece[0] for piece in curve.all("path")[0].attributes["d"].split() if piece[0] in "ML"] == ["M", "M"]
    assert "not finite" in found.text
