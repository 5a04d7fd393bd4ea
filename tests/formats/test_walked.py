"""What the formats show of a model that was walked."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from walking import zoo

import modelcheck
from modelcheck.formats import renderer
from modelcheck.report import Report


@pytest.fixture(scope="module")
def report() -> Report:
    return modelcheck.inspect(zoo.Kinds(), input=zoo.SHAPE)


def lines(report: Report) -> dict[str, str]:
    """The table's rows of facts, by their first column."""
    text = renderer("table")(report, width=200, color=False)
    found = (re.match(r"(\S+(?: \S+)*)  +(\S.*)", line) for line in text.splitlines())
    return {match[1]: match[2] for match in found if match}


def test_the_table_says_where_the_facts_are_from_and_what_is_not_known(report: Report) -> None:
    shown = lines(report)
    assert "from walking the modules" in shown["facts"]
    assert shown["batch norm"] == "1 module called, 2 declared"
    assert shown["dropout"] == "1 module called, 2 declared, p = 0.25"
    assert shown["input → output"] == "1×8×8 → 4"
    for name in ("output kind", "hidden weights", "receptive field", "weighted layers", "live"):
        assert name in shown["not known"]
        assert name not in shown


def test_the_table_shows_what_was_never_called(report: Report) -> None:
    shown = lines(report)
    assert "never called" in shown["spare.3"]
    assert "never called" not in shown["fc"]


def test_null_is_what_is_not_known(report: Report) -> None:
    text = renderer("json")(report, width=80, color=False)
    facts = json.loads(text)["facts"]
    assert facts["capture"] == "walked"
    assert facts["parameters"]["hidden"] is None
    assert facts["batch_norm"] == {"count": None, "declared": 2, "called": 1, "where": ["norm"]}
    assert facts["output_kind"] is facts["weighted_layers"] is facts["receptive_field"] is None
    assert msgspec.json.decode(text, type=Report) == report


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            zoo.WantsTargets(),
            "1×8×8 → no row for each sample ([0].boxes, [0].labels, [1].boxes, [1].labels: the first is taken)",
        ),
        (zoo.Loop(), "1×8×8 → 1×8×8"),
    ],
)
def test_the_output(model: object, said: str) -> None:
    assert lines(modelcheck.inspect(model, input=zoo.SHAPE))["input → output"] == said


def test_a_model_without_parameters_has_no_shares() -> None:
    layer = modelcheck.inspect(zoo.Loop(), input=zoo.SHAPE).layers[0]
    report = modelcheck.inspect(zoo.Loop(), input=zoo.SHAPE)
    claimed = msgspec.structs.replace(
        report.facts, parameters=msgspec.structs.replace(report.facts.parameters, total=0)
    )
    forged = msgspec.structs.replace(report, facts=claimed, layers=(layer,))
    assert renderer("table")(forged, width=80, color=False)
