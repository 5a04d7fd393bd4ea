from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from capturing.zoo import ZOO
from torch import Tensor, nn

import modelcheck
from modelcheck.errors import NotCapturable
from modelcheck.facts.structs import Facts
from modelcheck.facts.walked import Walked, WalkedFacts
from modelcheck.inputs import input_specs
from modelcheck.report import Report
from modelcheck.walking.walk import walk_model

from . import zoo
from .zoo import SHAPE, Branching

FAILURE = NotCapturable("no")
FC = 8 * 4 + 4  # parameters of Linear(8, 4)


def walked(model: nn.Module, shape: tuple[int, ...] = SHAPE) -> Walked:
    specs = input_specs(shape)
    assert specs is not None
    found = walk_model(model, specs, FAILURE)
    assert found is not None
    assert found.failure is FAILURE
    assert sum(layer.parameters for layer in found.layers) == found.facts.parameters.total
    assert sum(layer.macs for layer in found.layers) == found.facts.macs
    return found


def rows(found: Walked) -> dict[tuple[str, str], tuple[int, tuple[int, ...] | None, int, int]]:
    return {
        (layer.path, layer.type): (layer.calls, layer.output_shape, layer.parameters, layer.macs)
        for layer in found.layers
    }


def inspected(model: nn.Module, shape: tuple[int, ...] = SHAPE, **options: Any) -> Report:
    return modelcheck.inspect(model, input=shape, **options)


def test_every_fact_has_its_key() -> None:
    assert {*Facts.__struct_fields__} <= {*WalkedFacts.__struct_fields__}, "a new fact is None in a walk, or found"


@pytest.mark.parametrize("name", [*ZOO])
def test_a_walk_counts_what_a_capture_of_the_same_model_does(name: str) -> None:
    torch.manual_seed(7)
    model = ZOO[name]()
    exported, found = inspected(model).facts, inspected(Branching(model)).facts
    assert (exported.capture, found.capture) == ("exported", "walked")
    for key in ("total", "trainable", "frozen", "shared"):
        assert getattr(found.parameters, key) == getattr(exported.parameters, key)
    hidden = exported.parameters.hidden
    assert found.parameters.bytes == exported.parameters.bytes or hidden
    assert (found.output_shape, found.outputs) == (exported.output_shape, exported.outputs)
    # a walk has torch's formulas only, and names what they do not know
    names_more = name in ("Complex", "Parametrized")
    assert (found.macs < exported.macs) if names_more else (found.macs == exported.macs)
    assert bool(found.uncounted_operators) == (bool(exported.uncounted_operators) or names_more)
    # of several outputs a capture knows what the first one needs
    assert found.parameters.unused == exported.parameters.unused or name == "TwoOutputs"
    assert found.unused_modules == tuple(f"body.{path}" for path in exported.unused_modules)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (zoo.Loop, {("step", "Linear"): (3, (1, 8, 8), 8 * 8 + 8, 3 * 8 * 8 * 8)}),
        (
            zoo.Experts,
            {
                ("experts.0", "Linear"): (1, (8, 8), 8 * 8 + 8, 8 * 8 * 8 // 2),
                ("experts.1", "Linear"): (1, (8, 8), 8 * 8 + 8, 8 * 8 * 8 // 2),
                ("experts.2", "Linear"): (0, None, 8 * 8 + 8, 0),
            },
        ),
        (
            zoo.Borrowed,
            {
                ("", "matmul"): (1, (4,), 0, 8 * 8 * 4),
                ("fc", "Linear"): (0, None, 8 * 4, 0),
                ("norm", "BatchNorm2d"): (0, None, 2, 0),
            },
        ),
        (
            zoo.Unused,
            {
                ("used", "Linear"): (1, (1, 8, 4), FC, 8 * 8 * 4),
                ("", "Unused"): (1, (1, 8, 4), 7, 0),
                ("block.0", "Linear"): (0, None, 8 * 5 + 5, 0),
                ("block.1", "BatchNorm1d"): (0, None, 10, 0),
            },
        ),
        (zoo.CalledDirectly, {("fc", "Linear"): (1, (1, 8, 4), FC, 8 * 8 * 4)}),
        (zoo.Liar, {("fc", "Linear"): (1, (1, 8, 4), FC, 8 * 8 * 4)}),
        (zoo.WantsTargets, {("fc", "Linear"): (2, (4,), FC, 8 * 8 * 4)}),
        (zoo.Keeps, {("fc", "Linear"): (1, (1, 8, 4), FC, 8 * 8 * 4)}),
        (lambda: nn.Linear(8, 4), {("", "Linear"): (1, (1, 8, 4), FC, 8 * 8 * 4)}),
    ],
    ids=["Loop", "Experts", "Borrowed", "Unused", "CalledDirectly", "Liar", "WantsTargets", "Keeps", "lone"],
)
def test_the_table(build: Callable[[], nn.Module], expected: dict[tuple[str, str], Any]) -> None:
    assert rows(walked(build())) == expected


