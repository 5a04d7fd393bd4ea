from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.forge import INPUT, NODE, TENSOR, archive, good, node, parts, use, with_nodes
from modelcheck.errors import AuthorError, DamagedCapture, NotCapturable
from modelcheck.facts.compute import compute_facts
from modelcheck.graph.capture import capture_from_bytes
from modelcheck.graph.operators import KINDS


def _word(value: str) -> dict[str, str]:
    return {"is": "word", "value": value}


def _ref(kind: str, index: int) -> dict[str, Any]:
    return {"is": kind, "id": index}


HUGE = [node("aten.ones.default", [2**33])]
GRAPHS: dict[str, list[dict[str, Any]]] = {
    "itself": [node("aten.relu.default", NODE)],
    "forward-reference": [node("aten.relu.default", _ref("node", 1)), node("aten.relu.default", NODE)],
    "negative": [node("aten.relu.default", _ref("node", -1))],
    "no-such-tensor": [node("aten.relu.default", _ref("tensor", 99))],
    "no-such-input": [node("aten.relu.default", _ref("input", 1))],
    "by-name": [node("aten.relu.default", self=INPUT)],
    "generator": [node("aten.rand.default", [2], generator=None)],
    "too-few": [node("aten.linear.default", INPUT)],
    "too-many": [node("aten.relu.default", INPUT, 1)],
    "word": [node("aten.gelu.default", INPUT, approximate=_word("evil"))],
    "string": [node("aten.gelu.default", INPUT, approximate="tanh")],
    "equation": [node("aten.einsum.default", _word("a,b,c->" + "a" * 100), [INPUT, INPUT, INPUT])],
    "path": [node("aten.einsum.default", _word("/etc/passwd"), [INPUT])],
    "other-kind": [node("aten.reshape.default", INPUT, {"is": "memory-format", "name": "channels_last"})],
    "dtype": [node("aten.to.dtype", INPUT, {"is": "dtype", "name": "object"})],
    "bigger-than-64-bits": [node("aten.mul.Scalar", INPUT, 2**70)],
    "terabytes": [node("aten.zeros.default", [10**12]), node("aten.relu.default", INPUT)],
    "terabytes-on-the-cpu": [node("aten.ones.default", [10**12]), node("aten.relu.default", INPUT)],
    "many-dimensions": [node("aten.zeros.default", [2**20, 2**20, 2**20])],
    "in-parts": [*HUGE, node("aten.split.Tensor", NODE, 1), node("operator.getitem", _ref("node", 1), 0)],
    "squares": [node("aten.sym_size.int", INPUT, 2)]
    + [node("operator.mul", _ref("node", n), _ref("node", n)) for n in range(5000)],
    "no-tensor": [node("aten.sym_size.int", INPUT, 0)],
    "divides-by-zero": [node("operator.floordiv", 1, 0)],
    "state-of-no-layer": [
        node("aten.zeros.default", [0, 2, 4]),
        node("aten.zeros.default", [4, 4]),
        node("aten.reshape.default", INPUT, [2, 8, 8]),
        node("aten.lstm.input", _ref("node", 2), [NODE, NODE], [_ref("node", 1)] * 2, False, 1, 0.0, True, False, True),
        node("operator.getitem", _ref("node", 3), 0),
    ],
    "wrong-shape": [node("aten.linear.default", INPUT, TENSOR)],
    "index-out-of-range": [
        node("aten.full.default", [2], 99, dtype={"is": "dtype", "name": "int64"}),
        node("aten.index_select.default", INPUT, 0, NODE),
        node("aten.batch_norm.default", _ref("node", 1), None, None, None, None, True, 0.1, 1e-5, False),
    ],
}


@pytest.mark.parametrize("nodes", GRAPHS.values(), ids=GRAPHS.keys())
def test_a_graph_that_cannot_be_is_damaged(nodes: list[dict[str, Any]]) -> None:
    started = time.process_time()
    with pytest.raises(DamagedCapture):
        use(with_nodes(*nodes))
    assert time.process_time() - started < 5


@pytest.mark.parametrize("op", ["aten.from_file.default", "operator.pow", "os.system", "aten.add", "", "a" * 10**5])
def test_an_unlisted_operator_never_runs(op: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(b"1234")
    with pytest.raises(NotCapturable) as caught:
        use(with_nodes(node(op, _word("secret"), True, 4)))
    assert caught.value.exit_status == 3
    assert len(caught.value.message) < 500
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("secret", b"1234")]


