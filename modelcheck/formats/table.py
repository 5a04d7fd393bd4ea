"""What a person wants to see first: the verdict, the rules with their evidence, the facts, the layers."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelcheck.author_trace import printable
from modelcheck.facts.structs import Layer
from modelcheck.report import Finding, Report, RuleOutcome
from modelcheck.telling.problems import message_lines
from modelcheck.telling.rows import fact_rows, ignored_note, metric_rows, origin_rows, shape_text, unknown_ignore_notes
from modelcheck.telling.verdict import is_step, said, score_text
from modelcheck.words import counted, percent

_STYLES = {"pass": "green", "fail": "bold red", "error": "bold red", "not run": "yellow", "advice": "cyan"}
_MARKS = {"pass": "✔", "fail": "✘", "not run": "–", "error": "✘", "advice": "●"}
_LONGEST_LINE = 400
_NARROW = 60  # columns; below, evidence stands under its rule
_COLUMNS = ("Layer", "Type", "Output", "Params", "Share", "MACs")
# what the table of layers is shown without in a terminal that is narrower than so many columns
_WITHOUT = ((50, ("Type", "Share", "MACs")), (72, ("Type", "Share")))


def render(report: Report, *, width: int, color: bool) -> str:
    """The report as tables for a terminal of that width."""
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width,
        force_terminal=color,
        no_color=not color,
        highlight=False,
        legacy_windows=False,
    )
    for part in _parts(report, width):
        console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def _parts(report: Report, width: int) -> Iterable[RenderableType]:
    yield _headline(report)
    if report.origin and (rows := list(origin_rows(report.origin))):
        yield _grid(rows)
    yield _rules(report, narrow=width < _NARROW)
    if report.findings:
        yield _findings(report.findings)
    lines = [Text(printable(note), "dim") for note in [ignored_note(report)] if note]
    lines += [Text(printable(note), "yellow") for note in unknown_ignore_notes(report)]
    if lines:
        yield Padding(Group(*lines), (1, 0, 0, 0))
    if report.facts:
        yield _grid(fact_rows(report.facts))
        yield _layers(report, next((names for least, names in _WITHOUT if width < least), ()))
    if report.metrics:
        yield _grid(metric_rows(report.metrics), bold=percent(report.metrics.test_accuracy.last))


def _headline(report: Report) -> Text:
    line = Text()
    line.append(f"{_MARKS[report.verdict]} {report.verdict.upper()}", _STYLES[report.verdict])
    line.append(f"  {printable(report.target)}", "bold")
    line.append(f"  {said(report)}")
    if report.score:
        line.append(f"  {score_text(report)}", "bold")
    return line


def _rules(report: Report, *, narrow: bool) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, expand=False)
    for name in ("Outcome", "Rule") if narrow else ("Rule", "Outcome", "Evidence"):
        table.add_column(name, no_wrap=name == "Outcome" or not (narrow or name == "Evidence"), overflow="fold")
    for rule, outcome, evidence in _rule_rows(report):
        if narrow:
            table.add_row(outcome, Text("\n").join([rule, evidence]))
        else:
            table.add_row(rule, outcome, evidence)
    return Padding(table, (1, 0, 0, 0))


def _rule_rows(report: Report) -> Iterator[tuple[Text, Text, Text]]:
    """Rule, outcome and evidence; what went well on the way, and advice that has nothing to say, is one row."""
    advised = {finding.code for finding in report.findings if finding.severity == "advice"}
    steps = [one for one in report.rules if is_step(one.code)]
    passed = [one for one in steps if one.outcome == "pass"]
    if steps and passed == steps:
        evidence = "loaded, built, ran and captured in both modes"
        groups = dict.fromkeys(f"{one.code[:3]}xx" for one in steps)
        yield Text(", ".join(groups), "dim"), _outcome(steps[0], advised=False), Text(evidence)
    else:  # how far it came is told; that nothing stopped it is no news
        passed = [one for one in passed if not one.code.startswith("MC0")]
    silent = [one for one in report.rules if _is_silent_advice(one) and one.code not in advised]
    silent = silent if len(silent) > 1 else []
    shown = [one for one in report.rules if one not in passed and one not in silent]
    shown.sort(key=lambda one: one not in steps)
    for cause, group in itertools.groupby(shown, lambda one: one.cause):
        ones = list(group)
        if cause and len(ones) > 1:
            codes = ", ".join(one.code for one in ones)
            yield Text(counted(len(ones), "rule")), _outcome(ones[0], advised=False), _shown(f"{cause}: {codes}")
            continue
        for one in ones:
            yield _rule_name(one), _outcome(one, one.code in advised), _shown(one.evidence or one.cause or "")
    if silent:
        text = Text(f"nothing to say by {counted(len(silent), 'more rule')}")
        yield Text("advice", "dim"), _outcome(silent[0], advised=False), text


def _is_silent_advice(one: RuleOutcome) -> bool:
    return one.severity == "advice" and one.outcome == "pass" and not is_step(one.code)


def _rule_name(one: RuleOutcome) -> Text:
    return Text.assemble((one.code, "dim"), " ", one.name)


def _outcome(one: RuleOutcome, advised: bool) -> Text:
    word = "advice" if advised and (one.outcome == "pass" or one.severity == "advice") else one.outcome
    return Text(f"{_MARKS[word]} {word}", _STYLES[word])


def _shown(text: str) -> Text:
    return Text(printable(text, _LONGEST_LINE))


def _findings(findings: tuple[Finding, ...]) -> RenderableType:
    return Group(*(Padding(_finding(one), (1, 0, 0, 0)) for one in findings))


def _finding(finding: Finding) -> RenderableType:
    word = "error" if finding.severity == "error" else "advice"
    head = Text.assemble((f"{_MARKS[word]} {finding.code} {finding.name}", _STYLES[word]))
    if finding.file and finding.line:
        head.append("  ").append(f"{printable(finding.file)}:{finding.line}", "underline")
    lines = message_lines(finding.message, _LONGEST_LINE)
    return Group(head, *(Padding(Text(line.lstrip()), (0, 0, 0, 2 + len(line) - len(line.lstrip()))) for line in lines))


def _grid(rows: Iterable[tuple[str, str]], bold: str = "") -> RenderableType:
    """The names and texts; those that begin with ``bold`` show it so."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        text = _shown(value)
        text.stylize("bold", 0, len(bold) if value.startswith(bold) else 0)
        table.add_row(name, text)
    return Padding(table, (1, 0, 0, 0))


