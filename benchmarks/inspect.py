"""Parameters, MACs, time and memory of modelcheck, torchinfo, fvcore and calflops on the same models, in one run.

Run by hand, with the others installed: pip install torchinfo fvcore calflops && python benchmarks/inspect.py [--write].
Each tool inspects each model in a process of its own, which builds the model as the tool's documentation does: with its
weights, for modelcheck from its name. Time is the tool's and the construction's, imports aside; memory is the process's
peak. --write writes docs/compared.md.
"""

from __future__ import annotations

import sys

sys.path.pop(0)  # this file's folder, where everybody's `import inspect` would find this file

import argparse
import importlib.metadata
import importlib.util
import json
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

MODELS = Path(__file__).with_name("models.py")
PAGE = Path(__file__).parent.parent / "docs" / "compared.md"
TOOLS = ("modelcheck", "torchinfo", "fvcore", "calflops")
PUBLISHED = (
    "alexnet", "vgg16", "resnet50", "googlenet", "inception_v3", "densenet121", "mobilenet_v2", "mobilenet_v3_large",
    "shufflenet_v2_x1_0", "efficientnet_b0", "convnext_tiny", "swin_t", "vit_b_16", "vit_h_14",
)  # fmt: skip
OWN = ("TiedEmbedding", "WeightsInAList", "AttentionByHand")
# as the published weights were made
BUILT_AS = {"googlenet": {"aux_logits": False, "init_weights": False}, "inception_v3": {"init_weights": False}}


@dataclass(frozen=True)
class Measured:
    """What one tool says of one model, and what that took."""

    parameters: int | None = None
    macs: int | None = None
    seconds: float | None = None
    peak_mib: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class Expected:
    """What is right: published, or by formula."""

    parameters: int
    macs: float
    rounding: float


