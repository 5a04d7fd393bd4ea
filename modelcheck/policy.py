"""The policy: what a course or a team asks of a model. Presets are ``policies/*.toml``."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from modelcheck.errors import UsageError
from modelcheck.names import unknown_name
from modelcheck.report import Severity
from modelcheck.rules import all_rules, find_rule
from modelcheck.rules.base import Options, Rule
from modelcheck.strict import from_table

PRESETS = Path(__file__).parent / "policies"
LEVELS = ("error", "advice", "off")
# a table of the policy outside [rules] that switches a rule on
_IMPLIED = {
    "input-shape": ("model", "input"),
    "output-shape": ("model", "classes"),
    "accuracy": ("training", "accuracy"),
}

Side = Annotated[int, Meta(ge=1, le=100_000)]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of the policy file."""


class ModelSection(_Section, frozen=True, kw_only=True):
    """``[model]``: one sample's shape (C, H, W), and the number of classes."""

    input: tuple[Side, ...] | None = None
    classes: Side | None = None


class TrainingSection(_Section, frozen=True, kw_only=True):
    """``[training]``: the course's recipe and what accuracy it must reach."""

    recipe: str | None = None
    epochs: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    accuracy: dict[str, Any] | None = None


class Late(_Section, frozen=True, kw_only=True):
    """``[grading] late``: what a day costs after ``due``, as a fraction of the points."""

    due: datetime.datetime
    penalty_per_day: Annotated[float, Meta(ge=0, le=1)] = 0.0


class GradingSection(_Section, frozen=True, kw_only=True):
    """``[grading]``: how points are given."""

    score: Literal["train", "weights"] = "train"
    points: dict[str, Annotated[float, Meta(ge=0, le=1_000_000)]] | None = None
    late: Late | None = None


