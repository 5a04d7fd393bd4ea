from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.errors import AuthorError, MemoryLimit, NotCapturable
from modelcheck.facts.structs import Layer
from modelcheck.facts.walked import Called, CalledDropout, CalledLinear, Walked, WalkedFacts, WalkedParameters
from modelcheck.grading.gradebook import CaptureFailure, CaptureFile, CaptureRecord, Gradebook, capture_file_is

from .samples import SANDBOX

CALLED = {"declared": 1, "called": 1, "where": ("bn",)}
FACTS = WalkedFacts(
    input_shape=(1, 28, 28),
    inputs=(),
    output_shape=(10,),
    parameters=WalkedParameters(total=9, trainable=9, frozen=0, unused=0, shared=0, bytes=36),
    macs=5,
    uncounted_operators=(),
    batch_norm=Called(**CALLED),
    dropout=CalledDropout(**CALLED, rates=(0.5,)),
    global_average_pooling=Called(**CALLED),
    fully_connected=CalledLinear(**CALLED),
    unused_modules=(),
)
LAYER = Layer(path="fc", type="Linear", calls=1, output_shape=(10,), parameters=9, macs=5)


def test_a_file_is_the_recorded_one_only_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "capture.mcz"
    record = CaptureRecord(result=CaptureFile.of(b"graph"), seconds=0.1, sandboxed=SANDBOX)
    assert not capture_file_is(record, path)
    for data, same in ((b"graph", True), (b"grapH", False), (b"graph ", False), (b"", False)):
        path.write_bytes(data)
        assert capture_file_is(record, path) is same
    failed = CaptureRecord(result=CaptureFailure.of(NotCapturable("no")), seconds=0.1, sandboxed=SANDBOX)
    assert not capture_file_is(failed, path)
    assert not capture_file_is(record, tmp_path)


@pytest.mark.parametrize("failed", [MemoryLimit("much", file="net.py", line=3), NotCapturable("no")])
@pytest.mark.parametrize("walked", [False, True])
def test_a_failure_comes_back_with_its_code_and_what_a_walk_told(
    tmp_path: Path, failed: AuthorError, walked: bool
) -> None:
    result = CaptureFailure.of(Walked(failed, FACTS, (LAYER,)) if walked else failed)
    with Gradebook.open(tmp_path) as book:
        book.keep_captured("key", CaptureRecord(result=result, seconds=0.1, sandboxed=SANDBOX))
        found = book.captured("key")
    assert found
    assert isinstance(found.result, CaptureFailure)
    error = found.result.error()
    assert (error.code, error.message, error.file, error.line) == (
        failed.code,
        failed.message,
        failed.file,
        failed.line,
    )
    assert (found.result.walked, found.result.layers) == ((FACTS, (LAYER,)) if walked else (None, ()))
