"""Plug-ins: one file in one folder, registered by one decorator, found without any list."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from alignkit.errors import AlignkitError

T = TypeVar("T")


class Registry(Generic[T]):
    """Names and what they stand for; imports the plug-ins of its folder at the first look-up.

    A class because it holds the state that decorators fill. `noun` is the user's word for what is
    registered ("metric"), `package` the dotted name of the folder that holds the plug-ins.
    """

    def __init__(self, noun: str, package: str) -> None:
        self.noun = noun
        self._package = package
        self._entries: dict[str, T] = {}
        self._imported = False

    def add(self, name: str, entry: T) -> None:
        """Register `entry` under `name`; two of one name are a bug."""
        assert name not in self._entries, f"two {self.noun}s are called {name!r}"
        self._entries[name] = entry

    def register(self, name: str) -> Callable[[T], T]:
        """Decorate: register what follows under `name` and return it unchanged."""

        def decorate(entry: T) -> T:
            self.add(name, entry)
            return entry

        return decorate

    def get(self, name: str) -> T:
        """Look up `name`; an unknown one is an error that offers the nearest."""
        self._import_plugins()
        if name in self._entries:
            return self._entries[name]
        near = get_close_matches(name, self._entries, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(self)}."
        raise AlignkitError(f"no {self.noun} is called {name!r}. {hint}")

    def __contains__(self, name: str) -> bool:
        self._import_plugins()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        """Names, in alphabetical order: the order of files must not show."""
        self._import_plugins()
        return iter(sorted(self._entries))

    def values(self) -> list[T]:
        """Entries in the alphabetical order of their names."""
        return [self._entries[name] for name in self]

    def _import_plugins(self) -> None:
        if self._imported:
            return
        self._imported = True  # before the imports: a plug-in may look up its neighbours' registry
        folder = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(folder.__path__):
            importlib.import_module(f"{self._package}.{module.name}")


def is_bundled(function: Callable[..., Any]) -> bool:
    """Whether a function is alignkit's own and not one that a user registered."""
    return function.__module__.partition(".")[0] == "alignkit"
