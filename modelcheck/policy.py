"""The policy: what a course or a team asks of a model. Presets are ``policies/*.toml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from modelcheck.errors import UsageError
from modelcheck.names import shortened, unknown_name
from modelcheck.policy_file import LEVELS, GradingSection, ModelSection, PolicyFile, TrainingSection
from modelcheck.report import Severity
from modelcheck.rules import all_rules, find_rule, unknown_rule
from modelcheck.rules.base import Options, Rule
from modelcheck.strict import from_table, located, no_such_toml, read_toml

PRESETS = Path(__file__).parent / "policies"
# a key of [model] that switches a rule on
_IMPLIED = {"input-shape": "input", "output-shape": "classes"}


@dataclass(frozen=True)
class ActiveRule:
    """A rule that runs, with its options and the severity of what it finds."""

    rule: Rule
    options: Options
    severity: Severity


@dataclass(frozen=True)
class Policy:
    """A resolved policy.

    Args:
        name: as it was asked for; None where there is none: facts and advice, nothing required.
        settings: each configured rule's options, by the rule's name.
    """

    name: str | None = None
    title: str | None = None
    model: ModelSection = field(default_factory=ModelSection)
    training: TrainingSection = field(default_factory=TrainingSection)
    grading: GradingSection = field(default_factory=GradingSection)
    settings: Mapping[str, Options] = field(default_factory=dict)

    def active(self, select: Iterable[str] = (), ignore: Iterable[str] = ()) -> list[ActiveRule]:
        """The rules that run under this policy, by code.

        Args:
            select: codes, names or prefixes of codes; where given, only these run. A constraint among them is
                switched on, unless a prefix stands for it and it cannot decide without options or is off.
            ignore: codes, names or prefixes of codes that do not run; those that are always on do.
        Raises:
            UsageError: nothing is called that, or a rule that was selected by its own name has no options to go by.
        """
        chosen, ignored = _matching(select, "--select"), _matching(ignore, "--ignore")
        active = []
        for rule in all_rules():
            if not rule.always and (rule.name in ignored or (chosen and rule.name not in chosen)):
                continue
            if found := self._activate(rule, by=chosen.get(rule.name)):
                active.append(found)
        return active

    def _activate(self, rule: Rule, by: str | None) -> ActiveRule | None:
        """The rule as the policy sets it; ``by`` is what selected it: "name", "prefix" or None."""
        options = self.settings.get(rule.name)
        if rule.needs_course and by != "name":
            return None
        if options is None:
            if not by and not rule.always and (rule.kind == "error" or rule.waits_for_training):
                return None
            if by and rule.needs_options:
                if by == "prefix":
                    return None
                raise UsageError(
                    f"--select: {rule.code} {rule.name} needs options to go by: put `{rule.name} = {{ … }}` under "
                    f"[rules] into a policy file and name that with --policy (modelcheck rule {rule.code} shows how)"
                )
            options = rule.options()
        if options.level == "off" and not rule.always and by != "name":
            return None
        severity: Severity = options.level if options.level in ("error", "advice") else rule.kind
        return ActiveRule(rule, options, "error" if rule.always else severity)

    def requiring_accuracy(self, least: float) -> Policy:
        """The same policy with another least accuracy, as ``--min-accuracy`` gives it, as a constraint.

        Raises:
            UsageError: it is no fraction of one.
        """
        if not 0 <= least <= 1:
            raise UsageError(f"--min-accuracy {least:g}: a fraction of one is expected, such as 0.994 for 99.4 %")
        current = self.settings.get("accuracy") or _rule("accuracy").options()
        required = msgspec.structs.replace(current, min=least, level="error")
        return replace(self, settings={**self.settings, "accuracy": required})

    def scoring(self) -> Policy:
        """The same policy with input-shape and output-shape required: nothing else can be trained and scored."""
        needed = {name: _rule(name).options(level="error") for name in ("input-shape", "output-shape")}
        return replace(self, settings={**self.settings, **needed})

    def training_here(self, *, pretrained: bool) -> Policy:
        """The same policy for what is trained: as ``scoring``, and with the rules on the training that it leaves open.

        Args:
            pretrained: whether the training starts from weights that the user gives; it may then, unless this policy
                itself requires another start.
        """
        told = {rule.name: rule.options() for rule in all_rules() if rule.on_when_trained}
        if pretrained:
            told["pretrained-start"] = _rule("pretrained-start").options(level="advice")
        return replace(self.scoring(), settings={**told, **self.scoring().settings})


def policy_names() -> tuple[str, ...]:
    """Names of the presets, sorted."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.toml")))


