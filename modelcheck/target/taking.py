"""Takes the model out of a submission: finds its definition, executes what it needs, fills in what the author shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelcheck.author_trace import author_code, describe_exception, printable, shown_path
from modelcheck.errors import AuthorError, LoadError
from modelcheck.origin import Argument, Origin, Pick
from modelcheck.slicing.author_module import namespace_of
from modelcheck.slicing.candidates import Candidate
from modelcheck.slicing.effects import left_out, missing, set_aside
from modelcheck.target.building import build, missing_arguments, takes_more
from modelcheck.target.choosing import Choice, best, clear
from modelcheck.target.finding import Definition, candidates_named, definition_of, in_the_file, in_the_folder
from modelcheck.target.listing import ambiguous, no_model
from modelcheck.target.naming import follow
from modelcheck.target.place import MOST_LISTED
from modelcheck.target.shown import shown_arguments
from modelcheck.target.submission import Submission

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Taken:
    """A model and how it came about."""

    model: nn.Module
    submission: Submission
    definition: Definition
    because: str | None
    arguments: tuple[Argument, ...]

    def origin(self) -> Origin:
        """Where the model came from, by what was executed up to now."""
        project, definition = self.submission.project, self.definition
        modules = project.modules()
        own = definition.path, definition.name
        others = [one for one in self.submission.among if one.key != own] if self.because else []
        return Origin(
            file=shown_path(definition.file),
            line=definition.line,
            name=printable(definition.name),
            because=self.because,
            others=tuple(map(self.submission.target, others)),
            arguments=self.arguments,
            missing=tuple(one for module in modules for one in missing(module, project)),
            set_aside=tuple(one for module in modules for one in set_aside(namespace_of(module).source)),
            left_out=tuple(one for module in modules for one in left_out(module)),
        )


def take(submission: Submission, arguments: Mapping[str, object], pick: Pick | None) -> Taken:
    """The model that the submission's target names, or the one that is clearly meant.

    Raises:
        TargetNotFound: nothing has the target's name.
        NoModel, AmbiguousModel: there is none, or several could be meant.
        LoadError, ConstructorError: the author's code raised.
    """
    definition, because = _definition(submission, pick)
    _, *rest = submission.place.name.split(".")
    value = follow(definition.value(submission), rest, submission.place)
    return _built(submission, definition, value, arguments, because)


def _definition(submission: Submission, pick: Pick | None) -> tuple[Definition, str | None]:
    """What to execute, and why that, where the target does not say."""
    place = submission.place
    among: Sequence[Candidate]
    if place.name:
        if submission.file is not None:
            return in_the_file(submission), None
        among = candidates_named(submission)
        if len(among) < 2 or place.line or place.cell:
            return in_the_folder(submission), None
    else:
        if submission.file is not None:
            submission.source()  # what is wrong with the file comes before what is missing in it
        among = submission.among
    choice = _choice(submission, among, pick)
    one = choice.candidate
    same = len(submission.project.source(one.path).defined.get(one.name, ()))
    return definition_of(one), choice.because + (f"; the last of {same} definitions" if same > 1 else "")


def _choice(submission: Submission, among: Sequence[Candidate], pick: Pick | None) -> Choice:
    if not among:
        for broken in submission.broken:
            with author_code(LoadError, f"{broken.defines} could not be loaded"):
                raise broken.problem or SyntaxError
        raise no_model(submission)
    if pick == "largest" and len(among) > 1:
        counts = {one.key: held for one in among if isinstance(held := parameters(submission, one), int)}
        largest = max(among, key=lambda one: counts.get(one.key, -1))
        return Choice(largest, f"the largest of {len(among)} candidates")
    choice = clear(submission.candidates, among)
    if choice is None and pick == "primary":
        choice = best(submission.candidates, among, submission.readme)
    if choice is None:
        raise ambiguous(submission, among, lambda one: parameters(submission, one))
    return choice


def parameters(submission: Submission, one: Candidate) -> int | str:
    """How many parameters the candidate has; words where it cannot be built."""
    import torch

    definition = definition_of(one)
    try:
        with torch.random.fork_rng(devices=[]):
            model = _built(submission, definition, definition.value(submission), {}, None).model
        return sum(parameter.numel() for parameter in torch.nn.Module.parameters(model))
    except AuthorError as error:
        if wanted := re.search(r" needs .*: give (.*)", error.message):
            return f"needs {printable(wanted[1], 80)}"
        reason = error.message.partition(f", line {error.line}: ")[2] or error.message
        failed = "cannot be built" if error.code == "MC002" else "cannot be loaded"
        return f"{failed}: {printable(reason.partition(';')[0], 100)}"
    except Exception as error:  # a class may do anything where it is touched
        return f"cannot be counted: {describe_exception(error)}"


def _built(
    submission: Submission,
    definition: Definition,
    value: object,
    arguments: Mapping[str, object],
    because: str | None,
) -> Taken:
    called = submission.place.name or definition.name
    given, hint = dict(arguments), ""
    filled: tuple[Argument, ...] = ()
    names = missing_arguments(value, arguments)
    if callable(value) and (names or takes_more(value)):
        given, filled, hint = _filled(submission, definition, value, names, given)
    model = build(value, given, printable(called), hint)
    return Taken(model, submission, definition, because, filled)


def _filled(
    submission: Submission,
    definition: Definition,
    function: Callable[..., object],
    names: Sequence[str],
    given: dict[str, object],
) -> tuple[dict[str, object], tuple[Argument, ...], str]:
    """The arguments with those that the submission shows; where it shows different ones, a hint that lists them."""
    uses = submission.candidates.calls_of(definition.path, definition.name)
    found = shown_arguments(function, names, given, uses, submission.project)
    if len(found) == 1:
        return {**given, **found[0].values}, found[0].arguments, ""
    shown = (
        ", ".join(f"{one.name}={one.value}" for one in each.arguments)
        + f" ({each.arguments[0].file}, line {each.arguments[0].line})"
        for each in found[:MOST_LISTED]
    )
    return given, (), f"The submission shows different ones: {'; '.join(shown)}" if found else ""
