"""From what the user calls a model (``net.py:Net``, ``book.ipynb``, ``pkg.mod:make_net``) to an ``nn.Module``.

Here the author's code runs: of files, notebooks, folders and archives only what the model needs. What it raises becomes
a LoadError or a ConstructorError with the author's line; where nothing has the name that the user gave, the command is
wrong: TargetNotFound or UsageError.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelcheck.author_trace import class_name, printable
from modelcheck.origin import Origin, Pick
from modelcheck.target.arguments import parse_arguments
from modelcheck.target.building import build
from modelcheck.target.importing import import_module, importable
from modelcheck.target.naming import named, only_model
from modelcheck.target.place import TargetNotFound, parse
from modelcheck.target.submission import opened
from modelcheck.target.taking import take

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LoadedModel", "TargetNotFound", "candidates", "loaded", "parse_arguments"]


@dataclass(frozen=True)
class LoadedModel:
    """A model, the name of its class, and a function that tells where it came from, once all is executed."""

    model: nn.Module
    name: str
    origin: Callable[[], Origin | None]


@contextlib.contextmanager
def loaded(
    target: str, arguments: Mapping[str, object] | None = None, pick: Pick | None = None
) -> Iterator[LoadedModel]:
    """The model that ``target`` names, instantiated; within the context it can execute what it needs later.

    Args:
        target: ``path/net.py:Net``, ``path/book.ipynb:Net``, ``folder:Net``, ``sub.zip:Net``, ``pkg.mod:Net``, a
            factory or an instance in the same way, or no name at all where one model is clearly meant.
        arguments: keyword arguments for the class or the factory.
        pick: which of several candidates to take; None where that is an error.

    Raises:
        UsageError: the target is malformed or of a kind that cannot be read.
        TargetNotFound: nothing has that name.
        UnsafeSubmission: what was handed in leads out of its folder, or is far too much.
        NoModel, AmbiguousModel: it holds no model, or several that could be meant.
        LoadError: the author's code raised while it was loaded, or what has that name is no model.
        ConstructorError: the arguments do not fit, or the constructor raised.
    """
    place = parse(target)
    if place.module:
        with importable(place):
            module = import_module(place)
            value = named(module, place) if place.name else only_model(module, place)
            model = build(value, arguments or {}, printable(place.name))
            yield LoadedModel(model, class_name(type(model)), lambda: None)
        return
    with opened(place) as submission:
        taken = take(submission, arguments or {}, pick)
        yield LoadedModel(taken.model, class_name(type(taken.model)), taken.origin)


def candidates(target: str) -> tuple[str, ...]:
    """The targets of all models in a file, a folder or an archive; the target itself where it names one."""
    place = parse(target)
    if place.module or place.name:
        return (target,)
    with opened(place) as submission:
        return tuple(map(submission.target, submission.among))
