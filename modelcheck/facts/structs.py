"""What is known of a model once its graph was read; no torch is needed to hold or show it."""

from __future__ import annotations

from typing import Literal

import msgspec

from modelcheck.graph.wire import HolderKind

OutputKind = Literal["log-probabilities", "probabilities", "logits"]
FieldKind = Literal["exact", "unbounded", "none"]


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Scalars in the distinct storages of the registered parameters, and what is hidden beside them.

    ``hidden`` counts what the graph reads and that is no registered parameter; the budget applies to
    ``total + hidden``. ``bytes`` is the size of parameters and hidden weights as they are stored.
    """

    total: int
    trainable: int
    frozen: int
    unused: int
    shared: int
    hidden: int
    bytes: int


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """How often an operator is live, and how many modules of its kind are declared."""

    count: int
    declared: int
    where: tuple[str, ...]


class DropoutUse(Use, frozen=True, kw_only=True):
    """Dropout's use, with the distinct rates of the live ones."""

    rates: tuple[float, ...]


class LinearUse(Use, frozen=True, kw_only=True):
    """Use of linear operators, and the convolutions that equal one: from a 1×1 map to a 1×1 map."""

    equals: tuple[str, ...]


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the model's table, in the order of the first call.

    ``output_shape`` is for one sample, without the batch, and None for what is never called.
    """

    path: str
    type: str
    calls: int
    output_shape: tuple[int, ...] | None
    parameters: int
    macs: int
    file: str | None = None
    line: int | None = None


class HiddenWeight(msgspec.Struct, frozen=True, kw_only=True):
    """A tensor that the graph reads and that is no registered parameter."""

    path: str
    kind: Literal["constant", "buffer"]
    dtype: str
    shape: tuple[int, ...]
    counted: int


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One of the model's inputs: the shape of one sample; ``name`` where forward takes it by name."""

    name: str | None
    shape: tuple[int, ...]
    dtype: str


class Unregistered(msgspec.Struct, frozen=True, kw_only=True):
    """A module that the model holds past torch's registration, as declared.

    ``path`` is the way to it as Python writes it, ``attribute`` where that way begins, ``holder`` what the attribute
    is; ``parameters`` counts the scalars that the module registers.
    """

    path: str
    attribute: str
    holder: HolderKind
    type: str
    parameters: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A registered parameter, or the topmost module of which every parameter is meant; an empty path is the model."""

    path: str
    parameters: int


FreezeCause = Literal["requires_grad", "integer", "detached"]


class FrozenPart(Part, frozen=True, kw_only=True):
    """Parameters that training will not change, and why.

    ``requires_grad`` is False, they are ``integer`` numbers, or ``detached``: no gradient reaches them.
    """

    cause: FreezeCause


class SharedWeight(msgspec.Struct, frozen=True, kw_only=True):
    """One registered parameter that several calls of weighted operators or look-ups in a table read.

    ``paths`` are all names under which it is registered; ``layers`` the modules that made the calls, in their order;
    file and line are the second call's.
    """

    paths: tuple[str, ...]
    parameters: int
    layers: tuple[str, ...]
    file: str | None = None
    line: int | None = None


class RandomOperator(msgspec.Struct, frozen=True, kw_only=True):
    """An operator that draws random numbers in evaluation, which change the output; ``type`` is its module's."""

    name: str
    path: str
    type: str
    file: str | None = None
    line: int | None = None


Mode = Literal["training", "evaluation"]
DifferenceKind = Literal["only", "arguments", "weights", "inputs", "outputs"]


class ModeDifference(msgspec.Struct, frozen=True, kw_only=True):
    """Where the training graph and the evaluation graph differ beyond dropout and normalisation.

    ``kind``: an operator of one mode ``only``, other ``arguments`` or ``weights``, other ``inputs``, or another number
    of ``outputs``; ``mode`` is the one that has the operator or the larger number, and None where both do.
    """

    kind: DifferenceKind
    mode: Mode | None
    name: str
    path: str
    detail: str | None = None
    file: str | None = None
    line: int | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True, tag_field="capture", tag="exported"):
    """The facts of the report, by the definitions in docs/design.md. Shapes are for one sample.

    ``input_shape`` is the first input's; ``input_inferred`` says what from, where nobody declared the inputs.
    ``outputs`` names the tensors that forward returns in a container; the first is the one that all facts are about.

    ``receptive_field_kind`` is ``unbounded`` where a pixel of the last map may see the whole picture, and ``none``
    where nothing slides over a map; otherwise the field is exact.

    ``output_kind`` is the evaluation graph's; the training graph's is another one where softmax is left to evaluation.
    """

    input_shape: tuple[int, ...]
    inputs: tuple[Input, ...]
    input_inferred: str | None = None
    output_shape: tuple[int, ...]
    outputs: tuple[str, ...] = ()
    output_kind: OutputKind
    training_output_kind: OutputKind
    parameters: Parameters
    macs: int
    uncounted_operators: tuple[str, ...]
    receptive_field: tuple[int, int] | None
    receptive_field_kind: FieldKind
    weighted_layers: int
    batch_norm: Use
    dropout: DropoutUse
    global_average_pooling: Use
    fully_connected: LinearUse
    unused_modules: tuple[str, ...]
    unregistered_modules: tuple[Unregistered, ...] = ()
    hidden_weights: tuple[HiddenWeight, ...]
    accepted_batches: tuple[int, ...]
    liveness: Literal["tried", "reachable"]
    unused_parameters: tuple[Part, ...] = ()
    frozen_parameters: tuple[FrozenPart, ...] = ()
    shared_weights: tuple[SharedWeight, ...] = ()
    batch_independent: bool | None = None
    random_evaluation: tuple[RandomOperator, ...] = ()
    mode_differences: tuple[ModeDifference, ...] = ()

    @property
    def capture(self) -> Literal["exported"]:
        """How the facts were found."""
        return "exported"
