"""/v1/personas: who may answer, and be named in a call that is placed."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from agent.persona import Persona, PersonaError, load_persona
from agent.persona.load import names
from sip.line import PersonaName
from web.server.access import PersonaReader
from web.server.desk import TheDesk
from web.server.errors import ApiError, documented

router = APIRouter(prefix="/v1/personas", tags=["personas"])


class Named(BaseModel):
    """`problem`: why nobody can be answered by it."""

    name: str
    language: str | None = None
    problem: str | None = None


class Personas(BaseModel):
    personas: list[Named]


class PersonaView(BaseModel):
    """`variables` are defaults; a call's own come first."""

    name: str
    language: str
    voice: str
    model: str | None
    greeting: str
    instructions: str
    variables: dict[str, str]


@router.get("", responses=documented())
def list_personas(desk: TheDesk, key: PersonaReader) -> Personas:
    def named(name: str) -> Named:
        try:
            persona = load_persona(desk.personas, name, desk.environment)
        except PersonaError as error:
            return Named(name=name, problem=str(error))
        return Named(name=name, language=str(persona.language))

    return Personas(personas=[named(name) for name in names(desk.personas)])


@router.get("/{name}", responses=documented(404, 409))
def show_persona(
    desk: TheDesk, key: PersonaReader, name: Annotated[PersonaName, Path()]
) -> PersonaView:
    """409: there is such a file, and it cannot be used."""
    if name not in names(desk.personas):
        message = "there is no such persona: GET /v1/personas names them"
        raise ApiError(404, "no_such_persona", message)
    try:
        return _shown(load_persona(desk.personas, name, desk.environment))
    except PersonaError as error:
        raise ApiError(409, "wrong_persona", str(error)) from error


def _shown(persona: Persona) -> PersonaView:
    return PersonaView(
        name=persona.name,
        language=str(persona.language),
        voice=persona.voice,
        model=persona.model,
        greeting=persona.greeting,
        instructions=persona.instructions,
        variables=persona.variables,
    )
