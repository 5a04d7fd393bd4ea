from __future__ import annotations

from typing import Any

import pytest

from modelcheck.facts.structs import Unregistered

from .making import decide, facts


def stray(
    path: str, held: int = 0, attribute: str = "layers", holder: Any = "list", kind: str = "Linear"
) -> Unregistered:
    return Unregistered(path=path, attribute=attribute, holder=holder, type=kind, parameters=held)


@pytest.mark.parametrize(
    ("modules", "outcome", "evidence", "attributes"),
    [
        ((), "pass", "every module is registered", []),
        ((stray("layers[0]"),), "fail", "1 module is registered nowhere", ["layers"]),
        ((stray("layers[0]"), stray("layers[1]")), "fail", "2 modules are registered nowhere", ["layers"]),
        (
            (stray("layers[0]"), stray("a.x", attribute="a"), stray("layers[1]")),
            "fail",
            "3 modules are registered nowhere",
            ["layers", "a"],
        ),
    ],
)
def test_one_finding_for_each_attribute(modules: Any, outcome: str, evidence: str, attributes: list[str]) -> None:
    found, findings = decide("MC416", "error", facts(unregistered_modules=modules))
    assert (found.outcome, found.evidence) == (outcome, evidence)
    assert [one.where for one in findings] == attributes


def message(*modules: Unregistered) -> str:
    _, (finding,) = decide("MC416", "advice", facts(unregistered_modules=modules))
    return finding.message


def test_what_is_lost_and_what_helps() -> None:
    assert message(stray("layers[0]", 110), stray("layers[1]", kind="Dropout")) == (
        "layers is a plain list with 2 modules that are registered nowhere: layers[0] (Linear, 110 parameters) and "
        "layers[1] (Dropout). No optimiser trains the 110 parameters, and state_dict() saves none. train(), eval() and "
        "to() do not reach them: a dropout or a batch norm stays in training mode. Make it an nn.ModuleList"
    )


def test_a_module_without_parameters_misses_the_modes_all_the_same() -> None:
    said = message(stray("layers[1]", kind="Dropout"))
    assert "optimiser" not in said
    assert "train(), eval() and to() do not reach it: a dropout or a batch norm stays in training mode" in said


@pytest.mark.parametrize(
    ("holder", "is_", "helps"),
    [
        ("list", "is a plain list with 1 module", "Make it an nn.ModuleList"),
        ("tuple", "is a plain tuple with 1 module", "Make it an nn.ModuleList"),
        ("set", "is a plain set with 1 module", "Make it an nn.ModuleList"),
        ("dict", "is a plain dict with 1 module", "Make it an nn.ModuleDict"),
        ("object", "is an object, and no module, with 1 module", "Make it an attribute of the module itself"),
        ("attribute", "was set past nn.Module's __setattr__", "Assign it like any other attribute"),
    ],
)
def test_the_advice_goes_with_what_holds_them(holder: str, is_: str, helps: str) -> None:
    said = message(stray("a", 3, "a", holder))
    assert said.startswith(f"a {is_}")
    assert said.endswith(helps)


@pytest.mark.parametrize(("count", "named"), [(1, 1), (4, 4), (5, 4), (1_000, 4)])
def test_of_many_the_first_are_named(count: int, named: int) -> None:
    said = message(*(stray(f"layers[{number}]", 2) for number in range(count)))
    assert said.count("(Linear") == named
    assert (f" and {count - named:,} more." in said) == (count > named)
    assert f"{2 * count:,} parameters, and state_dict() saves none" in said
