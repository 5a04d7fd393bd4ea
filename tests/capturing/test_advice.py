from __future__ import annotations

import inspect

import pytest

import modelcheck
from capturing import rewritten
from modelcheck.capturing.rewrites import rewrite_of, torch_for_numpy

SHAPE = (1, 8, 8)
WHERE = "torch.where(condition, a, b)"
CAUSES = {
    "If": ("`if x.sum() > 0:` takes a branch", WHERE),
    "IfElse": ("takes a branch", WHERE),
    "IfItem": ("takes a branch", WHERE),
    "IfNan": ("checks the values", "remove that"),
    "Assert": ("checks the values", "remove that"),
    "While": ("repeats until", "for _ in range(10)"),
    "Range": ("repeats as often as", "for i in range(10)"),
    "Item": ("`scale = x.mean().item()` makes the value of a tensor one of Python's numbers", "leave .item()"),
    "Int": ("one of Python's numbers", "leave .item(), int()"),
    "Math": ("one of Python's numbers", "float() out"),
    "ToList": ("a list of Python's numbers", "leave .tolist() out"),
    "Mask": ("`return x[x > 0]` picks what a mask chooses", "torch.where(mask, x, 0)"),
    "NamedMask": ("picks what a mask chooses", "mask.sum()"),
    "Cut": ("cuts where the values of a tensor say", "torch.arange(x.shape[1]) < n"),
    "NonZero": ("how much nonzero() gives", WHERE),
    "WhereAlone": ("how much where() gives", "with all three arguments"),
    "Unique": ("how much _unique2() gives", "a fixed size"),
    "Numpy": ("computes with numpy", "compute with torch"),
    "NumpyFunction": ("computes with numpy", "torch.mean for np.mean, torch.abs for np.abs"),
    "Formats": ("prints or formats", "remove that line"),
    "Draws": ("draws random numbers from Python or numpy", "torch.rand(())"),
    "MakesTensor": ("copies the values of tensors", "torch.stack([a, b])"),
    "MakesModule": ("layers and weights that are made there", "Create them in __init__"),
    "Copies": ("copies a module", "in __init__"),
    "Data": ("changes its weights", "training loop"),
    "PartScripted": ("fc is scripted or traced", "give the plain module"),
}


def test_every_cause_is_tested() -> None:
    models = {name for name, kind in vars(rewritten).items() if isinstance(kind, type) and "forward" in vars(kind)}
    assert models == set(CAUSES)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:FutureWarning")
@pytest.mark.parametrize("name", CAUSES)
def test_the_author_s_line_and_what_to_write_instead(name: str) -> None:
    kind = getattr(rewritten, name)
    report = modelcheck.inspect(kind(), input=SHAPE)
    (finding,) = [one for one in report.findings if one.severity == "error"]
    assert (finding.code, report.verdict) == ("MC004", "error")
    for words in CAUSES[name]:
        assert words in finding.message
    lines, first = inspect.getsourcelines(kind)
    (blamed,) = [number for number, text in enumerate(lines, first) if text.rstrip().endswith("# here")]
    assert (finding.file or "").endswith("capturing/rewritten.py")
    assert finding.line == blamed
    assert report.facts is not None
    assert report.facts.capture == "walked"
    assert report.facts.parameters.total == 8 * 4 + 4


@pytest.mark.parametrize(
    "written",
    ["", "return self.fc(x)", "y = x[0, 1]", "self.block(x)", "values = {a: b}", "elifx = 3", "x = forward(range(3))"],
)
def test_of_a_line_that_does_not_tell_nothing_is_said(written: str) -> None:
    assert rewrite_of(written) is None


def test_a_long_line_is_shortened() -> None:
    rewrite = rewrite_of(f"if {'x + ' * 99}x > 0:")
    assert rewrite is not None
    assert "..." in rewrite.partition("takes a branch")[0]
    assert len(rewrite) < 300


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("np.mean(x) + numpy.abs(x) + np.mean(y)", " (torch.mean for np.mean, torch.abs for np.abs)"),
        ("np.no_such_function(x)", ""),
        ("x.numpy()", ""),
    ],
)
def test_functions_of_torch_for_those_of_numpy(written: str, expected: str) -> None:
    assert torch_for_numpy(written) == expected
