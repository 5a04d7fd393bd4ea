"""What the rules share that require or forbid a kind of layer."""

from __future__ import annotations

from typing import Any, ClassVar

from modelcheck.facts.structs import Facts, Use
from modelcheck.rules.base import Decision, NotRun, Problem, RangeOptions, Rule, Subject, bounds, known_facts, within
from modelcheck.words import counted

SHOWN = 3
SMALL = 1_000_000  # parameters; what is tried of a model with fewer costs too much only where somebody wants it to
PRESENCE_WORDS: dict[str, dict[str, Any]] = {"required": {"min": 1}, "forbidden": {"max": 0}}


class PresenceRule(Rule):
    """Counts live operators of one kind against a range."""

    kind = "error"
    options = RangeOptions
    words = PRESENCE_WORDS
    noun: ClassVar[str]
    missing_hint: ClassVar[str]
    wanted: ClassVar[RangeOptions] = RangeOptions(min=1)  # where the policy gives a level and no bounds

    def use(self, facts: Facts) -> Use:
        """The part of the facts that this rule counts."""
        raise NotImplementedError

    def check(self, subject: Subject, options: RangeOptions) -> Decision:
        """Compare the count of live operators with the range."""
        facts = known_facts(subject)
        use = self.use(facts)
        wanted = options if (options.min, options.max) != (None, None) else self.wanted
        evidence = self.evidence(use)
        if within(use.count, wanted):
            if wanted.min and facts.liveness == "reachable" and facts.parameters.total < SMALL:
                raise NotRun(f"{evidence}, and nobody can try what it does: the model computes too much for that")
            return Decision(evidence)
        message = f"{evidence}; the policy asks for {bounds(wanted)}"
        if wanted.min is not None and use.count < wanted.min:
            message += f". {self.missing_hint}"
        return Decision(evidence, (Problem(message, where=", ".join(filter(None, use.where)) or None),))

    def evidence(self, use: Use) -> str:
        """What was counted, in one line."""
        named = [path or "forward itself" for path in dict.fromkeys(use.where)]
        where = f" ({', '.join(named[:SHOWN])}{', …' if len(named) > SHOWN else ''})" if named else ""
        declared = f"; {use.declared:,} declared as {'a module' if use.declared == 1 else 'modules'}"
        return f"{counted(use.count, f'live {self.noun}')}{where}{declared if use.declared != use.count else ''}"
