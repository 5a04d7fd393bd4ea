"""docs/rules.md is what the docstrings say."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest

from modelcheck.policy import policy_from_table
from modelcheck.rules import all_rules, find_rule
from modelcheck.rules.__main__ import PAGE, main
from modelcheck.rules.documentation import SECTIONS, documentation, page, standing, summary

CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def test_the_page_is_fresh() -> None:
    written = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    assert written == page(), "docs/rules.md is not what the docstrings say: python -m modelcheck.rules page --write"


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["page"]) == 0
    assert capsys.readouterr().out == page()


def test_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelcheck.rules.__main__.PAGE", tmp_path / "rules.md")
    assert main(["page", "--write"]) == 0
    assert (tmp_path / "rules.md").read_text(encoding="utf-8") == page()


def test_outside_of_a_clone_there_is_no_place_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("modelcheck.rules.__main__.PAGE", tmp_path / "docs" / "rules.md")
    with pytest.raises(SystemExit) as stopped:
        main(["page", "--write"])
    assert stopped.value.code == 2
    assert "in a clone of the repository" in capsys.readouterr().err


def headings() -> list[tuple[int, str]]:
    return [(len(marks), text) for marks, text in re.findall(r"^(#+) (.*)$", CODE.sub("", page()), re.MULTILINE)]


def test_headings_are_nested() -> None:
    levels = [level for level, _ in headings()]
    assert levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in itertools.pairwise(levels))


def test_each_rule_is_a_chapter_with_its_sections() -> None:
    found = headings()
    for rule in all_rules():
        at = found.index((2, f"{rule.code} {rule.name}"))
        own = [text for level, text in found[at + 1 : at + 1 + len(SECTIONS)] if level == 3]
        assert own == list(SECTIONS)


def test_each_row_of_the_table_leads_to_its_chapter() -> None:
    anchors = {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for _, text in headings()}
    rows = re.findall(r"^\| \[(MC\d{3})\]\(#(.*?)\) \| (.*?) \| (.*?) \| (.*) \|$", page(), re.MULTILINE)
    assert [(code, name, kind, first) for code, _, name, kind, first in rows] == [
        (rule.code, rule.name, standing(rule), summary(rule)) for rule in all_rules()
    ]
    assert {anchor for _, anchor, *_ in rows} <= anchors


def test_what_begins_with_a_hash_in_code_is_no_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = find_rule("MC401")
    assert rule is not None
    text = "First.\n\n## Bad\n\n```python\n# a comment\n## another\n```\n\n## Good\n\n```python\n```"
    monkeypatch.setattr(type(rule), "__doc__", text)
    monkeypatch.setattr("modelcheck.rules.documentation.all_rules", lambda: [rule])
    assert documentation(rule).endswith(text.removeprefix("First.\n") + "\n")
    shown = page().partition("## MC401")[2]
    assert "\n```python\n# a comment\n## another\n```\n" in shown
    assert re.findall(r"^#+ (?=Bad|Good)", shown, re.MULTILINE) == ["### ", "### "]


def test_the_examples_of_switching_are_a_policy() -> None:
    example = re.search(r"^```toml\n(.*?)^```$", page(), re.MULTILINE | re.DOTALL)
    assert example is not None
    policy = policy_from_table(tomllib.loads(example[1]), Path("policy.toml"))
    severities = {one.rule.name: one.severity for one in policy.active()}
    assert severities["unused-module"] == "error"
    assert severities["output-shape"] == "advice"
    assert "import-side-effects" not in severities
