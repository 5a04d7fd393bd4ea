"""What a capture's numbers must be before any of it is believed or run."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from modelcheck.errors import DamagedCapture, NotCapturable
from modelcheck.graph.operators import DTYPE_NAMES, DTYPES, EQUATION, MEMORY_FORMATS, WORDS, is_allowed
from modelcheck.graph.signature import misfit
from modelcheck.graph.wire import (
    Argument,
    DType,
    Graph,
    Header,
    InputRef,
    MemoryFormat,
    Node,
    NodeRef,
    TensorInfo,
    TensorRef,
    Word,
)

MAX_NODES = 100_000
MAX_TENSORS = 100_000
MAX_MODULES = 100_000
MAX_UNREGISTERED = 1_000
MAX_OUTPUTS = 64
MAX_IGNORES = 10_000
MAX_IGNORED = 200_000  # names in all comments that ignore advice
MAX_CODES = 100  # in one of them
MAX_COUNT = 2**63 - 1
MAX_ELEMENTS = 2**33
MAX_RANK = 16
MAX_NAME = 4_096
MAX_NAMES = 4 * 2**20  # letters of all modules' together: each is told, and reports are read by people


def check_header(header: Header) -> None:
    """Raise unless the tables and both graphs refer only to what is there and to what is allowed.

    Raises:
        NotCapturable: an operator is not on the allow-list.
        DamagedCapture: anything else.
    """
    _check_tables(header)
    for name, graph in (("training", header.train), ("evaluation", header.evaluation)):
        _check_graph(f"the {name} graph", graph, header)


def check_storages(header: Header, storages: Sequence[torch.Tensor]) -> None:
    """Raise DamagedCapture unless the weights have the types and sizes that the header gives."""
    for index, (info, storage) in enumerate(zip(header.storages, storages, strict=True)):
        found = (DTYPE_NAMES.get(storage.dtype), tuple(storage.shape))
        if found != (info.dtype, (info.size,)):
            raise DamagedCapture(
                f"weight s{index} is {found[0]} {list(found[1])} instead of {info.dtype} [{info.size}]"
            )


def _check_tables(header: Header) -> None:
    _require(len(header.tensors) <= MAX_TENSORS, f"it has more than {MAX_TENSORS:,} tensors")
    _require(1 <= len(header.modules) <= MAX_MODULES, f"it must have 1 to {MAX_MODULES:,} modules")
    _require(1 <= len(header.inputs) <= 64, "it must have 1 to 64 inputs")
    for text in (header.name, header.inferred or "", header.torch):
        _require(len(text) <= MAX_NAME, "its name is too long")
    for storage in header.storages:
        _require(storage.dtype in DTYPES, f"{storage.dtype!r} is no data type")
        _require(0 <= storage.size <= MAX_ELEMENTS, f"a storage of {storage.size} elements is out of bounds")
    for one in header.inputs:
        _require(one.dtype in DTYPES, f"{one.dtype!r} is no data type")
        _check_shape("an input", one.shape)
        _require(len(one.name or "") <= MAX_NAME, "an input's name is too long")
    for module in header.modules:
        _require(len(module.path) <= MAX_NAME and len(module.type) <= MAX_NAME, "a module's name is too long")
        _check_place("a module", module.file, module.line)
    letters = sum(len(module.path) + len(module.type) for module in header.modules)
    _require(letters <= MAX_NAMES, f"its modules' names have {letters:,} letters, more than {MAX_NAMES:,}")
    _check_unregistered(header)
    _check_ignores(header)
    _require(len(header.outputs) <= MAX_OUTPUTS, f"it names more than {MAX_OUTPUTS} outputs")
    _require(all(len(name) <= MAX_NAME for name in header.outputs), "an output's name is too long")
    for index, tensor in enumerate(header.tensors):
        _check_tensor(f"tensor {index}", tensor, header)


def _check_unregistered(header: Header) -> None:
    count = len(header.unregistered)
    _require(count <= MAX_UNREGISTERED, f"it has more than {MAX_UNREGISTERED:,} unregistered modules")
    for module in header.unregistered:
        texts = (module.path, module.attribute, module.type)
        _require(all(len(text) <= MAX_NAME for text in texts), "an unregistered module's name is too long")
        _require(0 <= module.parameters <= MAX_COUNT, "an unregistered module has an impossible number of parameters")
        _check_place("an unregistered module", module.file, module.line)


def _check_ignores(header: Header) -> None:
    named = sum(len(one.modules) for one in header.ignores)
    _require(len(header.ignores) <= MAX_IGNORES and named <= MAX_IGNORED, "it has too many comments that ignore advice")
    for one in header.ignores:
        _check_place("a comment that ignores advice", one.file, one.line)
        _require(len(one.codes) <= MAX_CODES, f"a comment ignores more than {MAX_CODES} rules")
        _require(all(len(text) <= MAX_NAME for text in (*one.modules, *one.codes)), "a comment's name is too long")


def _check_place(what: str, file: str | None, line: int | None) -> None:
    _require(len(file or "") <= MAX_NAME and 0 <= (line or 0) <= MAX_COUNT, f"{what} has an impossible place")


def _check_tensor(what: str, tensor: TensorInfo, header: Header) -> None:
    _require(0 <= tensor.storage < len(header.storages), f"{what} lies in a storage that is not there")
    _require(len(tensor.shape) == len(tensor.stride), f"{what} has as many strides as sizes")
    _check_shape(what, tensor.shape)
    _require(
        all(0 <= step <= MAX_ELEMENTS for step in tensor.stride) and tensor.offset >= 0,
        f"{what} has odd strides",
    )
    _require(all(len(path) <= MAX_NAME for path in tensor.paths) and len(tensor.paths) >= 1, f"{what} needs a name")
    last = tensor.offset + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride, strict=True))
    empty = 0 in tensor.shape
    _require(empty or last < header.storages[tensor.storage].size, f"{what} reaches beyond its storage")


def _check_shape(what: str, shape: tuple[int, ...]) -> None:
    _require(len(shape) <= MAX_RANK and all(size >= 0 for size in shape), f"{what} has an impossible shape")
    _require(math.prod(shape) <= MAX_ELEMENTS, f"{what} has more than {MAX_ELEMENTS:,} elements")


def _check_graph(what: str, graph: Graph, header: Header) -> None:
    _require(len(graph.nodes) <= MAX_NODES, f"{what} has more than {MAX_NODES:,} nodes")
    _require(1 <= len(graph.outputs) <= MAX_OUTPUTS, f"{what} must have 1 to {MAX_OUTPUTS} outputs")
    for index, node in enumerate(graph.nodes):
        _check_node(f"node {index} of {what}", node, index, header)
    _require(len(graph.further) <= MAX_NODES, f"{what} has more than {MAX_NODES:,} further outputs")
    for output in (*graph.outputs, *graph.further):
        _check_argument(f"an output of {what}", output, len(graph.nodes), header)


def _check_node(what: str, node: Node, index: int, header: Header) -> None:
    if not is_allowed(node.op):
        raise NotCapturable(
            f"{what} is the operator {node.op[:200]!r}, which is not on the list of operators that may run",
            file=node.file,
            line=node.line,
        )
    _require(0 <= node.module < len(header.modules), f"{what} belongs to a module that is not there")
    _require(len(node.file or "") <= MAX_NAME, f"{what} has a file name that is too long")
    wrong = misfit(node)
    _require(wrong is None, f"{what} ({node.op}) {wrong}")
    for scalar in node.scalars():
        _check_argument(what, scalar, index, header)


def _check_argument(what: str, argument: Argument, before: int, header: Header) -> None:
    """An argument may refer to earlier nodes only: a cycle cannot be written."""
    match argument:
        case NodeRef(id=id_):
            _require(0 <= id_ < before, f"{what} reads node {id_}, which does not come before it")
        case TensorRef(id=id_):
            _require(0 <= id_ < len(header.tensors), f"{what} reads tensor {id_}, which is not there")
        case InputRef(id=id_):
            _require(0 <= id_ < len(header.inputs), f"{what} reads input {id_}, which is not there")
        case DType(name=name):
            _require(name in DTYPES, f"{what} names the data type {name[:40]!r}")
        case MemoryFormat(name=name):
            _require(name in MEMORY_FORMATS, f"{what} names the memory format {name[:40]!r}")
        case Word(value=value):
            _require(value in WORDS or EQUATION.match(value) is not None, f"{what} holds the word {value[:40]!r}")
        case bool() | None:
            pass
        case int():
            _require(-(2**63) <= argument < 2**63, f"{what} holds a number beyond 64 bits")


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise DamagedCapture(otherwise)
