"""Facts, measurements and the like in rows of a name and a text; these are as their authors wrote them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from modelcheck.facts.structs import Facts, Input, Use
from modelcheck.facts.walked import Called, WalkedFacts
from modelcheck.names import nearest
from modelcheck.origin import Origin
from modelcheck.report import Metrics, Report
from modelcheck.rules import all_rules
from modelcheck.words import counted, loss_text, percent, sparkline

_MOST_LINES = 40
_MOST_NAMED = 4
_FIELDS = {"unbounded": "the whole picture may be seen", "none": "none: nothing slides over a map", "exact": ""}


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


def metric_rows(metrics: Metrics) -> Iterable[tuple[str, str]]:
    """Names and texts: what training and evaluation measured."""
    accuracy = metrics.test_accuracy
    # of own images nobody would think that they were published
    known = metrics.official or metrics.dataset == "folder"
    data = metrics.dataset if known else f"{metrics.dataset} (not the published data)"
    images = f"of {metrics.test_images:,} {data} test images, loss {loss_text(metrics.test_loss)}"
    yield "test accuracy", f"{percent(accuracy.last)} {images}"
    if metrics.epochs:
        count = len(metrics.epochs)
        stopped = " (interrupted)" if metrics.interrupted else ""
        yield (
            "training",
            f"{counted(count, 'epoch')}{stopped} of recipe {metrics.recipe}, seed {metrics.seed}; "
            f"best {percent(accuracy.best)} after epoch {accuracy.best_epoch}",
        )
    if len(metrics.epochs) > 1:
        accuracies = [epoch.test_accuracy for epoch in metrics.epochs]
        lowest, highest = percent(min(accuracies)), percent(max(accuracies))
        yield "by epoch", f"{sparkline(accuracies)}  test accuracy from {lowest} to {highest}"
    machine = f"{metrics.device}, {counted(metrics.threads, 'thread')}, {metrics.dtype}"
    yield "time", f"{metrics.wall_s:.1f} s ({machine}), {metrics.images_per_s:,.0f} images/s"


def ignored_note(report: Report) -> str | None:
    """What comments ignore, so that who requires something sees it; None where that is nothing."""
    if not report.ignored:
        return None
    places = first_of(f"{one.code} {one.file}:{one.line}" if one.line else one.code for one in report.ignored)
    return f"{counted(len(report.ignored), 'finding')} ignored by comments: {places}"


def unknown_ignore_notes(report: Report) -> Iterator[str]:
    """The first of the comments that ignore what is no rule, a line each, with what may be meant."""
    known = [text for rule in all_rules() for text in (rule.code, rule.name)]
    for one in report.unknown_ignores[:_MOST_NAMED]:
        meant = nearest(one.name, known)
        said = f"{one.file}:{one.line}: the comment ignores {one.name}, which is no rule"
        yield f"{said}; did you mean {meant}?" if meant else said


def first_of(names: Iterable[str]) -> str:
    """The first of many names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - _MOST_NAMED:,} more" if len(every) > _MOST_NAMED else ""
    return ", ".join(every[:_MOST_NAMED]) + more


def shape_text(shape: tuple[int, ...]) -> str:
    """The shape as people write it: ``1×28×28``."""
    return "×".join(map(str, shape)) or "one number"
