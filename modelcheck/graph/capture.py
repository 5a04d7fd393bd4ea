"""Capture: a model's graphs and weights, in memory and as a file."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import safetensors
import safetensors.torch
import torch

from modelcheck.errors import DamagedCapture, UsageError
from modelcheck.files import write_beside
from modelcheck.graph.check import check_header, check_storages
from modelcheck.graph.wire import Header

GRAPH_MEMBER = "graph.json"
WEIGHTS_MEMBER = "weights.safetensors"
MAX_GRAPH_BYTES = 32 * 2**20


@dataclass(frozen=True)
class Capture:
    """What was captured of a model.

    Args:
        header: graphs, tables and the author's claims.
        storages: the flat weights that ``header.storages`` describes, in the same order; on the meta device where
            the model was.
    """

    header: Header
    storages: Sequence[torch.Tensor]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the capture as a ``.mcz`` file, beside its place first and then renamed.

        Raises:
            UsageError: the weights are on the meta device, or the file cannot be written.
        """
        write_beside(Path(path), self.to_bytes())

    def to_bytes(self) -> bytes:
        """The file's bytes; equal captures give equal bytes.

        Raises:
            UsageError: the weights are on the meta device.
        """
        if any(storage.is_meta for storage in self.storages):
            raise UsageError("a model on the meta device has no weights to save: build it on the CPU")
        weights = {f"s{index}": _pairs(storage.cpu()) for index, storage in enumerate(self.storages)}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(GRAPH_MEMBER), msgspec.json.encode(self.header))
            archive.writestr(zipfile.ZipInfo(WEIGHTS_MEMBER), safetensors.torch.save(weights))
        return buffer.getvalue()


def load_capture(path: str | os.PathLike[str]) -> Capture:
    """The capture in a ``.mcz`` file, whoever wrote it.

    Raises:
        UsageError: there is no such file.
        DamagedCapture: anything in it is not as it must be; the text says what.
    """
    source = Path(path)
    try:
        data = source.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror or error}") from None
    try:
        return capture_from_bytes(data)
    except DamagedCapture as error:
        raise DamagedCapture(f"{source} is not a usable capture: {error.message}") from None


def capture_from_bytes(data: bytes) -> Capture:
    """The capture that the bytes of a ``.mcz`` file hold, checked throughout.

    Raises:
        DamagedCapture: anything is not as it must be.
    """
    graph, weights = _members(data)
    header = _decode_header(graph)
    check_header(header)
    stored = _decode_weights(weights, len(header.storages))
    storages = [_unpaired(one, info.dtype) for one, info in zip(stored, header.storages, strict=True)]
    check_storages(header, storages)
    return Capture(header, storages)


def _members(data: bytes) -> tuple[bytes, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            names = sorted(entry.filename for entry in entries)
            if names != [GRAPH_MEMBER, WEIGHTS_MEMBER]:
                raise DamagedCapture(f"it must hold {GRAPH_MEMBER} and {WEIGHTS_MEMBER}, and holds {names[:4]!r}")
            for entry in entries:
                if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 0x1:
                    raise DamagedCapture(
                        f"{entry.filename} is compressed or encrypted; captures are stored as they are"
                    )
                if entry.file_size > len(data):
                    raise DamagedCapture(f"{entry.filename} claims more bytes than the file has")
            if archive.getinfo(GRAPH_MEMBER).file_size > MAX_GRAPH_BYTES:
                raise DamagedCapture(f"{GRAPH_MEMBER} is larger than {MAX_GRAPH_BYTES // 2**20} MiB")
            return archive.read(GRAPH_MEMBER), archive.read(WEIGHTS_MEMBER)
    except (
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
        OverflowError,
    ) as error:
        raise DamagedCapture(f"it is no intact zip archive ({error})") from None


def _pairs(storage: torch.Tensor) -> torch.Tensor:
    """Complex numbers of two doubles as pairs of doubles, since safetensors has no such type."""
    return torch.view_as_real(storage) if storage.dtype is torch.complex128 else storage


def _unpaired(stored: torch.Tensor, dtype: str) -> torch.Tensor:
    paired = dtype == "complex128" and stored.dtype is torch.float64 and stored.dim() == 2 and stored.shape[1] == 2
    return torch.view_as_complex(stored) if paired else stored


def _decode_header(graph: bytes) -> Header:
    try:
        return msgspec.json.decode(graph, type=Header)
    except msgspec.ValidationError as error:
        raise DamagedCapture(f"{GRAPH_MEMBER} does not follow the format: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedCapture(f"{GRAPH_MEMBER} is not JSON: {error}") from None
    except RecursionError:
        raise DamagedCapture(f"{GRAPH_MEMBER} is nested too deeply") from None


def _decode_weights(weights: bytes, count: int) -> list[torch.Tensor]:
    try:
        stored = safetensors.torch.load(weights)
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise DamagedCapture(f"{WEIGHTS_MEMBER} cannot be read ({error})") from None
    expected = [f"s{index}" for index in range(count)]
    if missing := [name for name in expected if name not in stored]:
        raise DamagedCapture(f"{WEIGHTS_MEMBER} lacks {', '.join(missing[:4])}")
    if len(stored) != count:
        raise DamagedCapture(f"{WEIGHTS_MEMBER} holds {len(stored)} tensors where the graph names {count}")
    return [stored[name] for name in expected]
