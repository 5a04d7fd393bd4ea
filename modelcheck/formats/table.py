"""What a person wants to see first: the verdict, the rules with their evidence, the facts, the layers."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable
from functools import cache

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelcheck.author_trace import printable
from modelcheck.facts.structs import Facts, Input, Layer, Use
from modelcheck.facts.walked import Called, WalkedFacts
from modelcheck.names import nearest
from modelcheck.origin import Origin
from modelcheck.report import Finding, Metrics, Report, RuleOutcome, UnknownIgnore
from modelcheck.rules import all_rules
from modelcheck.words import counted, loss_text, percent, sparkline

_STYLES = {"pass": "green", "fail": "bold red", "error": "bold red", "not run": "yellow", "advice": "cyan"}
_MARKS = {"pass": "✔", "fail": "✘", "not run": "–", "error": "✘", "advice": "●"}
_LONGEST_LINE = 400
_MOST_LINES = 40
_MOST_NAMED = 4


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
    for part in _parts(report):
        console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def _parts(report: Report) -> Iterable[RenderableType]:
    yield _headline(report)
    if report.origin and (rows := list(origin_rows(report.origin))):
        yield _grid(rows)
    yield _rules(report)
    if report.findings:
        yield _findings(report.findings)
    if lines := [*_ignored(report.ignored), *_unknown(report.unknown_ignores)]:
        yield Padding(Group(*lines), (1, 0, 0, 0))
    if report.facts:
        yield _grid(fact_rows(report.facts))
        yield _layers(report)
    if report.metrics:
        yield _metrics(report.metrics)


def _headline(report: Report) -> Text:
    line = Text()
    line.append(f"{_MARKS[report.verdict]} {report.verdict.upper()}", _STYLES[report.verdict])
    line.append(f"  {printable(report.target)}", "bold")
    line.append(f"  {said(report)}")
    if report.score:
        line.append(f"  {report.score.points:,.10g} of {report.score.max_points:,.10g} points", "bold")
    return line


def said(report: Report) -> str:
    """The verdict in words, with the codes of the rules that decided it."""
    if report.verdict == "error":
        stopped = (one for one in report.rules if one.code in _steps() and one.outcome == "fail")
        return next((f"{one.evidence} ({one.code})" for one in stopped), "could not be loaded, captured or run")
    policy = f" {printable(report.policy)}" if report.policy else ""
    constraints = [one for one in report.rules if one.severity == "error" and one.code not in _steps()]
    unknown = [one.code for one in constraints if one.outcome == "not run"]
    if report.verdict == "pass":
        said = f"passes{policy}" if policy or constraints else "no policy, so nothing is required"
        return f"{said}; not run: {_first(unknown)}" if unknown else said
    if failed := [one.code for one in constraints if one.outcome == "fail"]:
        return f"fails{policy}: {_first(failed)}"
    if advised := [finding.code for finding in report.findings]:
        return f"fails{policy}, as advice counts: {_first(dict.fromkeys(advised))}"
    return f"fails{policy}, as it could not be decided: {_first(unknown)}"


def _rules(report: Report) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, expand=False)
    table.add_column("Rule", no_wrap=True)
    table.add_column("Outcome", no_wrap=True)
    table.add_column("Evidence", overflow="fold")
    advised = {finding.code for finding in report.findings if finding.severity == "advice"}
    steps = [one for one in report.rules if one.code in _steps()]
    passed = [one for one in steps if one.outcome == "pass"]
    if steps and passed == steps:
        evidence = "loaded, built, ran and captured in both modes"
        groups = dict.fromkeys(f"{one.code[:3]}xx" for one in steps)
        table.add_row(Text(", ".join(groups), "dim"), _outcome(steps[0], advised=False), evidence)
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
            table.add_row(
                Text(counted(len(ones), "rule")), _outcome(ones[0], advised=False), _shown(f"{cause}: {codes}")
            )
            continue
        for one in ones:
            table.add_row(_rule_name(one), _outcome(one, one.code in advised), _shown(one.evidence or one.cause or ""))
    if silent:
        text = f"nothing to say by {counted(len(silent), 'more rule')}"
        table.add_row(Text("advice", "dim"), _outcome(silent[0], advised=False), text)
    return Padding(table, (1, 0, 0, 0))


def _is_silent_advice(one: RuleOutcome) -> bool:
    return one.severity == "advice" and one.outcome == "pass" and one.code not in _steps()


@cache
def _steps() -> frozenset[str]:
    """The codes of the rules that are always on: the steps to a capture, of which one that fails is the verdict."""
    return frozenset(rule.code for rule in all_rules() if rule.always)


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
    lines = finding.message.split("\n", _MOST_LINES)
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"… and {lines[_MOST_LINES].count(chr(10)) + 1:,} more lines"]
    return Group(head, *(Padding(_shown(line), (0, 0, 0, 2 + _indent(line))) for line in lines))


def _ignored(findings: tuple[Finding, ...]) -> Iterable[Text]:
    """One line for what comments ignore, so that who requires something sees it."""
    if findings:
        places = _first(f"{one.code} {one.file}:{one.line}" if one.line else one.code for one in findings)
        yield Text(f"{counted(len(findings), 'finding')} ignored by comments: {printable(places)}", "dim")


def _unknown(ignores: tuple[UnknownIgnore, ...]) -> Iterable[Text]:
    known = [text for rule in all_rules() for text in (rule.code, rule.name)]
    for one in ignores[:_MOST_NAMED]:
        meant = nearest(one.name, known)
        said = f"{one.file}:{one.line}: the comment ignores {one.name}, which is no rule"
        yield Text(printable(f"{said}; did you mean {meant}?" if meant else said), "yellow")


def _indent(line: str) -> int:
    return min(len(line) - len(line.lstrip(" ")), 8)


def _grid(rows: Iterable[tuple[str, str]]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, _shown(value))
    return Padding(table, (1, 0, 0, 0))


def origin_rows(origin: Origin) -> Iterable[tuple[str, str]]:
    """Names and texts: what was decided on the way to the model; what was left out is MC608's."""
    if origin.because:
        yield "model", f"{origin.file}, line {origin.line}: {origin.name}, {origin.because}"
    if origin.others:
        yield "other models", _first(origin.others)
    calls = itertools.groupby(origin.arguments, lambda one: (one.file, one.line))
    for (file, line), those in itertools.islice(calls, _MOST_NAMED):
        yield "arguments", f"{_first([f'{one.name}={one.value}' for one in those])} (from {file}, line {line})"
    if origin.missing:
        yield "not installed", f"{_first(dict.fromkeys(one.name for one in origin.missing))} (not needed by the model)"
    if origin.set_aside:
        yield "set aside", counted(len(origin.set_aside), "shell line or magic", "shell lines and magics")


