from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from graph.forge import archive, good, parts, use
from modelcheck.capturing.capture import capture_model
from modelcheck.errors import AuthorError, DamagedCapture, UsageError
from modelcheck.graph.capture import capture_from_bytes, load_capture

quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("length", range(0, 100, 3))
def test_a_truncated_file_is_damaged(length: int) -> None:
    data = good()
    with pytest.raises(DamagedCapture):
        capture_from_bytes(data[: len(data) * length // 100])


@quick
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_give_a_usable_capture_or_an_author_s_error(flips: list[tuple[float, int]]) -> None:
    data = bytearray(good())
    for place, mask in flips:
        data[int(place * len(data))] ^= mask
    try:
        capture_from_bytes(bytes(data))
    except AuthorError:
        return


@quick
@given(st.binary(max_size=200))
def test_any_bytes_are_no_capture(data: bytes) -> None:
    with pytest.raises(DamagedCapture):
        capture_from_bytes(data)


def _twice() -> bytes:
    graph, weights = parts()
    buffer = io.BytesIO(archive(graph, weights))
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as target:
        warnings.simplefilter("ignore")
        target.writestr("graph.json", "{}")
    return buffer.getvalue()


def _renamed() -> bytes:
    return good().replace(b"graph.json", b"graph.jsom")


def _encrypted() -> bytes:
    data = bytearray(good())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


ARCHIVES = {
    "extra": archive(*parts(), evil=b"x"),
    "twice": _twice(),
    "renamed": _renamed(),
    "compressed": archive(*parts(), compression=zipfile.ZIP_DEFLATED),
    "bomb": archive(b" " * 10**7, parts()[1], compression=zipfile.ZIP_DEFLATED),
    "encrypted": _encrypted(),
    "no-json": archive(b"\xff\xfe", parts()[1]),
    "list": archive([], parts()[1]),
    "deep": archive(b"[" * 100_000, parts()[1]),
    "no-weights": archive(parts()[0], b""),
    "weights-claim-more": archive(parts()[0], (2**62).to_bytes(8, "little") + parts()[1][8:]),
    "missing-weight": archive(parts()[0], parts()[1].replace(b'"s0"', b'"t0"')),
    "other-type": archive(parts()[0], parts()[1].replace(b'"F32"', b'"I32"')),
}


@pytest.mark.parametrize("data", ARCHIVES.values(), ids=ARCHIVES.keys())
def test_every_other_archive_is_damaged(data: bytes) -> None:
    with pytest.raises(DamagedCapture) as caught:
        capture_from_bytes(data)
    assert len(caught.value.message) < 1000


def test_an_extra_weight_is_damaged() -> None:
    graph, weights = parts()
    graph["storages"].pop()
    graph["tensors"] = [one for one in graph["tensors"] if one["storage"] < len(graph["storages"])]
    with pytest.raises(DamagedCapture):
        capture_from_bytes(archive(graph, weights))


def test_saved_and_loaded(tmp_path: Path) -> None:
    capture_from_bytes(good()).save(tmp_path / "net.mcz")
    assert load_capture(tmp_path / "net.mcz").to_bytes() == good()
    assert [path.name for path in tmp_path.iterdir()] == ["net.mcz"]
    use(good())


def test_complex_numbers_of_two_doubles_are_stored(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("turns", torch.randn(3, dtype=torch.complex128))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.turns.abs().float()

    captured = capture_model(Net(), (3,))
    captured.save(tmp_path / "net.mcz")
    loaded = load_capture(tmp_path / "net.mcz")
    assert loaded.header == captured.header
    assert all(map(torch.equal, loaded.storages, captured.storages))


def test_a_file_that_is_not_there_or_damaged_says_its_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*none.mcz"):
        load_capture(tmp_path / "none.mcz")
    (tmp_path / "bad.mcz").write_bytes(b"bad")
    with pytest.raises(DamagedCapture, match=r"bad.mcz is not a usable capture"):
        load_capture(tmp_path / "bad.mcz")


def test_no_weights_no_file(tmp_path: Path) -> None:
    capture = capture_model(nn.Linear(8, 4, device="meta"), (1, 8, 8))
    assert all(storage.device == torch.device("meta") for storage in capture.storages)
    with pytest.raises(UsageError, match="meta device"):
        capture.save(tmp_path / "net.mcz")
    assert not list(tmp_path.iterdir())
