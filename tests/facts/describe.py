from __future__ import annotations

from torch import nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts.compute import Description, compute_facts
from modelcheck.facts.structs import Facts


def describe(model: nn.Module, shape: tuple[int, ...] = (1, 28, 28)) -> Description:
    return compute_facts(capture_model(model, shape))


def facts(model: nn.Module, shape: tuple[int, ...] = (1, 28, 28)) -> Facts:
    return describe(model, shape).facts
