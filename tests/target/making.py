"""Files to load, and the ways to load them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from modelcheck.errors import ModelcheckError
from modelcheck.target import Pick, loaded

NET = """
import os
import sys
from dataclasses import dataclass

import torch
from torch import nn

WIDTH = 8


class Net(nn.Module):
    def __init__(self, width=4, *, depth=1):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))

    class Inner(nn.Module):
        pass


class Plain:
    pass


class Needs(nn.Module):
    def __init__(self, width, classes, act="relu"):
        super().__init__()
        self.act = getattr(nn.functional, act)
        self.layer = nn.Linear(width, classes)


def make_net(width=4):
    return Net(width)


def make_tensor():
    return torch.zeros(1)


def make_class():
    return Net


def positional(width, /):
    return Net(width)


instance = Net(3)
"""
ONE = "from torch import nn\nclass Only(nn.Module):\n    pass\n"


def model(target: str, pick: Pick | None = None, **arguments: object) -> nn.Module:
    """The model that the target names."""
    with loaded(target, arguments, pick) as made:
        return made.model


def failing(target: str, **arguments: object) -> ModelcheckError:
    """What is raised instead of a model."""
    with pytest.raises(ModelcheckError) as caught, loaded(target, arguments):
        pass
    return caught.value


def notebook(*cells: str | dict[str, Any]) -> str:
    """A notebook of format 4 with these cells; a text is a code cell."""
    made = [one if isinstance(one, dict) else {"cell_type": "code", "source": one} for one in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})


def write(folder: Path, **files: str) -> None:
    """Python files by their names without the ending."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
