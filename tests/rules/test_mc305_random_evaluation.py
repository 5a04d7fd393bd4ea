from __future__ import annotations

import pytest

from modelcheck.facts.structs import RandomOperator, Unregistered

from .making import decide, facts


def random(name: str = "dropout", path: str = "", kind: str = "Net", line: int = 7) -> RandomOperator:
    return RandomOperator(name=name, path=path, type=kind, file="net.py", line=line)


def message(one: RandomOperator, **changes: object) -> str:
    _, (finding,) = decide("MC305", "error", facts(random_evaluation=(one,), **changes))
    assert (finding.where, finding.file, finding.line) == (one.path or None, "net.py", 7)
    return finding.message


def test_nothing_random() -> None:
    outcome, findings = decide("MC305", "error", facts())
    assert (outcome.outcome, outcome.evidence, findings) == ("pass", "two evaluations give the same", ())


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (random(), "F.dropout(x) is always on: pass training=self.training"),
        (random("dropout_", "block", "Block"), "F.dropout(x) in block is always on: pass training=self.training"),
        (random("feature_dropout"), "F.feature_dropout(x) is always on: pass training=self.training"),
        (
            random("dropout", "drop", "Dropout"),
            "drop drops in evaluation too: something sets its training to True again, or eval() passes it by",
        ),
        (
            random("scaled_dot_product_attention", "attn", "Attention"),
            "the dropout of scaled_dot_product_attention in attn is always on: pass dropout_p=p if self.training else "
            "0.0",
        ),
        (random("randn_like"), "randn_like draws random numbers in evaluation: do it only if self.training"),
        (
            random("bernoulli_", "b", "B"),
            "bernoulli in b draws random numbers in evaluation: do it only if self.training",
        ),
    ],
)
def test_what_helps(one: RandomOperator, text: str) -> None:
    assert message(one) == text


def test_a_dropout_in_a_list_is_told() -> None:
    stray = Unregistered(path="layers[1]", attribute="layers", holder="list", type="Dropout", parameters=0)
    assert message(random(), unregistered_modules=(stray,)) == (
        "dropout is on in evaluation: layers[1] is registered nowhere, so that eval() does not reach it. Keep it in an "
        "nn.ModuleList; F.dropout(x) needs training=self.training"
    )


def test_each_line_is_told_once_and_in_order() -> None:
    found = (random(line=7), random(line=8), random(line=7), random("randn_like", line=7))
    outcome, findings = decide("MC305", "error", facts(random_evaluation=found))
    assert [(one.line, "dropout" in one.message) for one in findings] == [(7, True), (8, True), (7, False)]
    assert outcome.evidence == "4 random operators change the output in evaluation"
