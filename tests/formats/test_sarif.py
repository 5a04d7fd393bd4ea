from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import msgspec
import pytest

from modelcheck.formats import render_all, renderer, sarif
from modelcheck.report import Finding, Report
from modelcheck.rules import find_rule
from modelcheck.rules.documentation import documentation

from .making import HOSTILE, NAMES, poisoned, undecided

SCHEMA = json.loads((Path(__file__).parent / "schemas/sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))


def log(*reports: Report) -> Any:
    """The log, which is valid."""
    made = json.loads(render_all("sarif", reports, width=80, color=False))
    jsonschema.Draft4Validator(SCHEMA).validate(made)
    (run,) = made["runs"]
    for one in run["results"]:
        assert run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
        for location in one.get("locations", []):
            if place := location.get("physicalLocation"):
                uri = urlsplit(place["artifactLocation"]["uri"])
                assert uri.scheme in ("", "file")
                assert " " not in uri.path
    return run


def test_the_schema_refuses_what_is_wrong(reports: dict[str, Report]) -> None:
    made = json.loads(renderer("sarif")(reports["failing"], width=80, color=False))
    made["runs"][0]["results"][0]["level"] = "advice"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(SCHEMA).validate(made)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_and_has_a_result_for_each_finding(name: str, reports: dict[str, Report]) -> None:
    report = reports[name]
    run = log(report)
    assert [one["ruleId"] for one in run["results"]] == [one.code for one in report.findings]
    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == report.exit_status
    assert invocation["executionSuccessful"] == (report.verdict != "error")


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_is_valid_whatever_an_author_names(kind: str, reports: dict[str, Report]) -> None:
    log(poisoned(reports["failing"], HOSTILE[kind]), poisoned(reports["MC003"], HOSTILE[kind]))


def test_a_result_stands_at_the_authors_line(reports: dict[str, Report]) -> None:
    (unused,) = (one for one in log(reports["failing"])["results"] if one["ruleId"] == "MC401")
    assert unused["level"] == "warning"
    assert unused["locations"] == [
        {
            "physicalLocation": {"artifactLocation": {"uri": "net.py"}, "region": {"startLine": 11}},
            "logicalLocations": [{"fullyQualifiedName": "spare"}],
        }
    ]
    (budget,) = (one for one in log(reports["failing"])["results"] if one["ruleId"] == "MC101")
    assert budget["level"] == "error"
    (place,) = budget["locations"]
    assert place["physicalLocation"]["region"] == {"startLine": 6}, "where the class is defined"


def at(report: Report, *places: tuple[str, int | None], **told: Any) -> list[Any]:
    """The results of findings at those places."""
    told = {"code": "MC402", "name": "bias-before-batch-norm", "severity": "advice", "message": "m 1", **told}
    findings = tuple(Finding(file=file, line=line, **told) for file, line in places)
    return log(msgspec.structs.replace(report, findings=findings))["results"]


@pytest.mark.parametrize(
    ("file", "uri", "line"),
    [
        ("net.py", "net.py", 7),
        ("a folder/é%#?.py", "a%20folder/%C3%A9%25%23%3F.py", 7),
        ("c:net.py", "c%3Anet.py", 7),
        ("/tmp/a b.py", "file:///tmp/a%20b.py", 7),
        ("sub.zip/net.py", "sub.zip/net.py", 7),
        ("book.ipynb, cell 3", "book.ipynb", 1),
    ],
)
def test_uris(file: str, uri: str, line: int, reports: dict[str, Report]) -> None:
    (result,) = at(reports["failing"], (file, 7))
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": uri},
        "region": {"startLine": line},
    }
    assert result["message"]["text"] == ("m 1" if line == 7 else "cell 3, line 7: m 1")


def test_fingerprints_are_those_of_problems_not_of_lines_and_numbers(reports: dict[str, Report]) -> None:
    def prints(*lines: int, **told: Any) -> list[str]:
        results = at(reports["failing"], *(("net.py", line) for line in lines), **told)
        return [one["partialFingerprints"]["modelcheckFinding/v1"] for one in results]

    assert prints(3, 9) == prints(13, 19) == prints(3, 9, message="m 2")
    every = [*prints(3, 9), *prints(3, where="conv1"), *prints(3, message="n"), *prints(3, code="MC401")]
    assert len(set(every)) == len(every)


def test_no_link_comes_of_an_authors_name(reports: dict[str, Report]) -> None:
    (result,) = at(reports["failing"], ("net.py", 1), message="[here](https://example.com)")
    assert "](" not in result["message"]["text"]


def test_rules_are_documented(reports: dict[str, Report], monkeypatch: pytest.MonkeyPatch) -> None:
    rules = log(reports["failing"])["tool"]["driver"]["rules"]
    assert [one["id"] for one in rules] == sorted({one.code for one in reports["failing"].findings})
    for one in rules:
        rule = find_rule(one["id"])
        assert rule
        assert one["help"]["markdown"] == documentation(rule)
        assert one["fullDescription"]["text"]
        assert one["defaultConfiguration"]["level"] == ("error" if rule.kind == "error" else "warning")
    monkeypatch.setattr(sarif, "_documentation_site", lambda: "https://example.com/rules")
    (first, *_) = log(reports["failing"])["tool"]["driver"]["rules"]
    assert first["helpUri"] == "https://example.com/rules#mc101-parameter-budget"


def test_what_stopped_it_and_what_was_not_run_are_notifications(reports: dict[str, Report]) -> None:
    stopped, *others = log(reports["MC001"])["invocations"][0]["toolExecutionNotifications"]
    assert (stopped["level"], stopped["associatedRule"]) == ("error", {"id": "MC001"})
    assert stopped["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "net.py"
    assert {one["level"] for one in others} == {"note"}
    run = log(undecided(reports["reference"]))
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert (told["level"], told["associatedRule"]) == ("warning", {"id": "MC203"})
    assert [one["ruleId"] for one in run["results"]] == ["MC203"]


def test_several_models_are_one_run(reports: dict[str, Report]) -> None:
    run = log(reports["failing"], reports["MC001"])
    assert {one["properties"]["target"] for one in run["results"]} == {"net.py:Net"}
    assert len(run["results"]) == len(reports["failing"].findings) + 1
    assert run["invocations"][0]["exitCode"] == 3
