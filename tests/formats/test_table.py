from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len

from modelcheck.formats.table import render
from modelcheck.origin import Argument, Missing, Origin
from modelcheck.report import EXIT_STATUS, Finding, Report, RuleOutcome
from modelcheck.rules import all_rules

from .making import HOSTILE, NAMES, ORIGIN, effect, metrics, poisoned

ALWAYS = {rule.code for rule in all_rules() if rule.always}
widths = pytest.mark.parametrize("width", [80, 120])


@widths
@pytest.mark.parametrize("name", NAMES)
def test_golden(name: str, width: int, reports: dict[str, Report], golden: Callable[[str, str], None]) -> None:
    golden(f"{name}-{width}.txt", render(reports[name], width=width, color=False))


@pytest.mark.parametrize("width", [40, 60, 80, 120, 300])
@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_wider_or_ends_in_blanks(name: str, width: int, reports: dict[str, Report]) -> None:
    lines = render(reports[name], width=width, color=False).split("\n")
    assert max(map(cell_len, lines)) <= width
    assert [line for line in lines if line != line.rstrip()] == []
    assert lines[0].strip()
    assert lines[-1] == ""


@pytest.mark.parametrize("width", [40, 60])
@pytest.mark.parametrize("name", NAMES)
def test_a_narrow_terminal_shows_rules_with_evidence_and_layers(
    name: str, width: int, reports: dict[str, Report]
) -> None:
    report = reports[name]
    text = "".join(render(report, width=width, color=False).split())
    for finding in report.findings:
        assert f"{finding.code}{finding.name}" in text
    for one in report.rules:
        if one.outcome == "fail" and one.evidence:
            assert one.evidence[:12].replace(" ", "") in text
    if report.facts:
        assert "Layer" in text
        assert all(layer.path[:6] in text for layer in report.layers)


@pytest.mark.parametrize("name", NAMES)
def test_verdict_comes_first_and_agrees_with_the_exit_status(name: str, reports: dict[str, Report]) -> None:
    report = reports[name]
    first = render(report, width=200, color=False).split("\n")[0]
    assert first.split()[1:3] == [report.verdict.upper(), report.target]
    failed = any(one.outcome == "fail" and one.severity == "error" for one in report.rules)
    assert (report.verdict != "pass") == failed
    assert report.exit_status == EXIT_STATUS[report.verdict] == {"pass": 0, "fail": 1, "error": 3}[report.verdict]


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_that_fails_or_is_not_run_is_shown(name: str, reports: dict[str, Report]) -> None:
    report = reports[name]
    text = render(report, width=200, color=False)
    rows = {line.split()[0]: line for line in text.splitlines() if line.startswith("MC")}
    found = {finding.code for finding in report.findings}
    for one in report.rules:
        if one.outcome == "not run":
            assert one.code in text
        elif one.outcome == "fail" or one.code in found or (one.severity == "error" and one.code not in ALWAYS):
            assert one.name in rows[one.code]
        elif one.code > "MC1":  # that nothing stopped it is no news
            assert one.code not in rows
    assert ("MC0xx," in rows) == (report.verdict != "error")
    for finding in report.findings:
        assert f"{finding.code} {finding.name}" in text


@pytest.mark.parametrize("name", ["reference", "failing"])
def test_totals_are_the_sums_of_the_rows(name: str, reports: dict[str, Report]) -> None:
    report = reports[name]
    assert report.facts
    assert sum(layer.parameters for layer in report.layers) == report.facts.parameters.total
    assert sum(layer.macs for layer in report.layers) == report.facts.macs
    last = render(report, width=120, color=False).splitlines()[-1].split()
    assert last == ["total", f"{report.facts.parameters.total:,}", f"{report.facts.macs:,}"]


@pytest.mark.parametrize(
    ("rules", "changes", "said"),
    [
        ([], {}, "passes p"),
        ([], {"policy": None}, "no policy, so nothing is required"),
        ([("MC201", "error", "pass")], {"policy": None}, "passes"),
        ([("MC501", "error", "not run")], {}, "passes p; not run: MC501"),
        ([("MC201", "error", "fail"), ("MC202", "error", "pass")], {"verdict": "fail"}, "fails p: MC201"),
        ([("MC201", "error", "fail")], {"verdict": "fail", "policy": None}, "fails: MC201"),
        (
            [(f"MC20{n}", "error", "fail") for n in range(6)],
            {"verdict": "fail"},
            "fails p: MC200, MC201, MC202, MC203 ",
        ),
        ([("MC207", "error", "not run")], {"verdict": "fail"}, "fails p, as it could not be decided: MC207"),
        ([("MC401", "advice", "fail")], {"verdict": "fail"}, "fails p, as advice counts: MC401"),
    ],
)
def test_headline_says_why(rules: Any, changes: dict[str, Any], said: str, reports: dict[str, Report]) -> None:
    made = tuple(RuleOutcome(code=code, name="x", severity=how, outcome=what) for code, how, what in rules)
    found = tuple(
        Finding(code=code, name="x", severity=how, message="m") for code, how, what in rules if what == "fail"
    )
    changes = {"policy": "p", "verdict": "pass", "target": "t", **changes}
    report = msgspec.structs.replace(reports["reference"], rules=made, findings=found, **changes)
    headline = render(report, width=200, color=False).split("\n")[0].split("  ", 2)[2]
    assert headline.startswith(said)
    assert headline == said or said.endswith(" "), headline


def with_outcome(report: Report, code: str, **changes: Any) -> Report:
    """The report with another outcome of that rule."""
    replace = msgspec.structs.replace
    assert code in {one.code for one in report.rules}
    return replace(report, rules=tuple(replace(one, **changes) if one.code == code else one for one in report.rules))


