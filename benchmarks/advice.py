"""How often each advice rule fires on torchvision's classifiers, every firing looked at and judged.

Run by hand: python benchmarks/advice.py [--write] [NAME …]. Models are built without weights, on the meta device, and
captured at the crop size of their published weights. It fails where a firing is not judged below, and where nothing
fires any more for a judgement. --write writes docs/advice-on-torchvision.md.
"""

from __future__ import annotations

import sys

sys.path.append(sys.path.pop(0))  # this folder last: it has an inspect.py, and everybody imports Python's

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from classifiers import build, names, side

import modelcheck
from modelcheck.policy import Policy
from modelcheck.report import Finding
from modelcheck.rules import all_rules
from modelcheck.rules.base import Rule
from modelcheck.rules.documentation import summary

PAGE = Path(__file__).parent.parent / "docs" / "advice-on-torchvision.md"
ON_DESIGN = ("MC1", "MC2", "MC3", "MC4")
FAMILIES = (
    "alexnet", "convnext", "densenet", "efficientnet", "efficientnet_v2", "googlenet", "inception", "maxvit", "mnasnet",
    "mobilenet_v2", "mobilenet_v3", "regnet", "resnet", "resnext", "shufflenet_v2", "squeezenet", "swin", "swin_v2",
    "vgg", "vit", "wide_resnet",
)  # fmt: skip
# what to think of a rule's findings on a family
JUDGED = {
    "MC306 inception": "Right: in training the scores of an auxiliary classifier are returned too. Who trains it has "
    "to add their loss; modelcheck does not.",
    "MC401 efficientnet": "Right: the first block of each stage adds nothing that stochastic depth could drop, and "
    "makes the module all the same. It holds no parameters.",
    "MC401 efficientnet_v2": "Right: as in EfficientNet.",
    "MC402 vgg_bn": "Right: the batch norm after each convolution removes its bias. The published weights have them.",
    "MC406 squeezenet": "Right: the scores of the last convolution go through a ReLU before they are averaged.",
    "MC411 squeezenet": "Right: squeezenet1_0 averages over units that see 155 of 224 pixels. squeezenet1_1 pools "
    "earlier, sees 207, and is as accurate with less than half of the multiply-adds.",
    "MC413 alexnet": "Right: 256 channels follow 384. It saves parameters in the fully connected head that reads them.",
    "MC414 alexnet": "Right: networks since then average over the map.",
    "MC414 vgg": "Right: networks since then average over the map.",
    "MC414 vgg_bn": "Right: networks since then average over the map.",
}

Firings = Mapping[str, Mapping[str, Sequence[Finding]]]  # by the rule's code and the model's name


def main() -> int:
    """Inspect the models one after the other and print the page; the exit status says whether all is judged."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/advice-on-torchvision.md")
    parser.add_argument("models", nargs="*", metavar="NAME", help="of a classifier; by default all, as --write needs")
    given = parser.parse_args()
    if given.write and given.models:
        parser.error("--write is for all models")
    rules = [rule for rule in all_rules() if rule.kind == "advice" and rule.code.startswith(ON_DESIGN)]
    models = given.models or names()
    found = firings(models, rules)
    text = page(rules, models, found)
    print(text)
    wrong = [*unjudged(found), *([] if given.models else outdated(found))]
    print("\n".join(wrong), file=sys.stderr)
    if given.write and not wrong:
        PAGE.write_text(text, encoding="utf-8")
    return 1 if wrong else 0


def firings(models: Iterable[str], rules: Sequence[Rule]) -> Firings:
    """What the rules find in the models, each built when its turn comes."""
    found: dict[str, dict[str, list[Finding]]] = {rule.code: {} for rule in rules}
    for name in models:
        for finding in inspected(name, rules):
            found[finding.code].setdefault(name, []).append(finding)
        fired = [f"{code} ({len(by_model[name])})" for code, by_model in found.items() if name in by_model]
        print(name, *fired, file=sys.stderr, flush=True)
    return found


def inspected(name: str, rules: Iterable[Rule]) -> Sequence[Finding]:
    """What the rules find in a classifier.

    Raises:
        RuntimeError: it was not captured, or a rule did not run.
    """
    shape, codes = (3, side(name), side(name)), [rule.code for rule in rules]
    report = modelcheck.inspect(build(name), policy=Policy(), input=shape, select=codes)
    causes = [f"{one.code}: {one.cause}" for one in report.rules if one.outcome == "not run"]
    if report.verdict == "error" or causes:
        raise RuntimeError(f"{name}: {causes or report.findings}")
    return report.findings


def family(name: str) -> str:
    """A model's family: ``resnet`` of ``resnet50``, ``vgg_bn`` of ``vgg16_bn``."""
    longest = max((one for one in FAMILIES if name.startswith(one)), key=len)
    return f"{longest}_bn" if name.endswith("_bn") else longest


def unjudged(found: Firings) -> list[str]:
    """The findings of which nobody has said what to think, and what they say."""
    return [
        f"{code} on {name} is not judged: {findings[0].message}"
        for code, by_model in found.items()
        for name, findings in by_model.items()
        if _judged(code, name) not in JUDGED
    ]


def outdated(found: Firings) -> list[str]:
    """The judgements of what no rule finds any more."""
    fired = {_judged(code, name) for code, by_model in found.items() for name in by_model}
    return [f"nothing fires any more for the judgement of {key}" for key in JUDGED if key not in fired]


def _judged(code: str, name: str) -> str:
    return f"{code} {family(name)}"


def page(rules: Sequence[Rule], models: Sequence[str], found: Firings) -> str:
    """The page: how often each rule fires, and what to think of it, family by family."""
    versions = f"torchvision {version('torchvision')}, torch {version('torch')}"
    silent = [f"{rule.code} {rule.name}" for rule in rules if not found[rule.code]]
    return "\n".join(
        [
            "# Advice on torchvision's classifiers",
            "",
            f"How often each advice rule on design fires on {len(models)} classifiers of torchvision, built without",
            "weights and captured at the crop size of the published ones. Every firing was looked at.",
            "",
            f"`python benchmarks/advice.py --write` wrote this page with {versions}. It fails",
            "where a firing is not judged.",
            "",
            "| rule | what it says | models | findings |",
            "| --- | --- | --- | --- |",
            *(_summary_row(rule, found[rule.code]) for rule in rules if found[rule.code]),
            "",
            f"No finding at all: {', '.join(silent)}.",
            "",
            "## What to think of them",
            "",
            "| rule | models | findings | for example | judged |",
            "| --- | --- | --- | --- | --- |",
            *(row for rule in rules for row in _family_rows(rule, found[rule.code])),
            "",
        ]
    )


def _summary_row(rule: Rule, by_model: Mapping[str, Sequence[Finding]]) -> str:
    findings = sum(map(len, by_model.values()))
    return f"| {rule.code} {rule.name} | {summary(rule)} | {len(by_model)} | {findings:,} |"


def _family_rows(rule: Rule, by_model: Mapping[str, Sequence[Finding]]) -> Iterator[str]:
    for kind in dict.fromkeys(family(name) for name in by_model):
        members = [name for name in by_model if family(name) == kind]
        findings = [finding for name in members for finding in by_model[name]]
        example, judged = (
            findings[0].message.replace("|", "\\|"),
            JUDGED.get(_judged(rule.code, members[0]), "**not judged**"),
        )
        yield f"| {rule.code} | {', '.join(members)} | {len(findings):,} | {example} | {judged} |"


if __name__ == "__main__":
    sys.exit(main())
