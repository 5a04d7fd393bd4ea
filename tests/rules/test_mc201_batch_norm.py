from __future__ import annotations

from .making import decide, facts, use


def test_only_its_own_operators_count() -> None:
    assert decide("MC201", "required", facts(batch_norm=use(1)))[0].outcome == "pass"
    everything = {"batch_norm", "global_average_pooling"} - {"batch_norm"}
    assert decide("MC201", "required", facts(**{name: use(1) for name in everything}))[0].outcome == "fail"
