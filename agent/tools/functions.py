"""Python functions that a persona names: found, and their annotations made into a check."""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, PydanticSchemaGenerationError, create_model

LONGEST_DESCRIPTION = 2000


def load(name: str) -> Callable[..., Any]:
    """`module:function`, imported. Raises `ValueError` with what is wrong."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except AttributeError as error:
        raise ValueError(f"{module} has no {attribute}") from error
    except Exception as error:  # somebody's module may raise what it likes
        raise ValueError(f"{module} cannot be imported: {error}") from error
    if not inspect.isroutine(found):
        raise ValueError(f"{name} is no function")
    if not inspect.getdoc(found):
        raise ValueError(f"{name} needs a docstring: the model reads when to use it")
    arguments_of(found)
    return found


def arguments_of(function: Callable[..., Any]) -> type[BaseModel]:
    """What its call is checked by. Raises `ValueError` for a parameter that cannot be checked."""
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise ValueError(f"{function.__name__}: {parameter} cannot be given by a model")
        if name not in hints:
            raise ValueError(f"{function.__name__}: {name} needs a type")
        needed = parameter.default is parameter.empty
        fields[name] = (hints[name], ... if needed else parameter.default)
    try:
        made: type[BaseModel] = create_model(
            function.__name__, __config__=ConfigDict(extra="forbid"), **fields
        )
    except (PydanticSchemaGenerationError, NameError) as error:
        raise ValueError(f"{function.__name__}: a type that no model can give: {error}") from error
    return made
