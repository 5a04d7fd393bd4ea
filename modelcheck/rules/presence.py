"""What the rules share that require or forbid a kind of layer."""

from __future__ import annotations

from typing import Any, ClassVar

from modelcheck.facts.structs import Facts, Use
from modelcheck.rules.base import Decision, Problem, RangeOptions, Rule, Subject, bounds, known_facts, within

PRESENCE_WORDS: dict[str, dict[str, Any]] = {"required": {"min": 1}, "forbidden": {"max": 0}}


class PresenceRule(Rule):
    """Counts live operators of one kind against a range."""

    kind = "error"
    options = RangeOptions
    words = PRESENCE_WORDS
    noun: ClassVar[str]
    missing_hint: ClassVar[str]

    def use(self, facts: Facts) -> Use:
        """The part of the facts that this rule counts."""
        raise NotImplementedError

    def check(self, subject: Subject, options: RangeOptions) -> Decision:
        """Compare the count of live operators with the range."""
        use = self.use(known_facts(subject))
        wanted = options if (options.min, options.max) != (None, None) else RangeOptions(min=1)
        evidence = self.evidence(use)
        if within(use.count, wanted):
            return Decision(evidence)
        message = f"{evidence}; the policy asks for {bounds(wanted)}"
        if wanted.min is not None and use.count < wanted.min:
            hint = f"{use.declared} declared, but {use.count} at work" if use.declared > use.count else ""
            message += f". {hint + ': ' if hint else ''}{self.missing_hint}"
        return Decision(evidence, (Problem(message, where=", ".join(use.where) or None),))

    def evidence(self, use: Use) -> str:
        """What was counted, in one line."""
        where = f" ({', '.join(use.where[:3])}{', …' if len(use.where) > 3 else ''})" if use.where else ""
        declared = f", {use.declared} declared" if use.declared != use.count else ""
        return f"{use.count} live {self.noun}{'' if use.count == 1 else 's'}{declared}{where}"
