from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from modelcheck.grading.alike.prints import Cluster
from modelcheck.grading.encoding import folder_name
from modelcheck.grading.records import Grade
from modelcheck.grading.site.course import Course
from modelcheck.grading.site.index import write_index

from .making import CLUSTERS, COURSE, golden, grade, grades, sized
from .reading import Element, read, table


def index(
    out: Path, given: Sequence[Grade], course: Course = COURSE, clusters: tuple[Cluster, ...] | None = None
) -> Element:
    write_index(out, course, given, clusters)
    return read(out / "index.html")


def tiles(page: Element) -> dict[str, str]:
    return {
        one.all("dt")[0].text.strip(" ✓✗!\n"): " ".join(one.all("dd")[0].text.split())
        for one in page.all("dl")[0].all("div")
    }


def test_every_submission_is_a_row_with_what_it_was_given(tmp_path: Path) -> None:
    head, *rows = table(index(tmp_path, grades()), "each name leads to its page")
    assert head == [
        "Submission",
        "Name",
        "Verdict",
        "Points",
        "Parameters",
        "Accuracy",
        "Failed rules",
        "Days late",
        "Seconds",
    ]
    assert [row[0] for row in rows] == [one.id for one in grades()]
    assert rows[0] == ["ana", "Ana García, Li Wei", "✓ pass", "100", "18,592", "", "", "", "0.2"]
    assert rows[1][2:7] == ["✗ fail", "20", "24,170", "", "parameter-budget, batch-norm, global-average-pooling"]
    assert rows[2] == ["cy", "Cy", "✓ pass", "80", "18,592", "99.07 %", "", "1.4", "0.2"]
    assert rows[3][2:7] == ["! error", "0", "", "", "forward-error"]


def test_a_column_that_nobody_has_anything_in_is_left_out(tmp_path: Path) -> None:
    head, row = table(index(tmp_path, [grade("a", points=None, max_points=None)]), "each name leads to its page")
    assert head == ["Submission", "Verdict", "Parameters", "Accuracy", "Failed rules", "Seconds"]
    assert row == ["a", "✓ pass", "18,592", "", "", "0.2"]


def test_each_name_leads_to_the_folder_of_its_page(tmp_path: Path) -> None:
    ids = ["plain", "Ana García", "a/b", 'q"uote&<', "index"]
    page = index(tmp_path, [grade(one) for one in ids])
    links = [one.attributes["href"] for one in page.all("tbody")[-1].all("a")]
    assert links == [f"submissions/{folder_name(one)}/index.html" for one in ids]


def test_the_overview_counts_and_takes_medians(tmp_path: Path) -> None:
    shown = tiles(index(tmp_path, grades()))
    assert shown == {
        "pass": "4",
        "fail": "1",
        "error": "2",
        "median points": "55.5 of 100",
        "median accuracy": "99.29 %",
        "median parameters": "18,592",
    }


def test_failed_rules_stand_by_frequency(tmp_path: Path) -> None:
    given = [grade("a", "failing"), grade("b", "failing"), grade("c", "MC003"), grade("d")]
    head, *rows = table(index(tmp_path, given), "How many submissions violate each rule")
    assert head == ["Rule", "What it finds", "Submissions", "Share"]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("MC201 batch-norm", "2", "50.0 %"),
        ("MC203 global-average-pooling", "2", "50.0 %"),
        ("MC101 parameter-budget", "2", "50.0 %"),
        ("MC003 forward-error", "1", "25.0 %"),
    ]
    assert all(row[1] for row in rows)


def test_clusters_name_who_is_alike_and_in_what(tmp_path: Path) -> None:
    page = index(tmp_path, grades(), clusters=CLUSTERS)
    (section,) = (one for one in page.all("section") if one.attributes["aria-labelledby"] == "alike")
    assert [one.text.split(",")[0] for one in section.all("h3")] == ["The same graph", "Nearly the same source"]
    shown = [[link.text for link in one.all("a")] for one in section.all("ol")]
    assert shown == [["ana", "cy", "eli"], ["ben.zip", "gus"]]
    assert "2 submissions, with at least 87 % in common" in section.text
    assert "no accusation" in section.text


def test_the_pictures_say_in_words_what_they_show(tmp_path: Path) -> None:
    marks, dots = [one for one in index(tmp_path, grades()).all("svg") if one.attributes.get("role") == "img"]
    said = marks.attributes["aria-label"]
    assert "0 to 10 points: 2 submissions. 20 to 30 points: 1 submission." in said
    assert "90 to 100 points: 1 submission." in said
    assert len(marks.all("rect")) == said.count(":")
    assert "from 10 k to 100 k parameters and from 99 % to 99.8 % accuracy" in dots.attributes["aria-label"]
    assert [len(dots.all(tag)) for tag in ("circle", "path")] == [2, 0]


@pytest.mark.parametrize("given", [[], [grade("a", "MC003", points=None, max_points=None)]])
def test_a_page_of_next_to_nothing_is_a_page(tmp_path: Path, given: list[Grade]) -> None:
    page = index(tmp_path, given, Course())
    assert page.all("h1")[0].text.strip() == "Grades"
    assert len(page.all("tr")) == (0 if not given else 4)


def test_no_folder_of_the_teachers_is_shown(tmp_path: Path) -> None:
    assert "judged by the policy assignment.toml" in index(tmp_path, grades()).text
    assert "/home/teacher" not in (tmp_path / "index.html").read_text()


def test_a_thousand_are_written_in_seconds(tmp_path: Path) -> None:
    measured = golden("measured")
    given = [
        grade(f"s{k}", sized(measured, 5_000 + 40 * k), points=k / 10, accuracy=0.98 + k / 60_000) for k in range(1000)
    ]
    start = time.monotonic()
    write_index(tmp_path, COURSE, given)
    assert time.monotonic() - start < 60  # and not a minute for each thousand more
    page = tmp_path / "index.html"
    assert page.stat().st_size < 1_000_000
    assert len(table(read(page), "each name leads to its page")) == 1001


def test_what_was_not_compared_is_not_said_to_differ(tmp_path: Path) -> None:
    assert "None are alike." in index(tmp_path, grades(), clusters=()).text
    assert "alike" not in index(tmp_path, grades()).all("body")[0].text.lower()
