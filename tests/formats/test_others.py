"""JUnit, workflow commands, Markdown, pages, one line a finding and Gradescope: what readers of each make of them."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import junitparser
import msgspec
import pytest
from markdown_it import MarkdownIt

from modelcheck.formats import renderer
from modelcheck.report import Award, Finding, Report, RuleOutcome, Score
from tests.grading.site.reading import read

from .making import HOSTILE, NAMES, poisoned, undecided

COMMAND = re.compile(r"^::(error|warning|notice) ([^:]*)::(.*)$")


def shown(name: str, report: Report) -> str:
    return renderer(name)(report, width=80, color=False)


def finding(message: str, file: str | None = "net.py", line: int | None = 3, **told: Any) -> Finding:
    told = {"code": "MC402", "name": "bias-before-batch-norm", "severity": "advice", **told}
    return Finding(message=message, file=file, line=line, **told)


def with_findings(report: Report, *findings: Finding) -> Report:
    return msgspec.structs.replace(report, findings=findings)


class TestJUnit:
    def suite(self, report: Report, folder: Path) -> Any:
        path = folder / "junit.xml"
        path.write_text(shown("junit", report), encoding="utf-8")
        (suite,) = junitparser.JUnitXml.fromfile(str(path))
        return suite

    @pytest.mark.parametrize("name", NAMES)
    def test_each_rule_is_a_case(self, name: str, reports: dict[str, Report], tmp_path: Path) -> None:
        report = reports[name]
        suite = self.suite(report, tmp_path)
        assert suite.name == report.target
        assert [case.name for case in suite] == [f"{one.code} {one.name}" for one in report.rules]
        told = [(case.name[:5], type(one).__name__) for case in suite for one in case.result]
        assert suite.tests == len(report.rules)
        assert suite.failures == sum(kind == "Failure" for _, kind in told)
        assert suite.errors == sum(kind == "Error" for _, kind in told) == (report.verdict == "error")
        assert suite.skipped == sum(kind == "Skipped" for _, kind in told)
        for one in report.rules:
            bad = "Error" if report.verdict == "error" else "Failure"
            expected = bad if one.outcome == "fail" and one.severity == "error" else None
            expected = "Skipped" if one.outcome == "not run" else expected
            assert dict(told).get(one.code) == expected

    def test_a_failure_has_its_evidence_and_its_place(self, reports: dict[str, Report], tmp_path: Path) -> None:
        (case,) = (one for one in self.suite(reports["failing"], tmp_path) if one.name.startswith("MC101"))
        (failure,) = case.result
        assert failure.type == "MC101"
        assert "24,170 parameters, at most 19,999 allowed" in failure.message
        assert failure.text.split("\n")[0] == "net.py, line 6:"
        assert (case._elem.get("file"), case._elem.get("line")) == ("net.py", "6")

    def test_what_waits_for_a_training_is_skipped_where_there_was_none(
        self, reports: dict[str, Report], tmp_path: Path
    ) -> None:
        waiting = RuleOutcome(code="MC501", name="accuracy", severity="error", outcome="not run", cause="no training")
        for name, error in (("failing", False), ("measured", True)):
            rules = (*reports[name].rules, waiting)
            report = msgspec.structs.replace(reports[name], rules=rules, verdict="fail")
            *_, case = self.suite(report, tmp_path)
            assert isinstance(case.result[0], junitparser.Error if error else junitparser.Skipped)

    def test_advice_is_output(self, reports: dict[str, Report], tmp_path: Path) -> None:
        (case,) = (one for one in self.suite(reports["failing"], tmp_path) if one.name.startswith("MC401"))
        assert not case.result
        assert "spare is declared and never called" in case.system_out

    def test_what_could_not_be_decided_is_an_error(self, reports: dict[str, Report], tmp_path: Path) -> None:
        (case,) = (one for one in self.suite(undecided(reports["reference"]), tmp_path) if one.result)
        assert case.name == "MC203 global-average-pooling"
        assert isinstance(case.result[0], junitparser.Error)


class TestGitHub:
    """Commands as the runner reads them (actions/runner, ActionCommand.TryParseV2)."""

    def commands(self, report: Report) -> list[tuple[str, dict[str, str], str]]:
        found = []
        for line in shown("github", report).splitlines():
            match = COMMAND.match(line)
            assert match, line
            properties = dict(one.split("=", 1) for one in match[2].split(","))
            unescaped = {key: self.unescape(value) for key, value in properties.items()}
            found.append((match[1], unescaped, self.unescape(match[3])))
        return found

    def unescape(self, text: str) -> str:
        for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            text = text.replace(code, char)
        return text

    @pytest.mark.parametrize("name", NAMES)
    def test_each_finding_is_an_annotation(self, name: str, reports: dict[str, Report]) -> None:
        *found, notice = self.commands(reports[name])
        levels = {"error": "error", "advice": "warning"}
        assert [(kind, told["title"]) for kind, told, _ in found] == [
            (levels[one.severity], f"{one.code} {one.name}") for one in reports[name].findings
        ]
        assert notice[:2] == ("notice", {"title": "modelcheck"})
        assert notice[2].startswith(reports[name].verdict.upper())

    def test_what_must_be_escaped(self, reports: dict[str, Report]) -> None:
        one = finding("100 % of a:b, c\n::error::x\r\n##[add-mask]y %0A", "a,b:c%.py", 12)
        (kind, told, text), _ = self.commands(with_findings(reports["failing"], one))
        assert kind == "warning"
        assert told == {"file": "a,b:c%.py", "line": "12", "title": "MC402 bias-before-batch-norm"}
        assert text == "100 % of a:b, c\n::error::x\n##[add-mask]y %0A"

    def test_a_cells_line_is_not_the_files(self, reports: dict[str, Report]) -> None:
        (_, told, text), _ = self.commands(with_findings(reports["failing"], finding("m", "b.ipynb, cell 3", 7)))
        assert (told["file"], told.get("line"), text) == ("b.ipynb", None, "cell 3, line 7: m")

    @pytest.mark.parametrize("kind", HOSTILE)
    def test_every_line_is_a_command(self, kind: str, reports: dict[str, Report]) -> None:
        assert len(self.commands(poisoned(reports["failing"], HOSTILE[kind]))) == 5


class TestConcise:
    def test_a_line_for_each_finding(self, reports: dict[str, Report]) -> None:
        *lines, last = shown("concise", reports["failing"]).splitlines()
        assert [re.match(r"net\.py:(\d+):1: (MC\d+) (advice: )?", line).groups() for line in lines] == [  # type: ignore[union-attr]
            ("6", "MC101", None),
            ("6", "MC201", None),
            ("6", "MC203", None),
            ("11", "MC401", "advice: "),
        ]
        assert last == "FAIL net.py:Net: fails mnist-20k: MC101, MC201, MC203"

    @pytest.mark.parametrize(
        ("file", "target", "place"),
        [
            ("a.py", "x", "a.py:3:1"),
            ("b.ipynb, cell 7", "x", "b.ipynb:cell 7:3:1"),
            (None, "sub/net.py:Net", "sub/net.py:1:1"),
            (None, "net.mcz", "net.mcz:1:1"),
            (None, "torchvision.models:resnet18", "torchvision.models:resnet18"),
        ],
    )
    def test_places(self, file: str | None, target: str, place: str, reports: dict[str, Report]) -> None:
        report = msgspec.structs.replace(reports["reference"], target=target)
        line = shown("concise", with_findings(report, finding("a\nb", file))).splitlines()[0]
        assert line == f"{place}: MC402 advice: a b"


class TestMarkdown:
    def rendered(self, report: Report) -> str:
        """HTML as of a reader that allows HTML, tables and strikethrough."""
        reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        return reader.render(shown("markdown", report))

    EVIL = (
        "|a|b| <img src=x onerror=1> </pre></details> [x](http://y) ![z](//w) `c` **d** _e_ ~~f~~ @admin #12 GH-3 "
        "https://evil.example www.evil.example <!-- $x$ &lt; \\| mailto:a@b.example"
    )

    @pytest.mark.parametrize("lead", ["", "- ", "+ ", "1. ", "2) ", "# ", "> ", "    ", "--- ", "=== ", "\n\n", "a\n"])
    def test_nothing_that_an_author_names_is_markup(self, lead: str, reports: dict[str, Report]) -> None:
        evil = lead + self.EVIL
        harmless = self.rendered(poisoned(reports["failing"], "x\ny" if "\n" in evil else "x"))
        made = self.rendered(poisoned(reports["failing"], evil))
        assert re.findall(r"</?[a-z0-9]+", made) == re.findall(r"</?[a-z0-9]+", harmless)
        text = html.unescape(re.sub("<pre>.*?</pre>|<[^>]*>", "", made, flags=re.DOTALL))
        assert "<img src=x onerror=1>" in text
        cells = [html.unescape(cell) for cell in re.findall("<td>(.*?)</td>", made)]
        assert sum("|a|b| <img" in cell and "mailto:" in cell for cell in cells) > len(reports["failing"].layers)
        assert not re.search(r"[@#]\w|gh-\d", text, re.IGNORECASE)
        source = shown("markdown", poisoned(reports["failing"], evil))
        assert "://" not in source
        assert "www." not in source

    def test_the_rules_and_the_findings(self, reports: dict[str, Report]) -> None:
        made = self.rendered(reports["failing"])
        assert "<h3>❌ FAIL net.py:Net</h3>" in made
        assert "<td>MC101 parameter-budget</td>\n<td>❌ fail</td>" in made
        assert "<td>MC202 dropout</td>\n<td>✅ pass</td>" in made
        assert "<td>MC401 unused-module</td>\n<td>💡 advice</td>" in made
        assert "<strong>MC401 unused-module</strong> – net.py, line 11" in made
        assert "<summary>Facts</summary>" in made

    def test_a_comment_can_hold_it(self, reports: dict[str, Report]) -> None:
        report = reports["failing"]
        many = msgspec.structs.replace(report, layers=report.layers * 2_000)
        few = shown("markdown", many)
        assert "… and 9,800 more layers" in few
        long = shown("markdown", poisoned(many, "<" * 10_000))
        assert len(few) < len(long) < 65_536
        assert "Too long to be shown here: " in long


class TestPage:
    def test_it_stands_alone(self, reports: dict[str, Report], tmp_path: Path) -> None:
        path = tmp_path / "page.html"
        path.write_text(shown("html", reports["measured"]), encoding="utf-8")
        page = read(path)
        assert not page.all("script")
        assert not page.all("link")
        assert not page.all("img")
        (policy,) = (one for one in page.all("meta") if one.attributes.get("http-equiv"))
        assert policy.attributes["content"].startswith("default-src 'none'; style-src 'sha256-")
        assert "script-src" not in policy.attributes["content"]
        assert {one.attributes["href"] for one in page.all("a")} == {"#main"}
        assert "99.07 %" in page.text
        assert "85.5 of 100" in " ".join(page.text.split())

    @pytest.mark.parametrize("kind", HOSTILE)
    def test_nothing_that_an_author_names_is_markup(
        self, kind: str, reports: dict[str, Report], tmp_path: Path
    ) -> None:
        def tags(text: str) -> list[str]:
            (tmp_path / "page.html").write_text(shown("html", poisoned(reports["failing"], text)), encoding="utf-8")
            return [one.tag for one in read(tmp_path / "page.html").every()]

        harmless = "x\ny" if "\n" in HOSTILE[kind] else "x"
        assert tags(f"<script>x</script><b>{HOSTILE[kind]}") == tags(harmless)


class TestGradescope:
    def test_points_are_those_of_the_rules(self, reports: dict[str, Report]) -> None:
        awards = (
            Award(code="MC101", points=0.0, max_points=60.0),
            Award(code="MC202", points=40.0, max_points=40.0),
        )
        score = Score(points=40.0, max_points=100.0)
        made = json.loads(shown("gradescope", msgspec.structs.replace(reports["failing"], awards=awards, score=score)))
        assert made["score"] == 40.0
        tests = {one["name"]: one for one in made["tests"]}
        assert tests["MC101 parameter-budget"]["max_score"] == 60.0
        assert tests["MC101 parameter-budget"]["status"] == "failed"
        assert tests["MC202 dropout"]["score"] == 40.0
        assert "MC401 unused-module" not in tests
        assert "spare is declared" in made["output"]

    @pytest.mark.parametrize(("name", "score"), [("reference", 1.0), ("failing", 0.0), ("MC003", 0.0)])
    def test_without_points_a_model_that_passes_scores_one(
        self, name: str, score: float, reports: dict[str, Report]
    ) -> None:
        assert json.loads(shown("gradescope", reports[name]))["score"] == score
