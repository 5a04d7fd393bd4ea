"""A rule's documentation, which is its docstring, and the page of all of them."""

from __future__ import annotations

import inspect
import re
from typing import Literal

from modelcheck.rules import all_rules
from modelcheck.rules.base import Rule

SECTIONS = ("What it checks", "Why it matters", "Bad", "Good", "Options", "Known limits")
Standing = Literal["always on", "constraint", "advice"]

_STANDINGS: dict[Standing, str] = {
    "always on": "Always on.",
    "constraint": "A constraint: a policy switches it on.",
    "advice": "Advice: on, unless the policy says otherwise.",
}
_WHEN_TRAINED: dict[Standing, str] = {
    "constraint": "A constraint: on where something is trained, unless the policy says otherwise.",
    "advice": "Advice: on where something is trained, unless the policy says otherwise.",
}
_PREFACE = """\
<!-- Written by `python -m modelcheck.rules page --write` from the rules' docstrings: edit those. -->

# The rules

A rule is a permanent code, a name and a decision on what is known of a model: it passes, it fails, or it is not run and
says why. Where it fails it has findings, with their evidence: the module, the author's file and line, the numbers.

- **Always on** are the steps on the way to a result. The one that fails is the verdict.
- A **constraint** is off until a policy asks for it. One that fails, or that cannot be decided, fails the model.
- **Advice** is on, and leaves the verdict alone unless the policy makes it an error.
- What only a training can tell is on wherever something is trained (`modelcheck train-eval`), constraints included, and
  nowhere else. MC501 and MC502 need a number from the policy.

`modelcheck rule` lists the rules, and `modelcheck rule MC203` prints one of the chapters below. Each has a model on
which the rule fails and one on which it passes; the tests run both, and read the options as a policy.

## Switch a rule on or off

A policy sets each rule by its name or its code: to a level, to one of the rule's words, or to a table of its options.

```toml
[rules]
batch-norm = "required"                 # a word of the rule
parameter-budget = { max = 15_000 }     # its options
unused-module = "error"                 # a level: "error" makes a constraint of advice,
MC302 = "advice"                        # "advice" makes advice of a constraint,
import-side-effects = "off"             # and "off" is off
```

On the command line `--select MC4` runs only the rules of that code, name or prefix, and switches on the constraints
among them; `--ignore MC402,unused-module` leaves rules out; with `--strict` advice counts as errors do.

## Ignore advice in one place

A comment at the end of a line of the model's code:

```python
self.conv1 = nn.Conv2d(1, 8, 3)  # modelcheck: ignore[MC402]
x = self.bn(self.dropout(x))  # modelcheck: ignore[dropout-before-batch-norm, MC409] as in the paper
self.spare = nn.Linear(8, 10)  # modelcheck: ignore
```

It counts for findings that name its line, and for findings about a module that is declared there. Without codes it
counts for all advice. It counts for advice only: neither a constraint nor advice that the policy has made an error can
be ignored, and `--strict` does not bring ignored advice back. The report tells what was ignored.

- Of a statement over several lines each line will do. In an `nn.Sequential`, an `nn.ModuleList` or an `nn.ModuleDict`
  with an item on a line of its own, that line is the item's alone.
- A module is declared by `self.name = …`, `self.add_module("name", …)` or `self.register_module("name", …)` in a method
  of the author's class that holds it.
- A comment on a line of its own counts for nothing, and nor does `ignore` with something other than brackets after it.
- Advice on the whole model, and on a script (MC608), names no such line: leave it out by the policy or by `--ignore`.

## The catalogue
"""


def summary(rule: Rule) -> str:
    """The first line of a rule's documentation."""
    return (inspect.getdoc(rule) or "").split("\n", 1)[0]


def section(rule: Rule, name: str) -> str:
    """The text under that heading of a rule's documentation, as Markdown; empty where there is none."""
    parts = re.split(r"^## (.+)$", inspect.getdoc(rule) or "", flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(name, "").strip()


def standing(rule: Rule) -> Standing:
    """What the rule is where no policy says anything of it."""
    return "always on" if rule.always else "constraint" if rule.kind == "error" else "advice"


def documentation(rule: Rule) -> str:
    """One rule's documentation as Markdown, with its code and name as the title."""
    first, _, sections = (inspect.getdoc(rule) or "").partition("\n")
    told = _WHEN_TRAINED if rule.on_when_trained else _STANDINGS
    return f"# {rule.code} {rule.name}\n\n{first}\n\n{told[standing(rule)]}\n{sections}\n"


def page() -> str:
    """The documentation of all rules as Markdown: how to switch them, a table, then each one."""
    rows = [f"| {_link(rule)} | {rule.name} | {standing(rule)} | {summary(rule)} |\n" for rule in all_rules()]
    table = "".join(["| code | name | kind | what it finds |\n| --- | --- | --- | --- |\n", *rows])
    return "\n".join([_PREFACE, table, *(_deeper(documentation(rule)) for rule in all_rules())])


def _link(rule: Rule) -> str:
    return f"[{rule.code}](#{rule.code.lower()}-{rule.name})"


def _deeper(text: str) -> str:
    """The text with its headings a level down; what begins with a # in a block of code is none."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else re.sub(r"^#", "##", part, flags=re.MULTILINE) for part in parts)