def _first(names: Iterable[str]) -> str:
    """The first of many names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - _MOST_NAMED:,} more" if len(every) > _MOST_NAMED else ""
    return ", ".join(every[:_MOST_NAMED]) + more


def fact_rows(facts: Facts | WalkedFacts) -> Iterable[tuple[str, str]]:
    """Names and texts: what is known of the model."""
    if isinstance(facts, WalkedFacts):
        yield "facts", "from walking the modules in one forward in evaluation mode, as there is no graph"
    held = facts.parameters
    details = ["all trainable" if held.trainable == held.total else f"{held.trainable:,} trainable"]
    others = {"frozen": held.frozen, "unused": held.unused, "shared": held.shared, "hidden": held.hidden}
    details.extend(f"{value:,} {name}" for name, value in others.items() if value)
    taken = f" ({_first(facts.outputs)}: the first is taken)" if facts.outputs else ""
    inputs = ", ".join(_input(one) for one in facts.inputs)
    output = _shape(facts.output_shape) if facts.output_shape is not None else "no row for each sample"
    kind = f", {facts.output_kind}" if facts.output_kind else ""
    yield "input → output", f"{inputs} → {output}{taken}{kind}"
    if facts.input_inferred:
        yield "input inferred", f"{facts.input_inferred}; --input declares another"
    yield "parameters", f"{held.total:,} ({', '.join(details)}), {held.bytes:,} bytes"
    yield (
        "MACs",
        f"{facts.macs:,} for one sample"
        + (f"; not counted: {', '.join(facts.uncounted_operators)}" if facts.uncounted_operators else ""),
    )
    if isinstance(facts, WalkedFacts):
        yield "not known", "output kind, hidden weights, receptive field, weighted layers, what is live"
    else:
        field = facts.receptive_field
        yield "receptive field", f"{field[0]}×{field[1]} pixels" if field else _FIELDS[facts.receptive_field_kind]
        yield "weighted layers", f"{facts.weighted_layers:,}"
    yield "batch norm", _use(facts.batch_norm)
    rates = ", ".join(f"{rate:g}" for rate in facts.dropout.rates)
    yield "dropout", _use(facts.dropout) + (f", p = {rates}" if rates else "")
    yield "global average pooling", _use(facts.global_average_pooling)
    yield "fully connected", _use(facts.fully_connected)
    for weight in facts.hidden_weights[:_MOST_LINES]:
        yield (
            "hidden weights",
            f"{weight.counted:,} in {weight.path} ({weight.kind}, {weight.dtype} {list(weight.shape)})",
        )
    if len(facts.hidden_weights) > _MOST_LINES:
        yield "", f"… and {len(facts.hidden_weights) - _MOST_LINES:,} more tensors"
    if facts.unused_modules:
        yield "unused modules", ", ".join(facts.unused_modules)
    if facts.unregistered_modules:
        yield "unregistered modules", ", ".join(f"{one.path} ({one.type})" for one in facts.unregistered_modules)
    for one in (facts.random_evaluation or ())[:_MOST_LINES]:
        at = f" ({one.file}, line {one.line})" if one.file and one.line else ""
        yield "random in evaluation", f"{one.path or one.name}{at}"
    if facts.batch_independent is False:
        yield "in evaluation", "a sample's output depends on the others in its batch"
    if facts.liveness == "reachable":
        yield "live", "judged by reachability alone"


_FIELDS = {"unbounded": "the whole picture may be seen", "none": "none: nothing slides over a map", "exact": ""}


def _use(use: Use | Called) -> str:
    if isinstance(use, Called):
        if use.called is None:
            return f"{counted(use.declared, 'module')} declared; a script does not tell which are called"
        declared = f", {use.declared:,} declared" if use.declared != use.called else ""
        return f"{counted(use.called, 'module')} called{declared}"
    declared = f" ({use.declared:,} declared as modules)" if use.declared != use.count else ""
    where = f": {', '.join(path or '(forward)' for path in use.where)}" if use.count <= 2 and use.where else ""
    return f"{use.count:,}{declared}{where}"


def _input(one: Input) -> str:
    return " ".join(filter(None, [one.name, _shape(one.shape), "" if one.dtype == "float32" else one.dtype]))


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "one number"


def _layers(report: Report) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("Layer", overflow="fold", max_width=36)
    table.add_column("Type", overflow="fold")
    table.add_column("Output", no_wrap=True)
    for name in ("Params", "Share", "MACs"):
        table.add_column(name, justify="right", no_wrap=True)
    assert report.facts is not None
    total = report.facts.parameters.total
    for layer in report.layers:
        called = f" ×{layer.calls}" if layer.calls > 1 else ""
        table.add_row(
            _shown(layer.path or "(forward)"),
            _shown(f"{layer.type}{called}"),
            _output(layer),
            f"{layer.parameters:,}" if layer.parameters else "",
            f"{layer.parameters / total:.1%}" if layer.parameters and total else "",
            f"{layer.macs:,}" if layer.macs else "",
        )
    table.add_section()
    table.add_row("total", "", "", f"{total:,}", "", f"{report.facts.macs:,}", style="bold")
    return Padding(table, (1, 0, 0, 0))


def _output(layer: Layer) -> str | Text:
    if layer.output_shape is not None:
        return _shape(layer.output_shape)
    return "no tensor" if layer.calls else Text("never called", "yellow")


def _metrics(metrics: Metrics) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _metric_rows(metrics):
        table.add_row(name, text)
    return Padding(table, (1, 0, 0, 0))


def _metric_rows(metrics: Metrics) -> Iterable[tuple[str, Text]]:
    accuracy = metrics.test_accuracy
    # of own images nobody would think that they were published
    known = metrics.official or metrics.dataset == "folder"
    data = metrics.dataset if known else f"{metrics.dataset} (not the published data)"
    images = f" of {metrics.test_images:,} {data} test images, loss {loss_text(metrics.test_loss)}"
    yield "test accuracy", Text.assemble((f"{percent(accuracy.last)}", "bold"), images)
    if metrics.epochs:
        count = len(metrics.epochs)
        stopped = " (interrupted)" if metrics.interrupted else ""
        yield (
            "training",
            Text(
                f"{counted(count, 'epoch')}{stopped} of recipe {metrics.recipe}, seed {metrics.seed}; "
                f"best {percent(accuracy.best)} after epoch {accuracy.best_epoch}"
            ),
        )
    if len(metrics.epochs) > 1:
        accuracies = [epoch.test_accuracy for epoch in metrics.epochs]
        lowest, highest = percent(min(accuracies)), percent(max(accuracies))
        yield "by epoch", Text(f"{sparkline(accuracies)}  test accuracy from {lowest} to {highest}")
    machine = f"{metrics.device}, {counted(metrics.threads, 'thread')}, {metrics.dtype}"
    yield "time", Text(f"{metrics.wall_s:.1f} s ({machine}), {metrics.images_per_s:,.0f} images/s")
