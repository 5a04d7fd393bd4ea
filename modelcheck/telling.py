"""What formats and pages tell of a report in words: the verdict, the facts, where the model is from, and each place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from modelcheck.author_trace import LONGEST_TEXT, printable
from modelcheck.facts.structs import Facts, Input, Use
from modelcheck.facts.walked import Called, WalkedFacts
from modelcheck.origin import Origin
from modelcheck.report import Report, RuleOutcome, Severity
from modelcheck.rules import all_rules, find_rule
from modelcheck.words import counted

_MOST_LINES = 40
_MOST_NAMED = 4
_DEEPEST_INDENT = 8
_FIELDS = {"unbounded": "the whole picture may be seen", "none": "none: nothing slides over a map", "exact": ""}


def said(report: Report) -> str:
    """The verdict in words, with the codes of the rules that decided it."""
    if report.verdict == "error":
        stopped = (one for one in report.rules if is_step(one.code) and one.outcome == "fail")
        return next((f"{one.evidence} ({one.code})" for one in stopped), "could not be loaded, captured or run")
    policy = f" {printable(report.policy)}" if report.policy else ""
    constraints = [one for one in report.rules if one.severity == "error" and not is_step(one.code)]
    unknown = [one.code for one in constraints if one.outcome == "not run"]
    if report.verdict == "pass":
        said = f"passes{policy}" if policy or constraints else "no policy, so nothing is required"
        return f"{said}; not run: {first_of(unknown)}" if unknown else said
    if failed := [one.code for one in constraints if one.outcome == "fail"]:
        return f"fails{policy}: {first_of(failed)}"
    if advised := [finding.code for finding in report.findings]:
        return f"fails{policy}, as advice counts: {first_of(dict.fromkeys(advised))}"
    return f"fails{policy}, as it could not be decided: {first_of(unknown)}"


def origin_rows(origin: Origin) -> Iterable[tuple[str, str]]:
    """Names and texts: what was decided on the way to the model; what was left out is MC608's."""
    if origin.because:
        yield "model", f"{origin.file}, line {origin.line}: {origin.name}, {origin.because}"
    if origin.others:
        yield "other models", first_of(origin.others)
    calls = itertools.groupby(origin.arguments, lambda one: (one.file, one.line))
    for (file, line), those in itertools.islice(calls, _MOST_NAMED):
        yield "arguments", f"{first_of([f'{one.name}={one.value}' for one in those])} (from {file}, line {line})"
    if origin.missing:
        yield (
            "not installed",
            f"{first_of(dict.fromkeys(one.name for one in origin.missing))} (not needed by the model)",
        )
    if origin.set_aside:
        yield "set aside", counted(len(origin.set_aside), "shell line or magic", "shell lines and magics")


def first_of(names: Iterable[str]) -> str:
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
    taken = f" ({first_of(facts.outputs)}: the first is taken)" if facts.outputs else ""
    inputs = ", ".join(_input(one) for one in facts.inputs)
    output = shape_text(facts.output_shape) if facts.output_shape is not None else "no row for each sample"
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
    return " ".join(filter(None, [one.name, shape_text(one.shape), "" if one.dtype == "float32" else one.dtype]))


def shape_text(shape: tuple[int, ...]) -> str:
    """The shape as people write it: ``1×28×28``."""
    return "×".join(map(str, shape)) or "one number"


@cache
def _steps() -> frozenset[str]:
    return frozenset(rule.code for rule in all_rules() if rule.always)


def is_step(code: str) -> bool:
    """Whether the rule is always on: a step to a capture, of which one that fails is the verdict."""
    return code in _steps()


def counts(report: Report, severity: Severity) -> bool:
    """Whether what has that severity counts against the verdict."""
    return severity == "error" or report.strict


def undecided(report: Report) -> tuple[RuleOutcome, ...]:
    """The constraints that fail the model because they could not be decided.

    None does where nothing could be captured, which fails it already, and those that wait for a training do not either
    where there was none.
    """
    if report.verdict != "fail":
        return ()
    return tuple(
        one
        for one in report.rules
        if one.severity == "error" and one.outcome == "not run" and (report.metrics or not _waits_for_training(one))
    )


def _waits_for_training(one: RuleOutcome) -> bool:
    rule = find_rule(one.code)
    return rule is not None and rule.waits_for_training


class Place(NamedTuple):
    """A line of the author's: in a file, or in a cell of a notebook. The file is relative to the current directory."""

    file: str
    line: int
    cell: int | None = None


class Problem(NamedTuple):
    """What is wrong with a model, or advised: a finding, or a constraint that fails it because nobody can know.

    ``place`` is the finding's; else that of the model's definition, else the first line of the file that the target
    names; None where no file is known. ``where`` is the path of the module. The texts are as their authors wrote them.
    """

    code: str
    name: str
    counts: bool
    message: str
    where: str | None
    place: Place | None


def problems(report: Report) -> Iterator[Problem]:
    """All that the report finds, in the order of the rules."""
    for one in report.findings:
        place = _place(one.file, one.line) if one.file else _place_of_model(report)
        yield Problem(one.code, one.name, counts(report, one.severity), one.message, one.where, place)
    for rule in undecided(report):
        message = f"could not be decided: {rule.cause}"
        yield Problem(rule.code, rule.name, True, message, None, _place_of_model(report))


def _place_of_model(report: Report) -> Place | None:
    if report.origin:
        return _place(report.origin.file, report.origin.line)
    named = re.match(r"([^:\n]+\.(?:py|ipynb|mcz|zip|tar\.gz|tgz))(?::|\Z)", report.target)
    return Place(named[1], 1) if named else None


def _place(file: str, line: int | None) -> Place:
    cell = re.search(r"(?<=\.ipynb), cell (\d+)\Z", file)
    if cell:
        return Place(file[: cell.start()], line or 1, int(cell[1]))
    return Place(file, line or 1)


def message_lines(text: str, longest: int = LONGEST_TEXT) -> list[str]:
    """The lines of a message, safe to show, with their indentation; of very many the first."""
    lines = text.split("\n", _MOST_LINES)
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"… and {lines[_MOST_LINES].count(chr(10)) + 1:,} more lines"]
    return [" " * min(len(line) - len(line.lstrip(" ")), _DEEPEST_INDENT) + printable(line, longest) for line in lines]
