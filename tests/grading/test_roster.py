from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from modelcheck.errors import UsageError
from modelcheck.grading.records import Member, Submission
from modelcheck.grading.roster import Roster, read_roster

NOON = datetime.datetime(2026, 12, 1, 12, tzinfo=datetime.UTC)


def submission(key: str, **told: Any) -> Submission:
    return Submission(id=key, path=f"/subs/{key}", content="0", **told)


@pytest.fixture
def roster_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes) -> Roster:
        Path("roster.csv").write_bytes(content.encode() if isinstance(content, str) else content)
        return read_roster("roster.csv")

    return write


def test_by_id_then_by_student(roster_of: Any) -> None:
    roster = roster_of(
        "id,name,submitted,due\n"
        "ada.py,Ada,2026-12-01T12:00:00Z,\n"
        "102,Blaise,2026-12-01 13:00:00+01:00,2026-11-30T12:00:00Z\n"
        "103,Carl,,\n"
        "201,Dora,,2026-12-01T12:00:00Z\n"
        "202,Emmy,,\n"
    )
    told = [
        submission("ada.py", student="102", name="from the platform"),
        submission("x", student="102"),
        submission("y", student="200, 201", group=tuple(Member(student=one) for one in ("200", "201", "202"))),
        submission("z", student="999", name="Zoe", submitted=NOON),
    ]
    found = roster.matched(told)
    assert [(one.id, one.name, one.submitted, one.due) for one in found] == [
        ("ada.py", "Ada", NOON, None),
        ("x", "Blaise", NOON, NOON - datetime.timedelta(days=1)),
        ("y", "Dora", None, NOON),
        ("z", "Zoe", NOON, None),
    ]
    assert [one.student for one in found] == [one.student for one in told]
    assert [row.name for row in roster.missing(told)] == ["Carl"]


@pytest.mark.parametrize(
    "content",
    [
        "id,name\nGröße.py,Ada\n",
        "\ufeffid,name\r\nGröße.py,Ada\r\n",
        "name;id\nAda;Größe.py\n",
        "\n ID , Name \n\n,\nGröße.py, Ada",
        'name,id\n"Ada","Gro\u0308ße.py"\n',
    ],
)
def test_as_spreadsheets_and_people_write_it(content: str, roster_of: Any) -> None:
    (found,) = roster_of(content).matched([submission("Größe.py")])
    assert found.name == "Ada"


def test_an_id_as_it_stands_in_grades_csv(roster_of: Any) -> None:
    (found,) = roster_of("id,name\n'=1+1.py,Eve\n").matched([submission("=1+1.py")])
    assert found.name == "Eve"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "line 1: it is empty; a line with the columns id, name, submitted, due is expected"),
        ("id,sumbitted\n", "line 1: unknown column 'sumbitted'; did you mean 'submitted'? Known: due, id, name"),
        ("name,due\n", "line 1: the column id is missing; found name, due"),
        ("id,name,id\n", "line 1: the column id is there twice; keep one"),
        ("id,name\na,b\na,c\n", "line 3, column id: the id 'a' is on line 2 too; keep one"),
        ("id,name\n,Ada\n", "line 2, column id: it is empty; a submission's id or its author's is expected"),
        ("id,name\na,Lovelace, Ada\n", "line 2: 3 cells, and 2 columns in the first line; quote what holds a comma"),
        ('id,name\n"a\nb",x\nc,"d"e\n', "line 4: no row of comma-separated values: "),
        (
            "id,due\na,2026-12-01T23:59:00\n",
            "line 2, column due: '2026-12-01T23:59:00' has no time zone; a date, a time",
        ),
        ("id,due\na,2026-12-01\n", "line 2, column due: '2026-12-01' has no time zone; a date, a time and its zone"),
        ("id,submitted\na,\nb,1.12.2026\n", "line 3, column submitted: '1.12.2026' is no time; a date, a time and"),
        (b"id,name\na,Gr\xf6\xdfe\n", "line 2: it is no UTF-8; save the file as CSV in UTF-8"),
        (b"\xff\xfei\0d\0", "line 1: it is no UTF-8"),
        ("id,due\na,\x1b[31m\n", "line 2, column due: '\\x1b[31m' is no time"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(content: str | bytes, says: str, roster_of: Any) -> None:
    with pytest.raises(UsageError) as caught:
        roster_of(content)
    assert str(caught.value).startswith(f"roster.csv: {says}")


def test_a_roster_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"roster\.csv: the roster cannot be read: No such file or directory"):
        read_roster("roster.csv")
