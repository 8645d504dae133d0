"""What `**keywords` takes, spelt out where a notebook looks: `rows?`, Shift+Tab and Tab."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
Self = TypeVar("Self")
Given = ParamSpec("Given")
Made = TypeVar("Made")


def keywords_of(target: Callable[..., Any]) -> Callable[[F], F]:
    """Puts the keywords of `target`, a function or a TypedDict, in the place of a function's own `**keywords`."""

    def spell(function: F) -> F:
        own = inspect.signature(function)
        named = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
        taken = {each.name for each in named}
        more = [each for each in _keywords(target) if each.name not in taken]
        function.__signature__ = own.replace(parameters=[*named, *more])  # type: ignore[attr-defined]
        return function

    return spell


def of_run(
    target: Callable[Concatenate[Any, Any, Given], Made],
) -> Callable[[Callable[Concatenate[Self, ...], Made]], Callable[Concatenate[Self, Given], Made]]:
    """keywords_of a function whose first two arguments, client and run, a method gives by itself; type checkers see it too."""
    return keywords_of(target)  # type: ignore[return-value]


def async_of(
    target: Callable[Concatenate[Self, Given], Made],
) -> Callable[[Callable[Concatenate[Self, ...], Coroutine[Any, Any, Any]]], Callable[Concatenate[Self, Given], Coroutine[Any, Any, Made]]]:
    """keywords_of a method, for its counterpart that does not block; type checkers see it too."""
    return keywords_of(target)  # type: ignore[return-value]


def _keywords(target: Callable[..., Any]) -> list[inspect.Parameter]:
    if isinstance(target, type) and issubclass(target, dict):
        return [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=getattr(kind, "__forward_arg__", kind))
            for name, kind in inspect.get_annotations(target).items()
        ]
    return [each for each in inspect.signature(target).parameters.values() if each.kind is each.KEYWORD_ONLY]


def without_first(target: Callable[..., Any]) -> inspect.Signature:
    """The signature without `self`."""
    own = inspect.signature(target)
    return own.replace(parameters=list(own.parameters.values())[1:])
