"""The capture as bytes: one zip of two stored members, ``graph.json`` and ``weights.safetensors``.

Nothing here is ever unpickled and no name from the file is made into code. Unknown fields, other types, other members,
compression and sizes beyond the limits are refused; what the numbers mean is checked in ``check.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec


class NodeRef(msgspec.Struct, frozen=True, tag="node", tag_field="is", forbid_unknown_fields=True):
    """The value of an earlier node."""

    id: int


class TensorRef(msgspec.Struct, frozen=True, tag="tensor", tag_field="is", forbid_unknown_fields=True):
    """An entry of the capture's table of tensors."""

    id: int


class InputRef(msgspec.Struct, frozen=True, tag="input", tag_field="is", forbid_unknown_fields=True):
    """One of the model's inputs."""

    id: int


class Special(msgspec.Struct, frozen=True, tag="float", tag_field="is", forbid_unknown_fields=True):
    """A float that JSON cannot hold."""

    value: Literal["inf", "-inf", "nan"]


class DType(msgspec.Struct, frozen=True, tag="dtype", tag_field="is", forbid_unknown_fields=True):
    """A torch dtype by its name."""

    name: str


class MemoryFormat(msgspec.Struct, frozen=True, tag="memory-format", tag_field="is", forbid_unknown_fields=True):
    """A torch memory format by its name."""

    name: str


class Device(msgspec.Struct, frozen=True, tag="device", tag_field="is", forbid_unknown_fields=True):
    """The device that the graph runs on, whatever the author's was."""


class Word(msgspec.Struct, frozen=True, tag="word", tag_field="is", forbid_unknown_fields=True):
    """One of the few words that operators take (``operators.WORDS``), or an einsum equation."""

    value: str


Value = NodeRef | TensorRef | InputRef
Scalar = None | bool | int | float | NodeRef | TensorRef | InputRef | Special | DType | MemoryFormat | Device | Word
Argument = Scalar | list[Scalar]


def scalars(*arguments: Argument) -> Iterator[Scalar]:
    """The arguments, with those that are lists taken apart."""
    for argument in arguments:
        yield from argument if isinstance(argument, list) else (argument,)


class Node(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One call of one operator.

    Args:
        op: a name from the allow-list, such as ``aten.conv2d.default``.
        module: index into the capture's modules: whose forward made the call, as the author's process claims.
        file, line: the author's source, likewise a claim.
        grad: False where the author's code switched gradients off.
    """

    op: str
    args: tuple[Argument, ...]
    kwargs: dict[str, Argument] = {}
    module: int = 0
    file: str | None = None
    line: int | None = None
    grad: bool = True

    def scalars(self) -> Iterator[Scalar]:
        """All that the node is given, by position and by name."""
        return scalars(*self.args, *self.kwargs.values())


class Graph(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nodes in the order in which they run, and what comes out.

    Args:
        further: what the author's forward returned beside the outputs; nothing is made of it.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[Value, ...]
    further: tuple[Value, ...] = ()


class TensorInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tensor that the graph may read: a window on one of the stored storages.

    Args:
        role: registered parameter, registered buffer, or a constant that was registered nowhere.
        paths: the names under which it is registered; for a constant the name that was found for it.
        storage: index of the storage; ``offset``, ``shape`` and ``stride`` are in its elements.
        trainable: True where the author's parameter requires a gradient.
        persistent: True for what is part of the author's state dict.
    """

    role: Literal["parameter", "buffer", "constant"]
    paths: tuple[str, ...]
    storage: int
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    trainable: bool
    persistent: bool


ModuleKind = Literal[
    "batch-norm", "dropout", "linear", "global-average-pool", "average-pool", "other"
]  # as declared: the class, whatever it does


class ModuleInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A registered module as its author declared it. The first entry is the model itself, with an empty path.

    Args:
        file, line: the author's statement that declares it, where one was found.
    """

    path: str
    type: str
    kind: ModuleKind
    called: bool
    file: str | None = None
    line: int | None = None


HolderKind = Literal["list", "tuple", "dict", "set", "object", "attribute"]


class UnregisteredInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A module that the model holds past torch's registration; a claim throughout.

    Args:
        path: as Python writes the way to it: ``layers[0]``, ``blocks['a']``.
        attribute: the module's attribute where that way begins: ``layers``.
        holder: what that attribute is; ``attribute`` where it is the module itself.
        parameters: scalars that the module registers.
        file, line: the author's statement that sets the attribute, where one was found.
    """

    path: str
    attribute: str
    holder: HolderKind
    type: str
    parameters: int
    file: str | None = None
    line: int | None = None


class IgnoreInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A comment of the author's that ignores advice: ``# modelcheck: ignore[MC402]``; a claim throughout.

    Args:
        file, line: where it stands.
        modules: the paths of the modules and tensors that are declared there.
        codes: rules' codes or names, as written; empty for all.
    """

    file: str
    line: int
    modules: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class InputInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input for one sample, without the batch.

    Args:
        batches: the least and the most samples for which the author's branches are the captured ones; a claim.
        name: of forward's argument, where it is given by name.
    """

    shape: tuple[int, ...]
    dtype: str
    batches: tuple[int, int | None]
    name: str | None = None


class StorageInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A flat run of equal numbers; the member ``s<index>`` of the weights."""

    dtype: str
    size: int


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``graph.json``: everything of a capture but the numbers.

    Args:
        outputs: names of the tensors that forward returned in a container, the model's output first; a claim.
    """

    format: Literal[1] = 1
    torch: str
    name: str
    inputs: tuple[InputInfo, ...]
    inferred: str | None = None
    storages: tuple[StorageInfo, ...]
    tensors: tuple[TensorInfo, ...]
    modules: tuple[ModuleInfo, ...]
    unregistered: tuple[UnregisteredInfo, ...] = ()  # captures written before it was told have none
    outputs: tuple[str, ...] = ()  # likewise
    ignores: tuple[IgnoreInfo, ...] = ()  # likewise
    train: Graph
    evaluation: Graph

    def places(self) -> dict[str, tuple[str, int]]:
        """Where modules are declared, and attributes set that hold unregistered ones; by path, as claimed."""
        held = [(one.path, one) for one in self.modules] + [(one.attribute, one) for one in self.unregistered]
        return {path: (one.file, one.line) for path, one in held if one.file is not None and one.line is not None}
