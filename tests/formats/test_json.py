from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from modelcheck.formats.json import render
from modelcheck.report import Report

from .making import NAMES, metrics

KEYS = """schema_version tool target origin policy strict verdict score awards facts layers findings ignored
    unknown_ignores rules metrics"""
FACTS = """capture input_shape output_shape output_kind parameters macs uncounted_operators receptive_field
    weighted_layers batch_norm dropout global_average_pooling fully_connected unused_modules"""
PARAMETERS = "total trainable frozen unused shared hidden bytes"
METRICS = """dataset train_images test_images recipe seed device dtype epochs test_accuracy confusion images_per_s
    wall_s"""
ORIGIN = "file line name because others arguments missing set_aside left_out"
EPOCH = "epoch images train_loss train_accuracy test_loss test_accuracy train_s eval_s"


def loaded(report: Report) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(render(report, width=80, color=True), parse_constant=refuse)


@pytest.mark.parametrize("name", NAMES)
def test_golden(name: str, reports: dict[str, Report], golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.json", render(reports[name], width=80, color=False))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_report(name: str, reports: dict[str, Report]) -> None:
    text = render(reports[name], width=80, color=False)
    assert msgspec.json.decode(text, type=Report) == reports[name]
    assert text.endswith("}\n")
    assert "\x1b" not in text


@pytest.mark.parametrize("name", NAMES)
def test_keys_are_the_contracts(name: str, reports: dict[str, Report]) -> None:
    found = loaded(reports[name])
    assert list(found) == KEYS.split()
    assert set(found["tool"]) == {"name", "version", "torch"}
    assert (found["facts"] is None) == (found["verdict"] == "error")
    for rule in found["rules"]:
        assert {"code", "name", "outcome", "cause"} <= set(rule)
        assert (rule["cause"] is None) == (rule["outcome"] != "not run")
    for finding in found["findings"]:
        assert {"code", "name", "severity", "outcome", "message", "where", "file", "line"} == set(finding)


def test_keys_of_the_origin(reports: dict[str, Report]) -> None:
    assert loaded(reports["reference"])["origin"] is None
    found = loaded(reports["submission"])["origin"]
    assert list(found) == ORIGIN.split()
    assert set(found["arguments"][0]) == {"name", "value", "file", "line"}
    assert set(found["missing"][0]) == {"name", "file", "line"}
    for effect in found["set_aside"] + found["left_out"]:
        assert set(effect) == {"kind", "text", "file", "line"}


def test_keys_of_facts_and_layers(reports: dict[str, Report]) -> None:
    found = loaded(reports["reference"])
    assert set(FACTS.split()) <= set(found["facts"])
    assert set(PARAMETERS.split()) == set(found["facts"]["parameters"])
    assert {"count", "declared", "where"} == set(found["facts"]["batch_norm"])
    assert {"count", "declared", "where", "rates"} == set(found["facts"]["dropout"])
    for layer in found["layers"]:
        assert {"path", "type", "calls", "output_shape", "parameters", "macs"} <= set(layer)


def test_keys_of_metrics(reports: dict[str, Report]) -> None:
    found = loaded(reports["measured"])["metrics"]
    assert set(METRICS.split()) <= set(found)
    assert set(EPOCH.split()) == set(found["epochs"][0])
    assert {"last", "best", "best_epoch"} == set(found["test_accuracy"])
    assert loaded(reports["reference"])["metrics"] is None


@pytest.mark.parametrize("loss", [0.25, None])
def test_a_report_is_read_back_also_of_a_diverged_training(loss: float | None, reports: dict[str, Report]) -> None:
    report = msgspec.structs.replace(reports["measured"], metrics=metrics(test_loss=loss))
    assert loaded(report)["metrics"]["test_loss"] == loss
    assert msgspec.json.decode(render(report, width=80, color=False), type=Report) == report


@pytest.mark.parametrize("target", ["a\udcffb.py", "\x1b[31m", "x" * 1_000_000, "\u202e", 'a"\n\\'])
def test_hostile_names_are_kept_or_escaped(target: str, reports: dict[str, Report]) -> None:
    found = loaded(msgspec.structs.replace(reports["reference"], target=target))
    assert found["target"] == target.encode(errors="backslashreplace").decode()
    assert found["facts"]["macs"] > 0