def preset_text(name: str) -> str:
    """The preset's file.

    Raises:
        UsageError: no preset has that name.
    """
    if name not in policy_names():
        raise UsageError(unknown_name("policy", name, policy_names()))
    return (PRESETS / f"{name}.toml").read_text(encoding="utf-8")


def load_policy(name_or_path: str | Path | None = None, *, start: Path | None = None) -> Policy:
    """The policy of that name or in that file.

    Without either, the nearest ``modelcheck.toml`` or ``[tool.modelcheck]`` in ``pyproject.toml`` of ``start`` (the
    current directory) or its parents; without that an empty one.

    Raises:
        UsageError: there is no such preset or file, or what it says is wrong; the text names the file, the key's path
            and the nearest known name.
    """
    if name_or_path is None:
        found = _nearest(start or Path.cwd())
        return _checked(found) if found else Policy()
    path = Path(name_or_path)
    if path.name == "pyproject.toml":
        source = _in_project(path)
        if source is None:
            raise UsageError(f"{path}: has no table [tool.modelcheck], which would be a policy.")
        return _checked(source)
    if isinstance(name_or_path, Path) or path.suffix == ".toml" or path.name != name_or_path:
        return _checked(_in_file(path, str(name_or_path)))
    return _checked(_preset(name_or_path))


def policy_from_table(table: dict[str, Any], path: Path, *, name: str | None = None, at: str = "") -> Policy:
    """The policy that a TOML table describes.

    Args:
        table: as ``tomllib`` gives it.
        path: its file, for the errors and for ``extends``.
        name: of the policy; else the path.
        at: the table's own path in the file, for the errors.
    Raises:
        UsageError: as ``load_policy``.
    """
    return _checked(_Source(table, path, name or str(path), at))


@dataclass(frozen=True)
class _Source:
    """A policy before it is read: its table, the file, the policy's name, and where in the file the table is."""

    table: dict[str, Any]
    path: Path
    name: str
    at: str = ""

    def error(self, key: str, text: str) -> UsageError:
        return located(self.path, self.key(key), text)

    def key(self, key: str) -> str:
        return f"{self.at}.{key}" if self.at else key


def _preset(name: str) -> _Source:
    if name not in policy_names():
        text = unknown_name("policy", name, policy_names())
        raise UsageError(f"{text} A policy of your own is given as a path that ends in .toml.")
    return _in_file(PRESETS / f"{name}.toml", name)


def _in_file(path: Path, name: str) -> _Source:
    return _Source(_table_in(path), path, name)


def _nearest(start: Path) -> _Source | None:
    for folder in (start, *start.parents):
        own = folder / "modelcheck.toml"
        if own.is_file():
            return _in_file(own, str(own))
        project = folder / "pyproject.toml"
        if project.is_file() and (source := _in_project(project)):
            return source
    return None


def _in_project(path: Path) -> _Source | None:
    """The policy in a project's file; None where that has none."""
    tools = _table_in(path).get("tool")
    if not isinstance(tools, dict) or "modelcheck" not in tools:
        return None
    return _Source(tools["modelcheck"], path, str(path), "tool.modelcheck")


