"""After the call: a summary, and the data that the persona's schema asks for."""

import asyncio
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from livekit.agents import APIError, llm
from pydantic import BaseModel, ValidationError

from agent.persona.analysis import AnalysisPlan
from agent.tools.schema import ArgumentsSchema, checker

logger = logging.getLogger(__name__)

TIMEOUT = 30.0
"""Seconds for both, when nobody waits any more."""

TRIES = 2
"""The second is told what was wrong with the first."""

EXTRACT = (
    "Read this telephone call and answer with one JSON object and nothing else. Its schema is below. "
    "Leave out what was not said; invent nothing.\n\n"
)
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


@dataclass(frozen=True)
class Analysis:
    """None where the plan wants none, or the model gave none that can be used."""

    summary: str | None = None
    data: dict[str, Any] | None = None


def transcript(items: Iterable[llm.ChatItem]) -> str:
    """A line for each message, as it was heard."""
    names = {"user": "Caller", "assistant": "Agent"}
    lines = (
        f"{names[item.role]}: {item.text_content}"
        for item in items
        if item.type == "message" and item.role in names and item.text_content
    )
    return "\n".join(lines)


async def analyse(mind: llm.LLM, talk: str, plan: AnalysisPlan) -> Analysis:
    """Of a `transcript`. A model that fails costs what it was asked for, and raises nothing."""
    if not talk:
        return Analysis()
    try:
        async with asyncio.timeout(TIMEOUT):
            summary = await _summary(mind, talk, plan) if plan.summary else None
            schema = plan.structured_data
            data = await _extracted(mind, talk, schema) if schema else None
    except (APIError, TimeoutError) as error:
        logger.warning("the call could not be analysed", extra={"kind": type(error).__name__})
        return Analysis()
    return Analysis(summary, data)


async def _summary(mind: llm.LLM, talk: str, plan: AnalysisPlan) -> str | None:
    return (await _asked(mind, plan.summary_prompt, talk)).strip() or None


async def _extracted(mind: llm.LLM, talk: str, schema: ArgumentsSchema) -> dict[str, Any] | None:
    wanted = schema.model_dump(mode="json", by_alias=True, exclude_none=True)
    asked = EXTRACT + json.dumps(wanted, ensure_ascii=False)
    check, problem = checker(schema, "StructuredData"), ""
    for _ in range(TRIES):
        answer = await _asked(mind, asked + problem, talk)
        try:
            return _checked(answer, check)
        except ValueError as error:
            problem = f"\n\nYour last answer could not be used: {error}"
    logger.warning("the call's data do not fit the persona's schema")
    return None


def _checked(answer: str, check: type[BaseModel]) -> dict[str, Any]:
    """Raises ValueError, which says what is wrong and repeats nothing that was said."""
    if not (found := _OBJECT.search(answer)):
        raise ValueError("there is no JSON object in it")
    try:
        data = check.model_validate_json(found.group())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return data.model_dump(by_alias=True, exclude_none=True)


async def _asked(mind: llm.LLM, system: str, user: str) -> str:
    context = llm.ChatContext.empty()
    context.add_message(role="system", content=system)
    context.add_message(role="user", content=user)
    return (await mind.chat(chat_ctx=context).collect()).text
