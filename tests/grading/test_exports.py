from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcheck.errors import UsageError
from modelcheck.facts.structs import Parameters
from modelcheck.grading.exports import canvas, grades, gradescope, moodle
from modelcheck.grading.records import Grade, Late, Member
from modelcheck.policy import Policy
from modelcheck.policy_file import GradingSection

from .made import finding, grade, outcome, report

FAILS = (outcome("batch-norm", "fail"), outcome("dropout", "fail"), outcome("unused-module", "fail", severity="advice"))
NOON = datetime.datetime(2026, 12, 1, 12, tzinfo=datetime.UTC)


def written(write: Any, *told: Any) -> list[list[str]]:
    write(Path("out.csv"), *told)
    data = Path("out.csv").read_bytes()
    assert list(Path.cwd().iterdir()) == [Path.cwd() / "out.csv"], "nothing is left beside it"
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class TestGradesCsv:
    def test_every_column(self, facts: Any) -> None:
        judged = report(*FAILS, facts=facts)
        one = grade(
            "Ada_1_x.py",
            report=judged,
            points=59.5,
            max_points=100.0,
            accuracy=0.9941,
            seconds=12.34567,
            student="1",
            name="Ada",
            late=Late(days=1.5, penalty=0.2),
        )
        table = written(grades.write, iter([one, grade("b.py", outcome("dropout", "pass"))]))
        header = ["id", "verdict", "points", "max_points", "parameters", "accuracy", "failed rules", "seconds"]
        assert table[0] == [*header, "student", "name", "days late", "penalty"]
        counted = ["59.5", "100", "18592", "0.9941", "batch-norm, dropout", "12.346"]
        assert table[1] == ["Ada_1_x.py", "fail", *counted, "1", "Ada", "1.5", "0.2"]
        assert table[2] == ["b.py", "pass", "", "", "", "", "", "0.25", "", "", "", ""]
        assert len(table) == 3

    def test_nothing_that_an_author_chose_is_computed(self) -> None:
        evil = '=HYPERLINK("http://x","y")'
        (_, row) = written(grades.write, [grade(evil, name="+1\n\x1b[31m", student="@SUM(A1)", points=0.0)])
        assert [row[0], row[2], row[8], row[9]] == [f"'{evil}", "0", "'@SUM(A1)", "'+1\\n\\x1b[31m"]

    def test_many_are_not_kept(self) -> None:
        alive: set[int] = set()

        class Seen:
            def __init__(self, number: int) -> None:
                alive.add(number)
                self.number = number

            def __del__(self) -> None:
                alive.discard(self.number)

        def many() -> Iterator[Grade]:
            for number in range(50):
                seen = Seen(number)
                made = grade(f"{number}.py", report=msgspec.structs.replace(report(), target=seen))
                del seen
                yield made
                assert len(alive) <= 2

        assert len(written(grades.write, many())) == 51
        assert len(written(moodle.write, many())) == 51
        assert len(written(canvas.write, many(), "A6")) == 52

    def test_what_cannot_be_written(self) -> None:
        with pytest.raises(UsageError, match=r"cannot write nowhere/grades\.csv: No such file or directory"):
            grades.write(Path("nowhere/grades.csv"), [])


class TestCanvas:
    def test_students_are_found_by_canvas_number_or_by_the_registrars(self) -> None:
        told = [
            grade("lovelaceada_LATE_101_9001_net.py", student="101", name="lovelaceada", points=80.0, max_points=100.0),
            grade("mon/pascal_102_9002_net.py", student="102", name="pascal", points=0.0, max_points=100.0),
            grade("resnet_18_3_model.py", student="u1", name="Carl", points=7.25, max_points=100.0),
            grade("dora.py"),
        ]
        assert written(canvas.write, told, "Assignment 6 (77)") == [
            ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Assignment 6 (77)"],
            ["    Points Possible", "", "", "", "", "100"],
            ["lovelaceada", "101", "", "", "", "80"],
            ["pascal", "102", "", "", "", "0"],
            ["Carl", "", "u1", "", "", "7.25"],
            ["dora.py", "", "", "", "", ""],
        ]

    def test_each_member_of_a_group_has_a_row(self) -> None:
        group = (Member(student="200", name="Bob"), Member(student="201", name="Cy"))
        told = [grade("submission_1", student="200, 201", name="Bob, Cy", group=group, points=5.0, max_points=9.0)]
        assert [row[:3] + row[5:] for row in written(canvas.write, told, "A6")[2:]] == [
            ["Bob", "", "200", "5"],
            ["Cy", "", "201", "5"],
        ]

    @pytest.mark.parametrize("backwards", [False, True])
    def test_of_several_the_last_counts_and_then_the_best(self, backwards: bool) -> None:
        told = [
            grade("a", student="1", name="Ada", points=9.0, submitted=NOON - datetime.timedelta(hours=1)),
            grade("b", student="1", name="Ada", points=3.0, submitted=NOON),
            grade("c", student="2", name="Bob", points=4.0),
            grade("d", student="2", name="Bob", points=5.0),
            grade("e", student="2", name="Bob"),
        ]
        rows = written(canvas.write, reversed(told) if backwards else told, "A6")[2:]
        assert sorted((row[0], row[5]) for row in rows) == [("Ada", "3"), ("Bob", "5")]