def _table_in(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except FileNotFoundError:
        raise no_such_toml(path, "policy", policy_names()) from None


def _checked(source: _Source) -> Policy:
    """The policy, which also gives no points that nobody can get."""
    policy = _resolve(source)
    for name in policy.grading.points or {}:
        rule = _rule(name)
        options = policy.settings.get(rule.name)
        off = rule.kind == "error" and not rule.always and not rule.on_when_trained
        silent = off if options is None else options.level == "off"
        if silent:
            raise source.error(
                f"grading.points.{name}", f"{rule.name} is not switched on, so nobody can get its points."
            )
        if rule.needs_course:
            raise source.error(f"grading.points.{name}", f"{rule.name} decides nothing, so there are no points for it.")
    return policy


def _resolve(source: _Source, seen: tuple[Path, ...] = ()) -> Policy:
    path = source.path.resolve()
    if path in seen:
        way = " → ".join(one.name for one in (*seen[seen.index(path) :], path))
        raise source.error("extends", f"the files extend each other in a circle: {way}.")
    file = from_table(source.table, PolicyFile, source.path, at=source.at)
    base = Policy()
    if file.extends is not None:
        base = _resolve(_extended(file.extends, source), (*seen, path))
    settings = _settings(file, source, base.settings)
    for rule, key in _IMPLIED.items():
        if rule not in settings and getattr(file.model, key) is not None:
            settings[rule] = _rule(rule).options()
    _check_points(file, source)
    return Policy(
        name=source.name,
        title=file.title or base.title,
        model=_over(base.model, file.model, source.table.get("model", {})),
        training=_over(base.training, file.training, source.table.get("training", {})),
        grading=_over(base.grading, _found_from(path, file.grading), source.table.get("grading", {})),
        settings=settings,
    )


def _extended(extends: str, source: _Source) -> _Source:
    try:
        if extends.endswith(".toml"):
            return _in_file(source.path.parent / extends, extends)
        return _preset(extends)
    except UsageError as error:
        raise source.error("extends", str(error)) from None


def _settings(file: PolicyFile, source: _Source, base: Mapping[str, Options]) -> dict[str, Options]:
    """Each configured rule's options: a table replaces the base's, a level alone keeps them."""
    settings = dict(base)
    if file.training.accuracy is not None:
        at = source.key("training.accuracy")
        settings["accuracy"] = parse_options(_rule("accuracy"), file.training.accuracy, source.path, at)
    named: dict[str, str] = {}
    for name, value in file.rules.items():
        at = f"rules.{name}"
        rule = find_rule(name)
        if rule is None:
            raise source.error(at, unknown_rule(name))
        if rule.name in named:
            raise source.error(at, f"the same rule as rules.{named[rule.name]}: keep one of them.")
        named[rule.name] = name
        if value in LEVELS and rule.name in settings:
            settings[rule.name] = msgspec.structs.replace(settings[rule.name], level=value)
        elif rule.name == "accuracy" and file.training.accuracy is not None:
            raise source.error(
                at, "training.accuracy is given too: keep one of them (here a level can stand beside it)."
            )
        else:
            settings[rule.name] = parse_options(rule, value, source.path, source.key(at))
    return settings


def parse_options(rule: Rule, value: object, source: Path | str, at: str) -> Options:
    """A rule's options from its value in a policy: a level, one of the rule's words, or a table.

    Raises:
        UsageError: the word or a key is unknown, or a value is wrong.
    """
    words = (*LEVELS, *rule.words)
    if isinstance(value, str):
        if value not in words:
            raise located(source, at, unknown_name("word", value, words))
        value = rule.words.get(value, {"level": value})
    if not isinstance(value, dict):
        found = shortened(repr(value))
        raise located(source, at, f"expected a table or one of {', '.join(words)}, found {found}.")
    options = from_table(value, rule.options, source, at=at)
    if rule.needs_options and options == rule.options(level=options.level) and options.level != "off":
        known = " or ".join(f.encode_name for f in msgspec.structs.fields(rule.options) if f.name != "level")
        raise located(source, at, f"needs a table with {known}; modelcheck rule {rule.code} shows one.")
    return options


def _check_points(file: PolicyFile, source: _Source) -> None:
    for name in file.grading.points or {}:
        if find_rule(name) is None:
            raise source.error(f"grading.points.{name}", unknown_rule(name))


def _over(base: Any, own: Any, given: Mapping[str, Any]) -> Any:
    """The base with the fields that the file gives."""
    names = {f.encode_name: f.name for f in msgspec.structs.fields(own)}
    return msgspec.structs.replace(base, **{names[key]: getattr(own, names[key]) for key in given})


def _found_from(path: Path, grading: GradingSection) -> GradingSection:
    """The section with the paths of templates as they are found from the policy's file."""
    return msgspec.structs.replace(grading, templates=tuple(str(path.parent / one) for one in grading.templates))


def _rule(key: str) -> Rule:
    rule = find_rule(key)
    assert rule is not None
    return rule


def _matching(keys: Iterable[str], option: str) -> dict[str, str]:
    """The rules that codes, names or prefixes of codes stand for: "name" where one is meant itself, else "prefix"."""
    meant: dict[str, str] = {}
    for key in (part.strip() for one in ([keys] if isinstance(keys, str) else keys) for part in one.split(",")):
        own = find_rule(key)
        if own:
            meant[own.name] = "name"
            continue
        found = [rule.name for rule in all_rules() if key and rule.code.startswith(key.upper())]
        if not found:
            raise UsageError(f"{option}: {unknown_rule(key)}")
        meant = dict.fromkeys(found, "prefix") | meant
    return meant