def main() -> None:
    """Measure one tool on one model, or all on all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/compared.md")
    parser.add_argument("--one", nargs=2, metavar=("TOOL", "MODEL"), help=argparse.SUPPRESS)
    parser.add_argument("models", nargs="*", default=[*PUBLISHED, *OWN])
    given = parser.parse_args()
    if given.one:
        print(json.dumps(asdict(measure(*given.one))))
        return
    found = {(tool, model): in_a_process(tool, model) for model in given.models for tool in TOOLS}
    text = page(given.models, found)
    print(text)
    if given.write:
        PAGE.write_text(text, encoding="utf-8")


def in_a_process(tool: str, model: str) -> Measured:
    """What a fresh process measures."""
    command = [sys.executable, "-W", "ignore", __file__, "--one", tool, model]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        return Measured(error=lines[-1][:80])
    measured = Measured(**json.loads(done.stdout.splitlines()[-1]))
    print(f"{model:20} {tool:10} {measured}", file=sys.stderr, flush=True)
    return measured


def measure(tool: str, model: str) -> Measured:
    """Parameters and MACs as the tool counts them."""
    import torch

    torch.set_num_threads(1)
    count = COUNTING[tool]()  # imports
    start = time.perf_counter()
    parameters, macs = count(model)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(parameters, macs, seconds, peak)


Count = Callable[[str], tuple[int, int | None]]


def _modelcheck() -> Count:
    import torch.export
    from torch import nn

    import modelcheck

    torch.export.export(nn.Identity(), (torch.zeros(1),))  # the first one imports a compiler

    def count(model: str) -> tuple[int, int]:
        target = f"{MODELS}:{model}" if model in OWN else f"torchvision.models:{model}"
        report = modelcheck.inspect(target, input=_input(model), arguments=BUILT_AS.get(model))
        assert report.facts is not None, report.findings
        hidden = sum(one.counted for one in report.facts.hidden_weights if "float" in one.dtype)
        return report.facts.parameters.total + hidden, report.facts.macs

    return count


def _torchinfo() -> Count:
    import torch
    import torchinfo

    def count(model: str) -> tuple[int, int]:
        size, dtype = (1, *_shape(model)), torch.int64 if _is_tokens(model) else torch.float32
        found = torchinfo.summary(build(model), size, dtypes=[dtype], verbose=0)
        return found.total_params, found.total_mult_adds

    return count


def _fvcore() -> Count:
    import logging

    from fvcore.nn import FlopCountAnalysis, parameter_count

    logging.disable(logging.WARNING)

    def count(model: str) -> tuple[int, int]:
        built = build(model).eval()
        return parameter_count(built)[""], int(FlopCountAnalysis(built, example(model)).total())

    return count


def _calflops() -> Count:
    from calflops import calculate_flops

    def count(model: str) -> tuple[int, int]:
        built = build(model).eval()
        _, macs, parameters = calculate_flops(
            built, args=[example(model)], print_results=False, print_detailed=False, output_as_string=False
        )
        return parameters, macs

    return count


COUNTING = {"modelcheck": _modelcheck, "torchinfo": _torchinfo, "fvcore": _fvcore, "calflops": _calflops}


def build(name: str):
    """The model with its weights, as its author would build it."""
    if name in OWN:
        return getattr(_own_models(), name)()
    import torchvision

    return torchvision.models.get_model(name, weights=None, **BUILT_AS.get(name, {}))


def _own_models() -> ModuleType:
    spec = importlib.util.spec_from_file_location("own_models", MODELS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def example(name: str):
    """One sample."""
    import torch

    shape = (1, *_shape(name))
    return torch.zeros(shape, dtype=torch.int64) if _is_tokens(name) else torch.zeros(shape)


def _is_tokens(name: str) -> bool:
    return name == "TiedEmbedding"


def _shape(name: str) -> tuple[int, ...]:
    if name in OWN:
        return {"TiedEmbedding": (16,), "WeightsInAList": (784,), "AttentionByHand": (16, 32)}[name]
    side = 224 if name == "vit_h_14" else _weights(name).transforms().crop_size[0]
    return 3, side, side


def _input(name: str) -> str:
    return "x".join(map(str, _shape(name))) + (":int64" if _is_tokens(name) else "")


def _weights(name: str):
    import torchvision

    weights = torchvision.models.get_model_weights(name)
    # the other weights are for pictures of 518 pixels
    return weights.IMAGENET1K_SWAG_LINEAR_V1 if name == "vit_h_14" else weights.DEFAULT


def expected(name: str) -> Expected:
    """The published numbers, or those that a formula gives."""
    if name == "TiedEmbedding":
        return Expected(1000 * 64 + 64 * 64 + 64, 16 * (64 * 64 + 64 * 1000), 0)
    if name == "WeightsInAList":
        return Expected(784 * 100 + 100 * 10, 784 * 100 + 100 * 10, 0)
    if name == "AttentionByHand":
        return Expected(3 * 32 * 32, 3 * 16 * 32 * 32 + 2 * 16 * 16 * 32, 0)
    meta = _weights(name).meta
    return Expected(meta["num_params"], meta["_ops"] * 1e9, 0.0005e9)


def page(models: list[str], found: dict[tuple[str, str], Measured]) -> str:
    """The comparison as Markdown."""
    right = {model: expected(model) for model in models}
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in (*TOOLS, "torch", "torchvision"))
    lines = [
        "# modelcheck beside other model counters",
        "",
        f"`python benchmarks/inspect.py --write`, with {versions}, Python {platform.python_version()}, one thread of "
        f"{_processor()}. Each tool inspects each model in a process of its own; time is construction and inspection "
        "without imports, memory the process's peak. MACs are right within 1 % or the published number's rounding, "
        "parameters to the digit.",
        "",
        "| | " + " | ".join(TOOLS) + " |",
        "| --- |" + " --- |" * len(TOOLS),
    ]
    rows: dict[str, Callable[[str], str]] = {
        "parameters right": lambda tool: _right(models, lambda m: found[tool, m].parameters == right[m].parameters),
        "MACs right": lambda tool: _right(models, lambda m: _near(found[tool, m], right[m])),
        "largest deviation of MACs": lambda tool: _worst(models, tool, found, right),
        "median time": lambda tool: _median(models, tool, found),
        "largest peak memory": lambda tool: _peak(models, tool, found),
    }
    lines += [f"| {name} | " + " | ".join(row(tool) for tool in TOOLS) + " |" for name, row in rows.items()]
    for title, cell in (("Parameters", _parameters), ("GMACs", _gmacs), ("Seconds and peak MiB", _cost)):
        lines += ["", f"## {title}", "", "| model | right | " + " | ".join(TOOLS) + " |"]
        lines += ["| --- | --- |" + " --- |" * len(TOOLS)]
        for model in models:
            cells = " | ".join(cell(found[tool, model], right[model]) for tool in TOOLS)
            lines.append(f"| {model} | {_truth(title, right[model])} | {cells} |")
    lines += ["", _NOTES, ""]
    return "\n".join(lines)


_NOTES = (
    "The last three models are in `benchmarks/models.py`: an embedding that is also the output layer, weights in a "
    "plain list (which modelcheck counts as hidden), and attention written with `@`. `vit_h_14` is inspected at 224 "
    "pixels. Integers in buffers, as `swin_t`'s indices of relative positions, modelcheck lists as hidden too; they "
    "are left out here, since the others and the published numbers know only weights. What is wrong is in bold."
)


def _processor() -> str:
    names = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _cpuinfo() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.exists() else []


def _near(one: Measured, right: Expected) -> bool:
    return one.macs is not None and abs(one.macs - right.macs) <= max(right.rounding, 0.01 * right.macs)


def _right(models: list[str], test: Callable[[str], bool]) -> str:
    return f"{sum(map(test, models))} of {len(models)}"


def _worst(models: list[str], tool: str, found: dict[tuple[str, str], Measured], right: dict[str, Expected]) -> str:
    off = [(found[tool, m].macs or 0) / right[m].macs - 1 for m in models if not found[tool, m].error]
    return f"{max(off, key=abs):+.1%}" if off else "–"


def _median(models: list[str], tool: str, found: dict[tuple[str, str], Measured]) -> str:
    times = [one for m in models if (one := found[tool, m].seconds) is not None]
    return f"{statistics.median(times):.1f} s" if times else "–"


def _peak(models: list[str], tool: str, found: dict[tuple[str, str], Measured]) -> str:
    return f"{max(found[tool, m].peak_mib or 0 for m in models):,.0f} MiB"


def _truth(title: str, right: Expected) -> str:
    return {"Parameters": f"{right.parameters:,}", "GMACs": f"{right.macs / 1e9:.6g}"}.get(title, "")


def _parameters(one: Measured, right: Expected) -> str:
    return (
        _marked(f"{one.parameters:,}", one.parameters == right.parameters) if one.parameters is not None else "failed"
    )


def _gmacs(one: Measured, right: Expected) -> str:
    return _marked(f"{one.macs / 1e9:.4g}", _near(one, right)) if one.macs is not None else "failed"


def _cost(one: Measured, right: Expected) -> str:
    return f"{one.seconds:.1f} s, {one.peak_mib:,.0f}" if one.seconds is not None else "failed"


def _marked(text: str, good: bool) -> str:
    return text if good else f"**{text}**"


if __name__ == "__main__":
    main()