@pytest.mark.parametrize("code", sorted(ALWAYS))
def test_the_step_that_failed_is_the_verdict(code: str, reports: dict[str, Report]) -> None:
    report = with_outcome(reports["reference"], code, outcome="fail", evidence="went wrong")
    shown = render(msgspec.structs.replace(report, verdict="error", policy=None), width=120, color=False)
    assert shown.split("\n")[0] == f"✘ ERROR  reference_model:Net  went wrong ({code})"


@pytest.mark.parametrize("code", sorted(ALWAYS))
def test_the_steps_are_one_row_only_where_all_were_taken(code: str, reports: dict[str, Report]) -> None:
    shown = render(reports["reference"], width=120, color=False)
    assert "\nMC0xx, MC6xx  " in shown
    assert code not in shown
    report = with_outcome(reports["reference"], code, outcome="not run", cause="why")
    shown = render(report, width=120, color=False)
    assert "MC0xx" not in shown
    assert code in shown


BARE = Origin(file="net.py", line=3, name="Net")


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, []),
        ({"left_out": ORIGIN.left_out}, []),
        ({"because": "the only model"}, ["model  net.py, line 3: Net, the only model"]),
        (
            {"file": "book.ipynb, cell 7", "because": "the only model"},
            ["model  book.ipynb, cell 7, line 3: Net, the only model"],
        ),
        ({"others": tuple("abcdef")}, ["other models  a, b, c, d and 2 more"]),
        ({"arguments": ORIGIN.arguments}, ["arguments  in_channels=1, width=WIDTH = 8 (from train.py, line 30)"]),
        (
            {
                "arguments": tuple(
                    Argument(name=name, value="1", file="a.py", line=line) for line, name in enumerate("xyz")
                )
            },
            [f"arguments  {name}=1 (from a.py, line {line})" for line, name in enumerate("xyz")],
        ),
        ({"missing": ORIGIN.missing}, ["not installed  torchsummary, tqdm (not needed by the model)"]),
        ({"set_aside": ORIGIN.set_aside[:1]}, ["set aside  1 shell line or magic"]),
        ({"set_aside": ORIGIN.set_aside}, ["set aside  3 shell lines and magics"]),
    ],
)
def test_of_the_origin_only_what_there_is_to_say(
    changes: dict[str, Any], lines: list[str], reports: dict[str, Report]
) -> None:
    origin = msgspec.structs.replace(BARE, **changes)
    report = msgspec.structs.replace(reports["reference"], origin=origin)
    shown, without = (render(one, width=200, color=False).split("\n") for one in (report, reports["reference"]))
    added = [line for line in shown if line not in without]
    assert added == lines
    assert shown[:2] == without[:2]
    assert shown[2 : 2 + len(lines)] == lines


def test_a_process_may_say_anything_of_the_origin(reports: dict[str, Report]) -> None:
    """It comes from where the author's code runs."""
    many = 10_000
    origin = msgspec.structs.replace(
        ORIGIN,
        others=("x" * 100,) * many,
        arguments=tuple(Argument(name="a" * 100, value="b" * 100, file="c" * 1_000, line=n) for n in range(many)),
        missing=tuple(Missing(name=f"{n}", file="x", line=n) for n in range(many)),
        set_aside=(effect("runs", "x", 1),) * many,
    )
    shown = render(msgspec.structs.replace(reports["reference"], origin=origin), width=80, color=False)
    assert len(shown.split("\n")) < 150


@widths
@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_do_no_harm(kind: str, width: int, color: bool, reports: dict[str, Report]) -> None:
    text = render(poisoned(reports["failing"], HOSTILE[kind]), width=width, color=color)
    assert len(text) < 200_000
    text.encode()
    if not color:
        assert max(map(cell_len, text.split("\n"))) <= width
        assert all(c.isprintable() or c == "\n" for c in text)
    assert "\x1b[31mred" not in text
    assert "\x1b]0;" not in text
    if kind == "markup":
        assert "[red]x[/red]" in text
    if kind == "emoji":
        assert ":boom:" in text
    assert text.splitlines()[-1].replace("\x1b", "").find("total") >= 0


def test_color_only_where_it_is_welcome(reports: dict[str, Report]) -> None:
    assert "\x1b[" in render(reports["reference"], width=80, color=True)
    assert "\x1b" not in render(reports["reference"], width=80, color=False)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "3 epochs of recipe fast, seed 0; best 99.13 % after epoch 2"),
        ({"interrupted": True, "epochs": metrics().epochs[:1]}, "1 epoch (interrupted) of recipe fast"),
        ({"test_loss": None}, "loss not finite"),
        ({"threads": 1}, "cpu, 1 thread, bfloat16"),
        ({}, "by epoch       ▁██  test accuracy from 98.12 % to 99.13 %"),
    ],
)
def test_metrics(changes: dict[str, Any], text: str, reports: dict[str, Report]) -> None:
    shown = render(msgspec.structs.replace(reports["reference"], metrics=metrics(**changes)), width=120, color=False)
    assert text in shown
    assert "99.07 % of 10,000 mnist test images" in shown


@pytest.mark.parametrize("epochs", [0, 1])
def test_less_than_two_epochs_are_no_course(epochs: int, reports: dict[str, Report]) -> None:
    short = metrics(epochs=metrics().epochs[:epochs])
    shown = render(msgspec.structs.replace(reports["reference"], metrics=short), width=120, color=False)
    assert "99.07 % of" in shown
    assert "by epoch" not in shown


def test_an_evaluation_alone_shows_no_training(reports: dict[str, Report]) -> None:
    alone = metrics(epochs=(), recipe=None, seed=None)
    shown = render(msgspec.structs.replace(reports["reference"], metrics=alone), width=120, color=False)
    assert "recipe" not in shown
