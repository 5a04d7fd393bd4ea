"""From what the user calls a model (``net.py:Net``, ``pkg.mod:make_net``) to an instantiated ``nn.Module``.

Here the author's code runs. What it raises becomes a LoadError or a ConstructorError with the author's line;
where nothing has the name that the user gave, the command is wrong: TargetNotFound or UsageError.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelcheck.author_trace import class_name
from modelcheck.target.arguments import parse_arguments
from modelcheck.target.building import build
from modelcheck.target.importing import import_module, importable, run_file
from modelcheck.target.naming import named, only_model
from modelcheck.target.place import TargetNotFound, parse

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LoadedModel", "TargetNotFound", "importable", "load_model", "parse_arguments"]


@dataclass(frozen=True)
class LoadedModel:
    """A model, the name of its class, and the target that it was loaded from."""

    model: nn.Module
    name: str
    target: str


def load_model(target: str, arguments: Mapping[str, object] | None = None) -> LoadedModel:
    """Model that ``target`` names, instantiated; what the author's code prints goes to stderr.

    Args:
        target: ``pkg.mod:Net``, ``path/net.py:Net``, a factory or an instance in the same way, or no name at
            all where the file defines exactly one model.
        arguments: keyword arguments for the class or the factory.

    Raises:
        UsageError: the target is malformed, of a kind that cannot be read, or could mean several models.
        TargetNotFound: nothing has that name.
        LoadError: the author's code raised while it was loaded, or what has that name is no model.
        ConstructorError: the arguments do not fit, or the constructor raised.
    """
    place = parse(target)
    with importable(target), contextlib.redirect_stdout(sys.stderr):
        module = run_file(place.file) if place.file else import_module(place)
        value = named(module, place) if place.name else only_model(module, place)
        model = build(value, arguments or {}, place)
    return LoadedModel(model=model, name=class_name(type(model)), target=target)