@pytest.mark.parametrize(
    ("build", "unused", "modules"),
    [
        (zoo.Loop, 0, ()),
        (zoo.Experts, 8 * 8 + 8, ("experts.2",)),
        (zoo.Borrowed, 2, ("norm",)),
        (zoo.Unused, 7 + 8 * 5 + 5 + 10, ("block",)),
        (zoo.CalledDirectly, 0, ()),
    ],
)
def test_what_never_ran_is_unused(build: Callable[[], nn.Module], unused: int, modules: tuple[str, ...]) -> None:
    facts = walked(build()).facts
    assert (facts.parameters.unused, facts.unused_modules) == (unused, modules)


def test_declared_and_called_modules_of_each_kind() -> None:
    facts = walked(zoo.Kinds()).facts
    for use, path in (
        (facts.batch_norm, "norm"),
        (facts.dropout, "drop"),
        (facts.global_average_pooling, "pool"),
        (facts.fully_connected, "fc"),
    ):
        assert (use.count, use.called, use.declared, use.where) == (None, 1, 2, (path,))
    assert facts.dropout.rates == (0.25,)


def test_the_author_s_lines_are_told() -> None:
    (layer,) = walked(zoo.Loop()).layers
    line = zoo.Loop.forward.__code__.co_firstlineno + 2
    assert (layer.file or "").endswith("walking/zoo.py")
    assert layer.line == line


def test_what_only_a_graph_tells_is_null() -> None:
    facts = walked(zoo.Kinds()).facts
    assert facts.parameters.hidden is None
    assert facts.output_kind is facts.receptive_field is facts.weighted_layers is facts.liveness is None


@pytest.mark.parametrize(
    ("output", "shape", "outputs"),
    [
        (lambda x: x, (1, 8, 8), ()),
        (lambda x: {"a": x, "logits": x[:, 0]}, (8, 8), ("logits", "a")),
        (lambda x: (x[:, 0], x), (8, 8), ("[0]", "[1]")),
        (lambda x: [{"boxes": one[0, :2]} for one in x], None, ("[0].boxes", "[1].boxes")),
        (lambda x: x.sum(), None, ()),
        (lambda x: x[x > 0], None, ()),
        (lambda x: None, None, ()),
    ],
    ids=["tensor", "dict", "tuple", "list", "scalar", "masked", "nothing"],
)
def test_an_output_has_a_shape_where_it_has_a_row_for_each_sample(
    output: Callable[[Tensor], object], shape: tuple[int, ...] | None, outputs: tuple[str, ...]
) -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> object:
            return output(x * x.max().item())

    facts = walked(Net()).facts
    assert (facts.output_shape, facts.outputs) == (shape, outputs)


def test_the_model_is_left_as_it_was_found() -> None:
    model = zoo.Keeps().train()
    model.fc.eval()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    own = {path: {**vars(module)} for path, module in model.named_modules()}
    random = torch.get_rng_state()
    walked(model)
    assert (model.calls, model.seen, model.training, model.fc.training) == (0, [], True, False)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert {path: {**vars(module)} for path, module in model.named_modules()} == own
    assert torch.equal(torch.get_rng_state(), random)


def test_a_lazy_model_stays_lazy() -> None:
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(5))
    found = walked(Branching(model))
    assert found.facts.parameters.total == 4 * 9 + 4 + 4 * 36 * 5 + 5
    assert isinstance(model[2].weight, nn.UninitializedParameter)


def test_what_does_not_run_is_not_walked() -> None:
    specs = input_specs((3, 8))
    assert specs is not None
    assert walk_model(zoo.Loop(), ((input_specs((1, 7, 7)) or ())[0],), FAILURE) is None
    assert walk_model(nn.Module(), specs, FAILURE) is None
    assert inspected(zoo.Loop(), (1, 7, 7)).facts is None


def test_what_only_runs_in_evaluation_is_walked_and_an_error() -> None:
    report = inspected(zoo.WantsTargets())
    assert report.facts.capture == "walked"
    assert report.facts.output_shape is None
    assert (report.verdict, report.findings[0].code) == ("error", "MC003")
    assert "targets should not be none" in report.findings[0].message


def test_rules_on_the_graph_are_not_run_and_the_verdict_is_an_error() -> None:
    report = inspected(zoo.Kinds(), policy="mnist-20k", select=["MC"])
    causes = {one.code: one.cause for one in report.rules if one.outcome == "not run"}
    assert {"MC101", "MC201", "MC202", "MC203", "MC301", "MC401"} <= set(causes)
    assert len([cause for cause in causes.values() if "MC004); the facts are from walking" in (cause or "")]) > 10
    assert (report.verdict, report.exit_status) == ("error", 3)
    assert [finding.code for finding in report.findings] == ["MC004"]
    assert report.layers


def test_a_capture_of_it_is_an_error() -> None:
    with pytest.raises(NotCapturable, match="for i in range"):
        modelcheck.capture(zoo.Loop(), input=SHAPE)


def test_an_inferred_input_is_told() -> None:
    facts = modelcheck.inspect(Branching(nn.Conv2d(3, 4, 3))).facts
    assert (facts.capture, facts.input_shape) == ("walked", (3, 32, 32))
    assert facts.input_inferred == "body (Conv2d) takes 3 channels"
