"""Weights that were handed in: which are taken, that they are taken whole or not at all, and that none does harm."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

import modelcheck
from modelcheck.grading import handed_in
from modelcheck.grading.gradebook import Weights
from modelcheck.grading.handed_in import with_weights
from modelcheck.graph.capture import capture_from_bytes
from modelcheck.graph.model import GraphModel


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 10)
        self.fc.weight = nn.Parameter(torch.randn(4, 10).t())  # which lies in memory otherwise than it is read

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.norm(self.conv(x)).mean((2, 3)))


torch.manual_seed(0)
CAPTURE = modelcheck.capture(Net(), input=(1, 8, 8))
OTHER = {name: torch.rand_like(value.float()).to(value.dtype) for name, value in Net().state_dict().items()}


def safe(tensors: dict[str, Tensor] = OTHER, metadata: dict[str, str] | None = None) -> bytes:
    return safetensors.torch.save({name: one.contiguous() for name, one in tensors.items()}, metadata)


def saved(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def with_pickle(pickle: bytes) -> bytes:
    """A file of torch's with another pickle in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved({}))) as before, zipfile.ZipFile(made, "w") as after:
        for name in before.namelist():
            after.writestr(name, pickle if name.endswith("data.pkl") else before.read(name))
    return made.getvalue()


def without_end() -> bytes:
    """A key of a few bytes whose hash takes 2**60 steps."""
    nested = b"".join(b"h%c\x86q%c" % (level, level + 1) for level in range(60))
    return with_pickle(b"\x80\x02})q\x00" + nested + b"K\x01s.")


def without_bounds() -> bytes:
    """A gigabyte of zeros in a megabyte."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved({"x": torch.zeros(2**20)}))) as before,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in before.namelist():
            data = before.read(name)
            with after.open(name, "w", force_zip64=True) as member:
                for _ in range(256 if len(data) == 2**22 else 1):
                    member.write(data.replace(b"J\x00\x00\x10\x00", b"J\x00\x00\x00\x10"))
    return made.getvalue()


@pytest.mark.parametrize(
    ("files", "taken", "normalize"),
    [
        ({"net.py": b"", "out/best.safetensors": safe()}, "out/best.safetensors", True),
        ({"a.safetensors": safe(metadata={"modelcheck": '{"normalize":"false"}'})}, "a.safetensors", False),
        ({"a.pt": saved({"epoch": 3, "model_state_dict": OTHER})}, "a.pt", True),
        ({"a.safetensors": safe({f"module.{name}": one for name, one in OTHER.items()})}, "a.safetensors", True),
        ({"a.safetensors": safe(), "a.pt": b"", "b.pth": b""}, "a.safetensors", True),
        ({"a.safetensors": safe(), "__pycache__/b.safetensors": b""}, "a.safetensors", True),
    ],
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_the_capture_has_the_weights_that_were_handed_in(
    tmp_path: Path, files: dict[str, bytes], taken: str, normalize: bool, is_packed: bool
) -> None:
    if is_packed and taken == "a.pt":
        pytest.skip("it takes seconds, and an archive is read as all are")
    folder = tmp_path / "ada"
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    if is_packed:
        with zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    before = CAPTURE.to_bytes()
    found, weights = with_weights(CAPTURE, tmp_path / "ada.zip" if is_packed else folder)
    assert weights == Weights(file=taken, normalize=normalize)
    assert CAPTURE.to_bytes() == before
    model = GraphModel(capture_from_bytes(found.to_bytes()))
    held = {name: model.tensor(n) for n, info in enumerate(found.header.tensors) for name in info.paths}
    assert {name for name, value in OTHER.items() if torch.equal(held[name], value)} == set(OTHER)


class Harmful:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch harmed",)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "found none; beside the model one .safetensors file, or one .pt or .pth with a state dict, is expected"),
        ({"a.pt": b"", "b.pth": b""}, "found a.pt and b.pth; "),
        ({f"{n}.safetensors": b"" for n in range(9)}, "found 0.safetensors, 1.safetensors, 2.safetensors, 3.safeten"),
        ({"a.safetensors": safe(dict(list(OTHER.items())[1:]))}, "holds the weights of another model; missing: conv"),
        ({"a.safetensors": saved(OTHER)}, "a.safetensors is no safetensors file"),
        ({"a.safetensors": bytes(2**21 + 1)}, "a.safetensors is more than 2 MiB"),
        ({"a.pt": saved({"x": Harmful()})}, "a.pt holds pickled Python objects"),
        ({"a.pt": saved({"x": torch.zeros(1).expand(2**20, 2**20)})}, "a.pt holds what is no plain tensor"),
        ({"a.pt": without_end()}, "a.pt could not be read in 4 s and 512 MiB"),
        ({"a.pt": without_bounds()}, "a.pt could not be read in 4 s and 512 MiB"),
    ],
)
def test_what_cannot_be_scored_is_told_and_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], said: str
) -> None:
    monkeypatch.setattr(handed_in, "_LIMITS", replace(handed_in._LIMITS, wall_s=4.0, memory_mib=512))
    monkeypatch.setattr(handed_in, "MAX_BYTES", 2**21)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "ada"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (tmp_path / "theirs.safetensors").write_bytes(safe())
    (folder / "link.safetensors").symlink_to("../theirs.safetensors")
    start = time.monotonic()
    found, weights = with_weights(CAPTURE, folder)
    assert time.monotonic() - start < 60
    assert (found, weights.file) == (CAPTURE, None)
    assert weights.problem
    assert weights.problem.startswith("no weights to score: ")
    assert said in weights.problem
    assert str(tmp_path) not in weights.problem
    assert not (tmp_path / "harmed").exists()


def test_a_file_by_itself_has_none(tmp_path: Path) -> None:
    (tmp_path / "net.py").touch()
    assert "handed in by itself" in str(with_weights(CAPTURE, tmp_path / "net.py")[1].problem)
