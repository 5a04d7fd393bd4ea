"""Makes a model of what the target names: an instance, a class, or a function that returns one."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING

from modelcheck.author_trace import author_code, class_name, definition, printable
from modelcheck.errors import ConstructorError, LoadError, UsageError
from modelcheck.target.kinds import is_class, is_model, is_model_class
from modelcheck.target.place import nearest

if TYPE_CHECKING:
    from torch import nn


def build(value: object, arguments: Mapping[str, object], called: str, hint: str = "") -> nn.Module:
    """Make a model of what the target names: an instance, a class, or a function that returns one or the other.

    Args:
        value: what the name stands for.
        arguments: by name.
        called: what to call it in errors; where empty, the class's own name.
        hint: what else to say where arguments are missing.
    """
    called = called or (class_name(value) if is_class(value) else "the target")
    if is_model(value):
        if arguments:
            raise UsageError(f"{called} is a model already, and takes no arguments: leave --arg away")
        return value
    if not callable(value) or (is_class(value) and not is_model_class(value)):
        raise _no_model(called, _kind(value), value)
    args, kwargs = _bind(value, arguments, called, hint)
    with author_code(ConstructorError, f"{called} could not be built"):
        result = value(*args, **kwargs)
    if is_model_class(result) and not is_class(value):
        return build(result, {}, f"{called}()")
    if not is_model(result):
        returned = f"the class {class_name(result)}" if is_class(result) else class_name(type(result))
        raise _no_model(called, f"{_kind(value)} that returned {returned}", value)
    return result


def missing_arguments(value: object, arguments: Mapping[str, object]) -> list[str]:
    """The required arguments of a class or a function that are not given."""
    if is_model(value) or not callable(value):
        return []
    parameters = _parameters_of(value)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    required = [p.name for p in parameters or () if p.kind not in kinds and p.default is p.empty]
    return [name for name in required if name not in arguments]


def takes_more(value: object) -> bool:
    """Whether a class or a function takes keyword arguments that it does not name."""
    if is_model(value) or not callable(value):
        return False
    return any(p.kind is p.VAR_KEYWORD for p in _parameters_of(value) or ())


def _parameters_of(function: Callable[..., object]) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(function).parameters.values())
    except KeyboardInterrupt:
        raise
    except BaseException:  # no signature, or one that lies: the call will tell
        return None


def _bind(
    function: Callable[..., object], arguments: Mapping[str, object], called: str, hint: str
) -> tuple[list[object], dict[str, object]]:
    """Positional and keyword arguments for the call.

    Raises:
        ConstructorError: required arguments are missing, or some are not known.
    """
    parameters = _parameters_of(function)
    if parameters is None:
        return [], dict(arguments)
    file, line = definition(function) or (None, None)
    shown = f"{called}({', '.join(_shown_parameter(p) for p in parameters)})"
    named = {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    unknown = [name for name in arguments if name not in named]
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters):
        near = nearest(unknown[0], named)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        text = f"{shown} takes no argument '{printable(unknown[0])}'{hint}"
        raise ConstructorError(text, file=file, line=line)
    missing = missing_arguments(function, arguments)
    if missing:
        example = " ".join(f"--arg {name}=..." for name in missing)
        text = f"{shown} needs {', '.join(missing)}: give {example}" + (f"\n{hint}" if hint else "")
        raise ConstructorError(text, file=file, line=line)
    positional = [p for p in parameters if p.kind is p.POSITIONAL_ONLY]
    args = [arguments.get(p.name, p.default) for p in positional]
    taken = {p.name for p in positional}
    return args, {name: value for name, value in arguments.items() if name not in taken}


def _shown_parameter(parameter: inspect.Parameter) -> str:
    """Parameter without its annotation, and with a default only where that is a plain value."""
    if parameter.default is parameter.empty:
        return str(parameter.replace(annotation=parameter.empty))
    default = "..."
    if type(parameter.default) in (bool, int, float, str, type(None)):
        with contextlib.suppress(ValueError):  # an int of more digits than Python likes to print
            default = printable(repr(parameter.default), 40)
    return f"{parameter.name}={default}"


def _no_model(called: str, what: str, value: object) -> LoadError:
    file, line = definition(value) or (None, None)
    return LoadError(f"{called} is no nn.Module: it is {what}", file=file, line=line)


def _kind(value: object) -> str:
    if type(value) is ModuleType:
        return f"the Python module {printable(value.__name__)}: name something in it"
    if is_class(value):
        return f"class {class_name(value)}, which is not a subclass of nn.Module"
    if type(value) in (FunctionType, BuiltinFunctionType):
        return "a function"
    return f"an object of class {class_name(type(value))}"