class PolicyFile(_Section, frozen=True, kw_only=True):
    """The whole file. A rule's value is an option table, a level (error, advice, off) or one of the rule's words."""

    extends: str | None = None
    title: str | None = None
    model: ModelSection = ModelSection()
    rules: dict[str, str | dict[str, Any]] = {}
    training: TrainingSection = TrainingSection()
    grading: GradingSection = GradingSection()


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
            select: codes, names or prefixes of codes; where given, only these run, and constraints among them are
                switched on.
            ignore: codes, names or prefixes of codes that do not run; those that are always on do.
        Raises:
            UsageError: nothing is called that, or a selected rule has no options to go by.
        """
        chosen, ignored = _matching(select), _matching(ignore)
        active = []
        for rule in all_rules():
            if not rule.always and (rule.name in ignored or (chosen and rule.name not in chosen)):
                continue
            if found := self._activate(rule, selected=rule.name in chosen):
                active.append(found)
        return active

    def _activate(self, rule: Rule, *, selected: bool) -> ActiveRule | None:
        options = self.settings.get(rule.name)
        if options is None:
            if rule.kind == "error" and not rule.always and not selected:
                return None
            if selected and rule.needs_options:
                raise UsageError(
                    f"{rule.code} {rule.name} needs options to go by: put `{rule.name} = {{ … }}` into a policy "
                    f"(modelcheck rule {rule.code} shows them)"
                )
            options = rule.options()
        if options.level == "off" and not rule.always:
            return None
        severity: Severity = options.level if options.level in ("error", "advice") else rule.kind
        return ActiveRule(rule, options, "error" if rule.always else severity)

    def requiring_accuracy(self, least: float) -> Policy:
        """The same policy with another least accuracy, as ``--min-accuracy`` gives it."""
        rule = find_rule("accuracy")
        assert rule is not None
        current = self.settings.get("accuracy") or rule.options()
        return replace(self, settings={**self.settings, "accuracy": msgspec.structs.replace(current, min=least)})


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
        found = _nearest_file(start or Path.cwd())
        return _resolve(*found) if found else Policy()
    path = Path(name_or_path)
    if isinstance(name_or_path, Path) or path.suffix == ".toml" or path.name != name_or_path:
        return _resolve(_table_in(path), path, str(name_or_path))
    return _resolve(*_preset(name_or_path))


def _preset(name: str) -> tuple[dict[str, Any], Path, str]:
    try:
        preset_text(name)
    except UsageError as error:
        raise UsageError(f"{error} A policy of your own is given as a path that ends in .toml.") from None
    return _table_in(PRESETS / f"{name}.toml"), PRESETS / f"{name}.toml", name


def _nearest_file(start: Path) -> tuple[dict[str, Any], Path, str] | None:
    for folder in (start, *start.parents):
        own = folder / "modelcheck.toml"
        if own.is_file():
            return _table_in(own), own, str(own)
        project = folder / "pyproject.toml"
        if project.is_file() and (table := _table_in(project).get("tool", {}).get("modelcheck")) is not None:
            return table, project, str(project)
    return None


def _table_in(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        text = unknown_name("policy", path.stem, policy_names())
        raise UsageError(f"{path}: no such file; or, without the path and .toml, {text}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: not a readable TOML file: {error}.") from None
    except RecursionError:
        raise UsageError(f"{path}: not a readable TOML file: it is nested too deeply.") from None
    return table


def _resolve(table: dict[str, Any], path: Path, name: str, seen: tuple[Path, ...] = ()) -> Policy:
    if path.resolve() in seen:
        raise UsageError(f"{path}: extends: it extends itself, by way of {' → '.join(p.name for p in seen)}.")
    file = from_table(table, PolicyFile, path)
    base = Policy()
    if file.extends is not None:
        base = _resolve(*_extended(file.extends, path), seen=(*seen, path.resolve()))
    settings = {**base.settings, **_settings(file, path)}
    for rule, (section, key) in _IMPLIED.items():
        if rule not in settings and getattr(getattr(file, section), key) is not None:
            found = find_rule(rule)
            assert found is not None
            settings[rule] = found.options()
    _check_points(file, path)
    return Policy(
        name=name,
        title=file.title or base.title,
        model=_over(base.model, file.model, table.get("model", {})),
        training=_over(base.training, file.training, table.get("training", {})),
        grading=_over(base.grading, file.grading, table.get("grading", {})),
        settings=settings,
    )


def _extended(extends: str, path: Path) -> tuple[dict[str, Any], Path, str]:
    if extends.endswith(".toml"):
        other = path.parent / extends
        return _table_in(other), other, extends
    try:
        return _preset(extends)
    except UsageError as error:
        raise UsageError(f"{path}: extends: {error}") from None


def _settings(file: PolicyFile, path: Path) -> dict[str, Options]:
    settings = {}
    for name, value in file.rules.items():
        rule = find_rule(name)
        if rule is None:
            raise UsageError(f"{path}: rules.{name}: {unknown_name('rule', name, [r.name for r in all_rules()])}")
        settings[rule.name] = parse_options(rule, value, path, f"rules.{name}")
    if file.training.accuracy is not None:
        accuracy = find_rule("accuracy")
        assert accuracy is not None
        level = {"level": settings["accuracy"].level} if "accuracy" in settings else {}
        value = {**file.training.accuracy, **level}
        settings["accuracy"] = parse_options(accuracy, value, path, "training.accuracy")
    return settings


def parse_options(rule: Rule, value: str | dict[str, Any], source: Path | str, at: str) -> Options:
    """A rule's options from its value in a policy: a level, one of the rule's words, or a table.

    Raises:
        UsageError: the word or a key is unknown, or a value is wrong.
    """
    if isinstance(value, str):
        if value in LEVELS:
            value = {"level": value}
        elif value in rule.words:
            value = rule.words[value]
        else:
            raise UsageError(f"{source}: {at}: {unknown_name('word', value, (*LEVELS, *rule.words))}")
    options = from_table(value, rule.options, source, at=at)
    if rule.needs_options and options == rule.options(level=options.level) and options.level != "off":
        known = ", ".join(f.encode_name for f in msgspec.structs.fields(rule.options) if f.name != "level")
        raise UsageError(f"{source}: {at}: {rule.name} needs a table with one of {known}.")
    return options


def _check_points(file: PolicyFile, path: Path) -> None:
    for name in file.grading.points or {}:
        if find_rule(name) is None:
            known = [rule.name for rule in all_rules()]
            raise UsageError(f"{path}: grading.points.{name}: {unknown_name('rule', name, known)}")


def _over(base: Any, own: Any, given: Mapping[str, Any]) -> Any:
    """The base with the fields that the file gives."""
    names = {f.encode_name: f.name for f in msgspec.structs.fields(own)}
    return msgspec.structs.replace(base, **{names[key]: getattr(own, names[key]) for key in given})


def _matching(keys: Iterable[str]) -> set[str]:
    """Names of the rules that codes, names or prefixes of codes stand for."""
    names: set[str] = set()
    for key in (part.strip() for one in keys for part in one.split(",")):
        found = [rule.name for rule in all_rules() if rule.code.startswith(key.upper()) or rule.name == key.lower()]
        if not key or not found:
            known = [text for rule in all_rules() for text in (rule.code, rule.name)]
            raise UsageError(unknown_name("rule", key, known))
        names.update(found)
    return names
