"""What is known of a model whose graph could not be captured; no torch is needed to hold or show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from modelcheck.errors import AuthorError
from modelcheck.facts.structs import HiddenWeight, Input, Layer, Unregistered


class WalkedParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Scalars in the distinct storages of the registered parameters; what is hidden beside them is not known.

    ``unused`` counts those that no operator read.
    """

    total: int
    trainable: int
    frozen: int
    unused: int
    shared: int
    hidden: None = None
    bytes: int


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """The declared modules of one kind, and where those are that were called; what is live is not known.

    ``called`` is None where some lie in a script, which does not tell.
    """

    count: None = None
    declared: int
    called: int | None
    where: tuple[str, ...]


class CalledDropout(Called, frozen=True, kw_only=True):
    """Dropout's modules, with the distinct rates of those that were called."""

    rates: tuple[float, ...]


class CalledLinear(Called, frozen=True, kw_only=True):
    """Linear modules; which convolutions equal one is not known."""

    equals: tuple[str, ...] = ()


class WalkedFacts(msgspec.Struct, frozen=True, kw_only=True, tag_field="capture", tag="walked"):
    """What one forward in evaluation mode told, under the keys of ``Facts``; None is what only a graph tells.

    ``macs`` are those for the batch, divided by its size: what is computed from weights alone counts as a part.
    ``output_shape`` is None too where the output has no row for each sample. ``hidden_weights`` are those that torch's
    own modules keep in a packed form, and no search for others.
    """

    input_shape: tuple[int, ...]
    inputs: tuple[Input, ...]
    input_inferred: str | None = None
    output_shape: tuple[int, ...] | None
    outputs: tuple[str, ...] = ()
    output_kind: None = None
    training_output_kind: None = None
    parameters: WalkedParameters
    macs: int
    uncounted_operators: tuple[str, ...]
    receptive_field: None = None
    receptive_field_kind: None = None
    weighted_layers: None = None
    batch_norm: Called
    dropout: CalledDropout
    global_average_pooling: Called
    fully_connected: CalledLinear
    unused_modules: tuple[str, ...]
    unregistered_modules: tuple[Unregistered, ...] = ()
    hidden_weights: tuple[HiddenWeight, ...] = ()
    accepted_batches: None = None
    liveness: None = None
    unused_parameters: None = None
    frozen_parameters: None = None
    shared_weights: None = None
    batch_independent: None = None
    random_evaluation: None = None
    mode_differences: None = None

    @property
    def capture(self) -> Literal["walked"]:
        """How the facts were found."""
        return "walked"


@dataclass(frozen=True)
class Walked:
    """What is known of a model in place of its capture.

    Args:
        failure: why there is no capture.
        facts: what a walk over the modules told.
        layers: the model's table.
    """

    failure: AuthorError
    facts: WalkedFacts
    layers: tuple[Layer, ...]
