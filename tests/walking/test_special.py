"""Modules that are not what nn.Module's are: scripts, quantized layers, wrappers, parametrizations."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import modelcheck
from modelcheck.facts.structs import HiddenWeight

from .test_walk import FC, rows, walked
from .zoo import SHAPE, Branching

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.*is not supported in Python:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.ao.quantization is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*is deprecated and will be removed:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*reduce_range will be deprecated:UserWarning"),
]
CONV = 2 * 9 + 2
HEAD = 2 * 36 * 4 + 4
MACS = 36 * 2 * 9 + 2 * 36 * 4


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.drop, self.fc = (
            nn.Conv2d(1, 2, 3),
            nn.BatchNorm2d(2),
            nn.Dropout(0.5),
            nn.Linear(72, 4),
        )
        self.spare = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.drop(self.norm(self.conv(x))).flatten(1))


def _traced(model: nn.Module) -> nn.Module:
    return torch.jit.trace(model.eval(), torch.randn(2, *SHAPE))


ways = pytest.mark.parametrize("way", [torch.jit.script, _traced], ids=["scripted", "traced"])


@ways
def test_a_script_is_one_row_with_all_that_it_holds(way: Callable[[nn.Module], nn.Module]) -> None:
    found = walked(way(Net()))
    total = CONV + 4 + HEAD + FC
    assert rows(found) == {("", "Net"): (1, (4,), total, MACS)}
    facts = found.facts
    assert (facts.parameters.total, facts.parameters.unused, facts.macs) == (total, FC, MACS)
    assert (facts.batch_norm.declared, facts.dropout.declared, facts.fully_connected.declared) == (1, 1, 2)
    assert facts.batch_norm.called is facts.dropout.called is facts.fully_connected.called is None


@ways
def test_a_script_within_a_model(way: Callable[[nn.Module], nn.Module]) -> None:
    model = nn.Sequential(way(Net()), nn.Linear(4, 3))
    found = walked(model)
    held = CONV + 4 + HEAD + FC
    assert rows(found) == {("0", "Net"): (1, (4,), held, MACS), ("1", "Linear"): (1, (3,), 4 * 3 + 3, 4 * 3)}
    assert found.facts.fully_connected.called is None
    assert found.facts.unused_modules == ()


def test_a_report_on_a_script() -> None:
    report = modelcheck.inspect(torch.jit.script(Net()), input=SHAPE)
    assert (report.verdict, report.facts.capture) == ("error", "walked")
    assert "give the plain nn.Module" in report.findings[0].message


def _quantized(dtype: torch.dtype) -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(Net().eval(), {nn.Linear}, dtype=dtype)


@pytest.mark.filterwarnings("ignore:.*quantized tensor creation functions:UserWarning")
@pytest.mark.parametrize(("dtype", "size"), [(torch.qint8, 1), (torch.float16, 2)])
def test_packed_weights_are_told(dtype: torch.dtype, size: int) -> None:
    found = walked(_quantized(dtype))
    facts = found.facts
    name = str(dtype).removeprefix("torch.")
    assert facts.hidden_weights == tuple(
        HiddenWeight(
            path=f"{path}._packed_params.{part}", kind="constant", dtype=kind, shape=shape, counted=math.prod(shape)
        )
        for path, rows_, columns in (("fc", 4, 72), ("spare", 4, 8))
        for part, kind, shape in (("weight", name, (rows_, columns)), ("bias", "float32", (rows_,)))
    )
    assert facts.parameters.total == CONV + 4
    assert facts.parameters.hidden is None
    assert facts.parameters.bytes == 4 * (CONV + 4) + size * 4 * (72 + 8) + 4 * (4 + 4)
    assert any(operator.startswith("quantized.linear") for operator in facts.uncounted_operators)
    assert ("fc", "Linear") in rows(found)
    assert facts.unused_modules == ("spare",)


@pytest.mark.filterwarnings("ignore:.*quantized tensor creation functions:UserWarning")
def test_a_quantized_model_is_no_crash() -> None:
    report = modelcheck.inspect(_quantized(torch.qint8), input=SHAPE)
    assert (report.verdict, report.facts.capture, report.findings[0].code) == ("error", "walked", "MC004")


@pytest.mark.parametrize(
    "wrap",
    [torch.compile, nn.DataParallel, lambda model: nn.DataParallel(torch.compile(model))],
    ids=["compiled", "data-parallel", "both"],
)
@pytest.mark.parametrize("body", [lambda model: model, Branching], ids=["captured", "walked"])
def test_wrapped_models_are_the_models_inside(
    wrap: Callable[[nn.Module], nn.Module], body: Callable[[nn.Module], nn.Module]
) -> None:
    torch.manual_seed(0)
    plain, wrapped = (modelcheck.inspect(model, input=SHAPE) for model in (body(Net()), wrap(body(Net()))))
    assert plain.facts is not None
    assert (plain.facts, plain.layers) == (wrapped.facts, wrapped.layers)
    assert plain.target == wrapped.target


def test_a_part_that_was_compiled_runs_as_it_is() -> None:
    found = walked(Branching(nn.Sequential(torch.compile(nn.Conv2d(1, 2, 3)), nn.Flatten())))
    assert found.facts.macs == 36 * 2 * 9
    assert found.facts.parameters.total == CONV


def _rotation(way: str) -> Callable[[], nn.Module]:
    """A square layer whose weight is computed and then multiplied by a base."""
    return lambda: nn.utils.parametrizations.orthogonal(nn.Linear(8, 8), orthogonal_map=way)


# parameters, multiply-adds of the layer, and those of its weight, of which a walk sees one for a batch of two
PARAMETRIZED: dict[str, tuple[Callable[[], nn.Module], int, int, int]] = {
    "weight-norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(8, 4)), FC + 4, 8 * 8 * 4, 0),
    "orthogonal": (lambda: nn.utils.parametrizations.orthogonal(nn.Linear(8, 4)), FC, 8 * 8 * 4, 8 * 8 * 4),
    "orthogonal-by-exponential": (_rotation("matrix_exp"), 8 * 8 + 8, 8 * 8 * 8, 8 * 8 * 8),
    "orthogonal-by-solving": (_rotation("cayley"), 8 * 8 + 8, 8 * 8 * 8, 8 * 8 * 8),
    "spectral-norm": (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(8, 4)), FC, 8 * 8 * 4, 0),
}


@pytest.mark.parametrize(("build", "parameters", "macs", "once"), PARAMETRIZED.values(), ids=PARAMETRIZED.keys())
def test_parametrized_modules_are_captured_and_walked(
    build: Callable[[], nn.Module], parameters: int, macs: int, once: int
) -> None:
    exported, found = (modelcheck.inspect(model, input=SHAPE).facts for model in (build(), Branching(build())))
    assert (exported.capture, exported.parameters.total) == ("exported", parameters)
    assert exported.macs >= macs + once  # with formulas of our own, which tests/facts/zoo holds to the last product
    assert (found.capture, found.parameters.total, found.macs) == ("walked", parameters, macs + once // 2)


def test_recurrent_layers_count_their_products() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(8, 5, num_layers=2, bidirectional=True, batch_first=True)
            self.gru = nn.GRU(10, 3, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.gru(self.lstm(x[:, 0])[0])[0] * x.max().item()

    lstm = 2 * 8 * (4 * 5 * (8 + 5) + 4 * 5 * (10 + 5))  # directions, steps, layers
    facts = walked(Net()).facts
    assert facts.macs == lstm + 8 * 3 * 3 * (10 + 3)
    assert facts.uncounted_operators == ()


def test_operators_without_a_formula_are_named() -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.fft.fft(x).real + torch.cdist(x, x) * x.max().item()

    facts = walked(Net()).facts
    assert facts.macs == 0
    assert {"aten._fft_r2c.default"} <= set(facts.uncounted_operators)
    assert any("cdist" in operator for operator in facts.uncounted_operators)