STRAY = {"path": "a[0]", "attribute": "a", "holder": "list", "type": "Linear", "parameters": 9}
TABLES: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "beyond-storage": (("tensors", 0, "offset"), 1),
    "negative-offset": (("tensors", 0, "offset"), -1),
    "negative-stride": (("tensors", 0, "stride", 0), -1),
    "huge-stride": (("tensors", 0, "stride", 0), 2**40),
    "negative-size": (("tensors", 0, "shape", 0), -2),
    "huge-size": (("tensors", 0, "shape", 0), 2**62),
    "fewer-strides": (("tensors", 0, "stride"), [1]),
    "no-storage": (("tensors", 0, "storage"), 99),
    "role": (("tensors", 0, "role"), "evil"),
    "nameless": (("tensors", 0, "paths"), []),
    "storage-type": (("storages", 0, "dtype"), "object"),
    "storage-size": (("storages", 0, "size"), 10**12),
    "no-modules": (("modules",), []),
    "no-inputs": (("inputs",), []),
    "input-type": (("inputs", 0, "dtype"), "str"),
    "format": (("format",), 2),
    "unknown": (("evil",), 1),
    "long-name": (("name",), "n" * 10**6),
    "long-version": (("torch",), "2" * 10**6),
    "unregistered-no-tuple": (("unregistered",), {}),
    "unregistered-lacks": (("unregistered",), [{"path": "a[0]"}]),
    "unregistered-more": (("unregistered",), [{**STRAY, "evil": 1}]),
    "unregistered-holder": (("unregistered",), [{**STRAY, "holder": "bag"}]),
    "unregistered-text": (("unregistered",), [{**STRAY, "parameters": "9"}]),
    "unregistered-negative": (("unregistered",), [{**STRAY, "parameters": -1}]),
    "unregistered-huge": (("unregistered",), [{**STRAY, "parameters": 2**63}]),
    "unregistered-long-path": (("unregistered",), [{**STRAY, "path": "n" * 5_000}]),
    "unregistered-long-attribute": (("unregistered",), [{**STRAY, "attribute": "n" * 5_000}]),
    "unregistered-long-type": (("unregistered",), [{**STRAY, "type": "n" * 5_000}]),
    "outputs-text": (("outputs",), "logits"),
    "outputs-many": (("outputs",), ["a"] * 65),
    "outputs-long": (("outputs",), ["a", "n" * 5_000]),
    "thousands-unregistered": (("unregistered",), [STRAY] * 1_001),
    "no-outputs": (("train", "outputs"), []),
    "further-later": (("train", "further"), [_ref("node", 10**6)]),
    "further-million": (("evaluation", "further"), [_ref("input", 0)] * 10**6),
    "no-module": (("train", "nodes", 0, "module"), 99),
    "million-nodes": (("train", "nodes"), [{"op": "operator.neg", "args": [1]}] * 10**6),
}


@pytest.mark.parametrize(("place", "value"), TABLES.values(), ids=TABLES.keys())
def test_tables_that_cannot_be_are_damaged(place: tuple[str | int, ...], value: Any) -> None:
    graph, weights = parts()
    _put(graph, place, value)
    with pytest.raises(DamagedCapture):
        use(archive(graph, weights))


def test_so_many_names_that_nobody_could_read_them_are_damaged() -> None:
    graph, weights = parts()
    graph["modules"] += [{**graph["modules"][-1], "path": f"{number:04}" * 250} for number in range(5_000)]
    with pytest.raises(DamagedCapture, match=r"its modules' names have 5,0\d\d,\d+ letters, more than 4,194,304"):
        use(archive(graph, weights))


@pytest.mark.parametrize("stray", [STRAY, {**STRAY, "path": "", "attribute": "", "type": "", "parameters": 2**63 - 1}])
def test_modules_that_are_registered_nowhere_are_a_claim_that_is_told(stray: dict[str, Any]) -> None:
    graph, weights = parts()
    graph["unregistered"] = [stray] * 1_000
    found = compute_facts(capture_from_bytes(archive(graph, weights))).facts
    assert {(one.path, one.parameters) for one in found.unregistered_modules} == {(stray["path"], stray["parameters"])}
    assert found.parameters == compute_facts(capture_from_bytes(good())).facts.parameters


def test_a_capture_from_before_they_were_told_is_read() -> None:
    graph, weights = parts()
    assert graph.pop("unregistered") == []
    assert compute_facts(capture_from_bytes(archive(graph, weights))).facts.unregistered_modules == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, 1, 2, 2**31, 2**40, "same", "ij", *sorted(KINDS)[::9]]) | st.text(max_size=5)
    | st.builds(_ref, st.sampled_from(["node", "tensor", "input"]), st.integers(-1, 4)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=4,
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_change_gives_a_usable_capture_or_an_author_s_error(data: st.DataObject) -> None:
    graph, weights = parts()
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(sorted(_places(graph), key=str)))
        _put(graph, place, data.draw(st.sampled_from(sorted(KINDS)) if place[-1] == "op" else JSON))
    try:
        use(archive(graph, weights))
    except AuthorError:
        return


def _places(value: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, one in inner for place in [(*above, key), *_places(one, (*above, key))]]


def _put(value: Any, place: tuple[str | int, ...], new: Any) -> None:
    for key in place[:-1]:
        value = value[key]
    value[place[-1]] = json.loads(json.dumps(new))