class TestMoodle:
    def test_participants_and_others(self) -> None:
        told = [
            grade(
                "Ada Lovelace_101_assignsubmission_file_",
                *FAILS,
                student="101",
                name="Ada Lovelace",
                points=59.5,
                max_points=100.0,
                accuracy=0.99397,
                late=Late(days=1.5, penalty=0.2),
            ),
            grade("x.py", outcome("dropout", "pass"), student="u1", name="=cmd", points=0.0, max_points=100.0),
            grade("y.py", report=report(verdict="error")),
        ]
        assert written(moodle.write, told) == [
            [
                "Identifier",
                "Full name",
                "ID number",
                "Grade",
                "Maximum Grade",
                "Last modified (grade)",
                "Feedback comments",
            ],
            [
                "Participant 101",
                "Ada Lovelace",
                "",
                "59.5",
                "100",
                "",
                "Not all constraints are met: batch-norm and dropout; accuracy 99.397 %; "
                "2 days late, which costs 20.00 %.",
            ],
            ["", "'=cmd", "u1", "0", "100", "", "All constraints are met."],
            ["", "y.py", "", "", "", "", "It could not be judged."],
        ]

    def test_a_name_that_only_looks_like_moodles(self) -> None:
        """Eve cannot have her points written for participant 7 by calling her own file so."""
        rows = written(moodle.write, [grade("x_7_assignsubmission_file_.py", student="eve", name="Eve", points=9.0)])
        assert rows[1][:3] == ["", "Eve", "eve"]


class TestGradescope:
    POLICY = Policy(grading=GradingSection(points={"dropout": 40.0, "batch-norm": 60.0}))

    def results(self, one: Grade, policy: Policy = POLICY) -> Any:
        gradescope.write(Path("results.json"), one, policy)
        return json.loads(Path("results.json").read_text())

    def test_tests_and_points(self) -> None:
        rules = (
            outcome("batch-norm", "fail", evidence="0 live"),
            outcome("dropout", "pass", evidence="6 live", severity="advice"),
            outcome("accuracy", "not run", cause="nothing was trained"),
            outcome("unused-module", "fail", severity="advice"),
        )
        found = (finding("batch-norm", "none is\x1b[31m live"), finding("unused-module", "<b>a</b>", severity="advice"))
        one = grade(
            "ö.py",
            report=report(*rules, findings=found),
            points=32.0,
            max_points=100.0,
            late=Late(days=2.0, penalty=0.2),
            seconds=1.23456,
        )
        assert self.results(one) == {
            "score": 32.0,
            "execution_time": 1.235,
            "output": "Not all constraints are met: batch-norm; 2 days late, which costs 20.00 %.\n"
            "MC401 unused-module: <b>a</b>",
            "output_format": "text",
            "test_output_format": "text",
            "test_name_format": "text",
            "stdout_visibility": "hidden",
            "extra_data": {"id": "ö.py", "content": "0", "verdict": "fail", "accuracy": None},
            "tests": [
                {
                    "name": "MC201 batch-norm",
                    "output": "none is\\x1b[31m live",
                    "status": "failed",
                    "score": 0.0,
                    "max_score": 60.0,
                },
                {
                    "name": "MC202 dropout",
                    "output": "6 live",
                    "status": "passed",
                    "score": 40.0,
                    "max_score": 40.0,
                },
                {"name": "MC501 accuracy", "output": "nothing was trained"},
            ],
        }

    @pytest.mark.parametrize(("decided", "score"), [("pass", 1.0), ("fail", 0.0)])
    def test_without_points(self, decided: Any, score: float) -> None:
        results = self.results(grade("a.py", outcome("dropout", decided)), Policy())
        assert results["score"] == score
        assert [set(one) for one in results["tests"]] == [{"name", "output", "status"}]

    def test_names_that_are_no_text(self) -> None:
        found = (finding("dropout", "in gr\udcf6.py"),)
        one = grade("a.py", report=report(outcome("dropout", "fail"), findings=found))
        assert self.results(one)["tests"][0]["output"] == "in gr\\udcf6.py"


@pytest.fixture
def facts() -> Any:
    """What a report's facts are to a table."""
    counted = Parameters(total=18592, trainable=18592, frozen=0, unused=0, shared=0, hidden=5, bytes=0)

    class Known:
        parameters = counted

    return Known()
