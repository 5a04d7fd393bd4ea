"""What a walk told in the model's own process is shown like any claim."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import modelcheck
from modelcheck.errors import NotCapturable
from modelcheck.facts.walked import WalkedFacts
from modelcheck.isolated.protocol import Failed, decode_answer, encode_answer

TEXT = """
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        x = self.fc(x.flatten(1))
        if x.sum() > 0:
            x = -x
        return x
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "net.py").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return "net.py:Net"


def test_a_walk_tells_the_same_in_a_process_of_its_own(target: str) -> None:
    here, there = (modelcheck.inspect(target, isolated=isolated) for isolated in (False, True))
    assert isinstance(there.facts, WalkedFacts)
    assert there == here
    assert there.facts.parameters.total == 784 * 10 + 10


def test_training_is_refused(target: str) -> None:
    report = modelcheck.train_eval(target, epochs=1)
    assert (report.verdict, report.metrics, report.facts.capture) == ("error", None, "walked")


def answer(target: str, **changes: object) -> bytes:
    report = modelcheck.inspect(target)
    failed = Failed(
        code="MC004",
        message="no",
        file=None,
        line=None,
        walked=report.facts,
        layers=report.layers,
        origin=report.origin,
    )
    return encode_answer(failed) if not changes else msgspec.json.encode(msgspec.to_builtins(failed) | changes)


def test_an_answer_is_read_back(target: str) -> None:
    read = decode_answer(answer(target))
    assert isinstance(read, Failed)
    assert isinstance(read.walked, WalkedFacts)


@pytest.mark.parametrize("macs", [2**64, -(2**70), "many", 1.5, None])
def test_numbers_that_nobody_counts_are_refused(target: str, macs: object) -> None:
    layer = {"path": "fc", "type": "Linear", "calls": 1, "output_shape": [10], "parameters": 1, "macs": macs}
    with pytest.raises((ValueError, msgspec.ValidationError)):
        decode_answer(answer(target, layers=[layer]))


def test_facts_of_a_capture_are_no_claim_to_make(target: str) -> None:
    walked = msgspec.to_builtins(modelcheck.inspect(target).facts)
    with pytest.raises(msgspec.ValidationError):
        decode_answer(answer(target, walked=walked | {"capture": "exported"}))
    with pytest.raises(msgspec.ValidationError):
        decode_answer(answer(target, walked=walked | {"output_kind": "logits"}))


def test_no_capture_comes_of_it(target: str) -> None:
    with pytest.raises(NotCapturable):
        modelcheck.capture(target)
