"""What a rule is: a permanent code, a name, its own options, and a decision on what is known of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from modelcheck.errors import AuthorError
from modelcheck.facts.flow import Flows
from modelcheck.facts.structs import Facts, Layer
from modelcheck.graph.wire import IgnoreInfo
from modelcheck.origin import Origin
from modelcheck.report import Compared, Metrics, Severity

Level = Literal["error", "advice", "off"]
Count = Annotated[int, Meta(ge=0, le=10**15)]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """What every rule can be told: ``level`` switches it on as a constraint, as advice, or off."""

    level: Level | None = None


class RangeOptions(Options, frozen=True, kw_only=True):
    """Inclusive bounds; a bound that is not given does not bind."""

    min: Count | None = None
    max: Count | None = None

    def __post_init__(self) -> None:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")


@dataclass(frozen=True)
class Subject:
    """What a rule decides on.

    Args:
        facts: None where nothing could be captured.
        layers: the model's table.
        flows: the graphs' operators; None where no graph was captured.
        metrics: None where nothing was trained or evaluated.
        unscored: why, where that is the author's doing.
        failure: why there are no facts.
        walked: whether the report has facts from walking the modules, which no rule decides on.
        input_shape: what the policy declares for one sample.
        classes: how many scores the policy expects of one sample.
        most_epochs: within how many epochs the policy asks for its accuracy.
        origin: where the model came from, where its author's files were read for it.
        places: the author's file and line where a module is declared, by its path.
        ignores: the author's comments that ignore advice.
        compared: what other submissions have in common with it; None where it was compared with none.
    """

    facts: Facts | None = None
    layers: tuple[Layer, ...] = ()
    flows: Flows | None = None
    metrics: Metrics | None = None
    unscored: str | None = None
    failure: AuthorError | None = None
    walked: bool = False
    input_shape: tuple[int, ...] | None = None
    classes: int | None = None
    most_epochs: int | None = None
    origin: Origin | None = None
    places: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    ignores: tuple[IgnoreInfo, ...] = ()
    compared: Compared | None = None


@dataclass(frozen=True)
class Problem:
    """One finding of a rule; the severity is the rule's unless given.

    Args:
        where: the path of the module, parameter or attribute that it is about; of several, with commas between.
        file, line: the author's; where they are not given, and one module is named, where that is declared.
    """

    message: str
    where: str | None = None
    file: str | None = None
    line: int | None = None
    severity: Severity | None = None


@dataclass(frozen=True)
class Decision:
    """What a rule says: the evidence in one line, and what it found. It fails where a problem has its own severity."""

    evidence: str
    problems: tuple[Problem, ...] = field(default=())


class NotRun(Exception):
    """The rule cannot know; the text is the cause."""


class Rule:
    """Base of all rules. The class docstring is the rule's documentation, in the sections of the catalogue.

    ``always`` rules cannot be switched off. ``needs_options`` is True where nothing can be decided without a bound
    from the policy, ``waits_for_training`` where nothing is known before it, ``needs_course`` where nothing is known
    of a model alone: only ``grade`` runs those. ``words`` are short forms in a policy:
    ``batch-norm = "required"`` stands for an option table.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    kind: ClassVar[Severity]
    always: ClassVar[bool] = False
    needs_options: ClassVar[bool] = False
    waits_for_training: ClassVar[bool] = False
    needs_course: ClassVar[bool] = False
    options: ClassVar[type[Options]] = Options
    words: ClassVar[dict[str, dict[str, Any]]] = {}

    @property
    def on_when_trained(self) -> bool:
        """Whether a training switches the rule on where the policy says nothing of it."""
        return self.waits_for_training and not self.needs_options

    def check(self, subject: Subject, options: Any) -> Decision:
        """Decide.

        Args:
            subject: what is known.
            options: an instance of the rule's ``options``.
        Raises:
            NotRun: with the cause.
        """
        raise NotImplementedError


def known_facts(subject: Subject) -> Facts:
    """The facts.

    Raises:
        NotRun: nothing could be captured.
    """
    if subject.facts is None:
        code = subject.failure.code if subject.failure else "MC004"
        if subject.walked:
            raise NotRun(f"the graph could not be captured ({code}); the facts are from walking the modules")
        raise NotRun(f"nothing was captured ({code})")
    return subject.facts


def known_flows(subject: Subject) -> Flows:
    """The graphs' operators.

    Raises:
        NotRun: no graph was captured.
    """
    known_facts(subject)
    if subject.flows is None:
        raise NotRun("no graph was captured")
    return subject.flows


def bounds(options: RangeOptions) -> str:
    """The range in words: ``at most 19,999``."""
    if options.max == 0:
        return "none"
    if options.min is not None and options.max is not None:
        return f"exactly {options.min:,}" if options.min == options.max else f"{options.min:,} to {options.max:,}"
    if options.max is not None:
        return f"at most {options.max:,}"
    return f"at least {options.min:,}" if options.min is not None else "any number"


def asked(options: RangeOptions) -> str:
    """The range as what is asked for: ``at most 19,999 allowed``."""
    return f"{bounds(options)} {'required' if options.min else 'allowed'}"


def within(value: int, options: RangeOptions) -> bool:
    """Whether the value is in the range."""
    return (options.min is None or value >= options.min) and (options.max is None or value <= options.max)
