"""The tables of a capture: which tensors the graphs read, where they are registered, and in which storage they lie."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor

from modelcheck.author_trace import class_name, printable, shown_path
from modelcheck.capturing.tree import declared_kind, further_paths, own_attributes, stored, walk, wire_text
from modelcheck.errors import NotCapturable
from modelcheck.graph.operators import DTYPE_NAMES
from modelcheck.graph.wire import ModuleInfo, StorageInfo, TensorInfo


@dataclass
class _Entry:
    tensor: torch.Tensor
    role: str
    paths: list[str] = field(default_factory=list)
    persistent: bool = False


class Tables:
    """Collects modules and tensors of one model; constants are added as the graphs are translated."""

    def __init__(self, model: nn.Module) -> None:
        self.modules = list(walk(model))
        self.files: dict[str, str] = {}  # of the nodes, as Python knows them, by their names in the graph
        self._entries: list[_Entry] = []
        self._known: dict[object, int] = {}
        self._constants: dict[bool, list[int]] = {}
        self._twins: list[torch.Tensor] = []
        others = list(further_paths(model))
        for kind, role in (("_parameters", "parameter"), ("_buffers", "buffer")):
            for path, module in [*self.modules, *others]:
                passing = own_attributes(module).get("_non_persistent_buffers_set") or ()
                for name, tensor in stored(module, kind).items():
                    index = self._add(tensor, role, f"{path}.{name}" if path else name)
                    self._entries[index].persistent |= name not in passing
        indices = {id(module): index for index, (_, module) in enumerate(self.modules)}
        self._module_index = {path: indices[id(module)] for path, module in [*others, *self.modules]}

    def tensor(self, tensor: torch.Tensor, path: str, training: bool) -> int:
        """The index of a tensor that a graph reads; one that is registered nowhere becomes a constant.

        A tensor that forward makes anew from numbers is another one in each graph; equal ones are one weight.
        """
        _check_kind(tensor, path)
        key = _identity(tensor)
        if key in self._known:
            return self._known[key]
        twin = self._twin(tensor, training)
        if twin is None:
            index = self._add(tensor, "constant", path)
            self._constants.setdefault(training, []).append(index)
            return index
        self._twins.append(tensor)  # kept alive, so that no other tensor gets its memory and its key
        self._known[key] = twin
        return twin

    def _twin(self, tensor: torch.Tensor, training: bool) -> int | None:
        """The first constant of the other graph that equals the tensor and has not been matched yet."""
        others = self._constants.get(not training, [])
        for index in others:
            if _equal(self._entries[index].tensor, tensor):
                others.remove(index)
                return index
        return None

    def module(self, path: str) -> int:
        """The index of a module by its path, the model's own where there is no such path."""
        return self._module_index.get(path, 0)

    def file(self, name: str) -> str:
        """What a file is called in the graph; how Python knows it is kept in ``files``."""
        shown = wire_text(shown_path(name))
        self.files[shown] = name
        return shown

    def lying_in(self, memories: Container[object]) -> frozenset[int]:
        """The indices of the tensors that lie in one of the memories (``memory``)."""
        return frozenset(index for index, entry in enumerate(self._entries) if memory(entry.tensor) in memories)

    def _add(self, tensor: torch.Tensor, role: str, path: str) -> int:
        _check_kind(tensor, path)
        key = _identity(tensor)
        if key not in self._known:
            self._known[key] = len(self._entries)
            self._entries.append(_Entry(tensor, role, [path]))
        else:
            self._entries[self._known[key]].paths.append(path)
        return self._known[key]

    def module_infos(self, called: set[int]) -> tuple[ModuleInfo, ...]:
        """The modules as declared, and which of them ran."""
        return tuple(
            ModuleInfo(
                path=wire_text(path),
                type=wire_text(class_name(type(module)))[:200],
                kind=declared_kind(module),
                called=id(module) in called,
            )
            for path, module in self.modules
        )

    def storage_infos(self) -> tuple[StorageInfo, ...]:
        """Type and size of each storage."""
        return tuple(StorageInfo(dtype=DTYPE_NAMES[flat.dtype], size=flat.numel()) for flat in self.storages())

    def storages(self) -> list[torch.Tensor]:
        """What of each storage the model can reach, flat, and shared with the model."""
        return [group.flat() for group in self._groups()]

    def tensor_infos(self) -> tuple[TensorInfo, ...]:
        """Each tensor's place in its storage."""
        infos: dict[int, TensorInfo] = {}
        for index, group in enumerate(self._groups()):
            for member in group.members:
                infos[member] = group.info(index, member, self._entries[member])
        return tuple(infos[index] for index in range(len(self._entries)))

    def _groups(self) -> list[_Group]:
        groups: dict[object, _Group] = {}
        for index, entry in enumerate(self._entries):
            plain = _plain(entry.tensor)
            key: object = (_memory(plain), plain.dtype) if plain.numel() else index
            groups.setdefault(key, _Group()).add(index, plain)
        return list(groups.values())


