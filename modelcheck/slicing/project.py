"""The files of one author as modules that import each other, apart from Python's own modules and its search path."""

from __future__ import annotations

import ast
import builtins
import contextlib
import hashlib
import importlib.util
import linecache
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelcheck.author_trace import is_file, shown_path
from modelcheck.slicing.author_module import PREFIX, AuthorModule, everything, is_own
from modelcheck.slicing.binding import leaves
from modelcheck.slicing.namespace import Around, Namespace
from modelcheck.slicing.source import Source, Unreadable, read

_MOST_ANCESTORS = 8
_MOST_FOLLOWED = 500
_MOST_BYTES = 100 << 20  # notebooks hold pictures
# what a file of the same name in the submission does not stand for, unless it has what is asked of it
_LIBRARIES = frozenset({"torch", "torchvision", "torchaudio", "numpy", "modelcheck"}) | sys.stdlib_module_names


class Project:
    """The author's files, each read and made a module at most once.

    Args:
        root: the folder in which files that import each other are looked for.
        files: the sources in it, for imports that no search path would find; may be empty.
        around: within what context the author's statements run.
        last: a folder in which imports are looked for that are found nowhere else.
    """

    def __init__(
        self,
        root: Path,
        files: Sequence[Path] = (),
        around: Around = contextlib.nullcontext,
        last: Path | None = None,
    ) -> None:
        self.root = root
        self._last = last
        self.files = tuple(files)
        self._around = around
        self._sources: dict[Path, Source] = {}
        self._modules: dict[Path, AuthorModule] = {}
        self._digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Within it the modules are known to ``sys.modules`` and their lines to tracebacks."""
        try:
            yield
        finally:
            for module in self._modules.values():
                sys.modules.pop(module.__name__, None)
            for source in self._sources.values():
                for part in source.parts:
                    linecache.cache.pop(part.file, None)

    def source(self, path: Path) -> Source:
        """The file's statements.

        Raises:
            Unreadable: it cannot be opened, or is a notebook that is none.
        """
        if path not in self._sources:
            content = _content(path) if is_file(path) else b""  # a folder is a package without statements
            self._sources[path] = source = read(path, content)
            for name, part in source.written.items():
                beside = path.with_name(name)
                if not is_file(beside):
                    self._sources.setdefault(beside, Source(beside, (part,)))
                    self.files = (*self.files, beside)
            for part in source.parts:
                if part.cell is not None:
                    lines = part.text.splitlines(keepends=True)
                    linecache.cache[part.file] = (len(part.text), None, lines, part.file)
        return self._sources[path]

    def module(self, path: Path) -> AuthorModule:
        """The file, or the folder, as a module."""
        if path not in self._modules:
            name = self._name(path)
            names = {"__name__": name, "__file__": str(path), "__doc__": None, "__package__": None, "__spec__": None}
            source = self.source(path)
            namespace = Namespace(
                source,
                names,
                importing=lambda *args, **kwargs: self._import(path, *args, **kwargs),
                everything=lambda node: self._everything(path, node),
                around=self._around,
                is_own=is_own,
            )
            self._modules[path] = sys.modules[name] = AuthorModule(name, path, namespace, self)
        return self._modules[path]

    def modules(self) -> tuple[AuthorModule, ...]:
        """Those that were asked for so far."""
        return tuple(self._modules.values())

    def below(self, path: Path, name: str) -> AuthorModule | None:
        """The submodule of a package."""
        found = self._below(path, name)
        return self.module(found) if found else None

    def find(self, importer: Path, name: str) -> Path | None:
        """The author's file or folder that a top-level module's name means for an importing file, or None."""
        for folder in _folders(importer.parent, self.root):
            if found := self._file_in(folder, name):
                return found
        if name in _LIBRARIES or installed(name):
            return None
        for folder in list(importer.parents)[:_MOST_ANCESTORS]:
            if folder.name == name:  # the importing file lies in what it asks for
                return self._package(folder)
        if self._last is not None and (found := self._file_in(self._last, name)):
            return found
        named = [path for path in self.files if path.stem == name or path.parent.name == name == path.stem]
        if named:
            return named[0] if len(named) == 1 else None
        folders = {parent for path in self.files for parent in path.parents if parent.name == name}
        return self._file_in(folders.pop().parent, name) if len(folders) == 1 else None

    def locate(self, importer: Path, name: str, level: int = 0) -> Path | None:
        """The file of the author's that a dotted module name means; None if it means none."""
        if level:
            folder = importer.parents[min(level, len(importer.parents)) - 1]
            path: Path | None = self._package(folder)
        else:
            top, _, name = name.partition(".")
            path = self.find(importer, top)
        for part in filter(None, name.split(".")):
            path = self._below(path, part) if path else None
        return path

    def follow(self, path: Path) -> None:
        """Take the files into account that a file imports, and those that these import."""
        seen, waiting = set(self.files), [path]
        while waiting and len(seen) < _MOST_FOLLOWED:
            importer = waiting.pop()
            for found in self._imported_by(importer):
                if found not in seen and self._is_source(found):
                    seen.add(found)
                    self.files = (*self.files, found)
                    waiting.append(found)

    def _imported_by(self, importer: Path) -> Iterator[Path]:
        try:
            chunks = self.source(importer).chunks
        except Unreadable:
            return
        for chunk in chunks:
            if chunk.defines is None and "import" in chunk.text:
                for statement in chunk.statements:
                    for node in leaves(statement.node):
                        yield from self.imported(importer, node)

    def imported(self, importer: Path, node: ast.stmt) -> set[Path]:
        """The author's files that an import statement names."""
        if isinstance(node, ast.ImportFrom):
            prefix = f"{node.module}." if node.module else ""
            names = [*([node.module] if node.module else []), *(prefix + alias.name for alias in node.names)]
            level = node.level
        elif isinstance(node, ast.Import):
            names, level = [alias.name for alias in node.names], 0
        else:
            return set()
        return {path for name in names if (path := self.locate(importer, name, level)) is not None}

    def _below(self, path: Path, name: str) -> Path | None:
        folder = path.parent if path.name == "__init__.py" else path
        return self._file_in(folder, name) if folder.is_dir() else None

    def _package(self, folder: Path) -> Path:
        own = folder / "__init__.py"
        return own if is_file(own) else folder

    def _file_in(self, folder: Path, name: str) -> Path | None:
        """What ``import name`` means in a folder: a file, a package, a folder with sources, a notebook."""
        for path in (folder / name / "__init__.py", folder / f"{name}.py"):
            if self._is_source(path):
                return path
        if (folder / name).is_dir() and any((folder / name).glob("*.py")):
            return folder / name
        notebook = folder / f"{name}.ipynb"
        return notebook if is_file(notebook) else None

    def _is_source(self, path: Path) -> bool:
        """Whether there is such a file, or a notebook's cell would write it."""
        return path in self._sources or is_file(path)

    def _name(self, path: Path) -> str:
        stem = path.parent.name if path.name == "__init__.py" else path.stem
        return f"{PREFIX}{re.sub(r'[^0-9A-Za-z_]', '_', stem)}_{self._digest}_{len(self._modules)}"

    def _import(
        self,
        importer: Path,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the names are those of __import__
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        """What ``__import__`` does, with the author's files in the place of ``sys.path``."""
        fromlist = tuple(fromlist or ())
        if level:
            last = self.locate(importer, name, level)
            if last is None:
                raise ModuleNotFoundError(f"there is no {'.' * level}{name} beside {shown_path(importer)}")
            return self.module(last)
        top = name.partition(".")[0]
        first = self.find(importer, top)
        if first is None or (top in _LIBRARIES and not self._has(first, fromlist)):
            return builtins.__import__(name, None, None, fromlist, 0)
        last = self.locate(importer, name)
        if last is None:
            raise ModuleNotFoundError(f"there is no '{name}': it would be in {shown_path(first)}")
        return self.module(last if fromlist else first)

    def _has(self, path: Path, names: Sequence[str]) -> bool:
        """Whether the author's file has what is asked of it, where a library has the same name."""
        try:
            source = self.source(path)
        except Unreadable:
            return False
        return bool(names) and all(source.defining(name) for name in names)

    def _everything(self, importer: Path, node: ast.ImportFrom) -> Mapping[str, Any]:
        module = self._import(importer, node.module or "", fromlist=("*",), level=node.level)
        return everything(module)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None
    if len(content) > _MOST_BYTES:
        raise Unreadable(f"it has more than {_MOST_BYTES >> 20} MiB, which no source has")
    return content


def _folders(start: Path, root: Path) -> list[Path]:
    """The folder of the importing file, those above it up to the root, and ``src`` in each."""
    above = [start, *(parent for parent in start.parents if parent.is_relative_to(root))]
    return [folder for one in above for folder in (one, one / "src")]


def installed(name: str) -> bool:
    """Whether Python finds a module of that name outside of the author's files."""
    top = name.partition(".")[0]
    if top in sys.modules:
        return True
    try:
        spec = importlib.util.find_spec(top)
        # a folder that several packages share, such as google, says nothing of what is asked for in it
        return spec is not None and (spec.origin is not None or importlib.util.find_spec(name) is not None)
    except (ImportError, ValueError):
        return False
