"""A file of the author's as a module whose names are executed when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from modelcheck.author_trace import DefinitionFailed, shown_path
from modelcheck.slicing.namespace import Namespace, NotDefined

if TYPE_CHECKING:
    from modelcheck.slicing.project import Project

PREFIX = "modelcheck_target_"  # of the modules' names, which no other module has


class AuthorModule(ModuleType):
    """A file of the author's as a module: what is asked of it is executed, and nothing else."""

    def __init__(self, name: str, path: Path, namespace: Namespace, project: Project) -> None:
        super().__init__(name)
        for own, value in (("_namespace", namespace), ("_project", project), ("_path", path), ("__file__", str(path))):
            ModuleType.__setattr__(self, own, value)

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """The names as they are looked up, for ``vars(module)["Net"]``."""
        return namespace_of(self)

    def __getattr__(self, name: str) -> Any:
        namespace, path = namespace_of(self), path_of(self)
        if name.startswith("__") and name.endswith("__") and not namespace.has(name):
            raise AttributeError(name)
        try:
            return namespace[name]
        except KeyError:
            pass
        except AttributeError as error:
            raise DefinitionFailed(name) from error
        project: Project = object.__getattribute__(self, "_project")
        below = project.below(path, name)
        if below is None and namespace.has("__getattr__"):
            return namespace["__getattr__"](name)
        if below is None:
            raise AttributeError(f"{shown_path(path)} has no '{name}'")
        return below

    def __setattr__(self, name: str, value: Any) -> None:
        namespace_of(self)[name] = value

    def __dir__(self) -> list[str]:
        return sorted({*namespace_of(self), *namespace_of(self).source.defined})


def namespace_of(module: AuthorModule) -> Namespace:
    """The module's global names."""
    namespace: Namespace = object.__getattribute__(module, "_namespace")
    return namespace


def path_of(module: AuthorModule) -> Path:
    """The module's file, or its folder."""
    path: Path = object.__getattribute__(module, "_path")
    return path


def is_own(value: Any) -> bool:
    """Whether it is a module of the author's, or a class or a function in one."""
    return type(value) is AuthorModule or str(getattr(value, "__module__", "")).startswith(PREFIX)


def everything(module: ModuleType) -> Mapping[str, Any]:
    """What ``from module import *`` gives; of the author's module found when it is asked for."""
    return _Public(module) if isinstance(module, AuthorModule) else _listed(module)


class _Public(dict[str, Any]):
    """What ``from module import *`` gives, found when it is asked for."""

    def __init__(self, module: AuthorModule) -> None:
        super().__init__()
        self._module = module

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        namespace = namespace_of(self._module)
        public = name in namespace["__all__"] if namespace.has("__all__") else not name.startswith("_")
        return public and self._gives(name)

    def __getitem__(self, name: str) -> Any:
        return getattr(self._module, name)

    def _gives(self, name: str) -> bool:
        namespace = namespace_of(self._module)
        if namespace.has(name):
            return True
        if not namespace.source.stars:
            return False
        try:
            namespace[name]
        except (KeyError, NotDefined):
            return False
        return True


def _listed(module: ModuleType) -> dict[str, Any]:
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    return {name: getattr(module, name) for name in names if hasattr(module, name)}