class _Group:
    """The tensors of one type that share a storage."""

    def __init__(self) -> None:
        self.members: dict[int, torch.Tensor] = {}

    def add(self, index: int, tensor: torch.Tensor) -> None:
        self.members[index] = tensor

    def _one(self) -> torch.Tensor | None:
        """The tensor that all members equal, where they do."""
        places = {(t.storage_offset(), t.shape, t.stride()) for t in self.members.values()}
        return next(iter(self.members.values())) if len(places) == 1 else None

    def flat(self) -> torch.Tensor:
        one = self._one()
        if one is not None and not _dense(one) and not _overlaps(one):
            return one.contiguous().reshape(-1)  # a window with holes: what lies between cannot be reached
        start, end = self._range()
        return next(iter(self.members.values())).as_strided((end - start,), (1,), start)

    def _range(self) -> tuple[int, int]:
        tensors = self.members.values()
        start = min(tensor.storage_offset() for tensor in tensors)
        ends = [
            tensor.storage_offset()
            + 1
            + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))
            for tensor in tensors
        ]
        return int(start), int(max(ends)) if next(iter(tensors)).numel() else int(start)

    def info(self, storage: int, member: int, entry: _Entry) -> TensorInfo:
        tensor = self.members[member]
        one = self._one()
        holes = one is not None and not _dense(one) and not _overlaps(one)
        return TensorInfo(
            role=entry.role,  # type: ignore[arg-type]
            paths=tuple(wire_text(path) for path in entry.paths),
            storage=storage,
            offset=0 if holes else int(tensor.storage_offset()) - self._range()[0],
            shape=tuple(tensor.shape),
            stride=_contiguous_stride(tensor.shape) if holes else tuple(tensor.stride()),
            trainable=entry.role == "parameter" and _requires_grad(entry.tensor),
            persistent=entry.persistent,
        )


def memory(tensor: torch.Tensor) -> object:
    """Equal for two tensors that share a storage."""
    return _memory(_plain(tensor))


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    one, other = _plain(one), _plain(other)
    if (
        one.is_meta
        or other.is_meta
        or (one.dtype, one.shape, one.stride()) != (other.dtype, other.shape, other.stride())
    ):
        return False
    return torch.equal(one, other)


def _check_kind(tensor: torch.Tensor, path: str) -> None:
    with torch._C.DisableTorchFunctionSubclass():
        kind = (tensor.dtype, tensor.layout)
        known = kind[0] in DTYPE_NAMES and kind[1] == torch.strided
    if not known or type(tensor) is FakeTensor:
        kinds = ", ".join(str(one).removeprefix("torch.") for one in kind)
        raise NotCapturable(f"the tensor {printable(path)} is of a kind that a capture cannot hold ({kinds})")


def _requires_grad(tensor: torch.Tensor) -> bool:
    with torch._C.DisableTorchFunctionSubclass():
        return bool(tensor.requires_grad)


def _identity(tensor: torch.Tensor) -> object:
    """Equal for two objects that are the same window on the same memory."""
    plain = _plain(tensor)
    if plain.numel() == 0:
        return id(tensor)
    return _memory(plain), plain.dtype, plain.storage_offset(), tuple(plain.shape), tuple(plain.stride())


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor without its subclass, which may answer what it likes."""
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.detach().as_subclass(torch.Tensor)


def _memory(plain: torch.Tensor) -> tuple[str, int]:
    storage = plain.untyped_storage()
    return ("meta", storage._cdata) if plain.is_meta else ("real", storage.data_ptr())


def _dense(tensor: torch.Tensor) -> bool:
    expected = 1
    for size, step in sorted(zip(tensor.shape, tensor.stride(), strict=True), key=lambda pair: pair[1]):
        if size != 1:
            if step != expected:
                return False
            expected *= size
    return True


def _overlaps(tensor: torch.Tensor) -> bool:
    return any(size > 1 and step == 0 for size, step in zip(tensor.shape, tensor.stride(), strict=True))


def _contiguous_stride(shape: Sequence[int]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))