def _layers(report: Report, without: Sequence[str]) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    kept = [name not in without for name in _COLUMNS]
    for name in itertools.compress(_COLUMNS, kept):
        if name in ("Layer", "Type"):
            table.add_column(name, overflow="fold", max_width=36 if name == "Layer" else None)
        else:
            table.add_column(name, justify="left" if name == "Output" else "right", no_wrap=True)
    assert report.facts is not None
    total = report.facts.parameters.total
    for layer in report.layers:
        called = f" ×{layer.calls}" if layer.calls > 1 else ""
        cells = (
            _shown(layer.path or "(forward)"),
            _shown(f"{layer.type}{called}"),
            _output(layer),
            f"{layer.parameters:,}" if layer.parameters else "",
            f"{layer.parameters / total:.1%}" if layer.parameters and total else "",
            f"{layer.macs:,}" if layer.macs else "",
        )
        table.add_row(*itertools.compress(cells, kept))
    table.add_section()
    totals = ("total", "", "", f"{total:,}", "", f"{report.facts.macs:,}")
    table.add_row(*itertools.compress(totals, kept), style="bold")
    return Padding(table, (1, 0, 0, 0))


def _output(layer: Layer) -> str | Text:
    if layer.output_shape is not None:
        return shape_text(layer.output_shape)
    return "no tensor" if layer.calls else Text("never called", "yellow")
