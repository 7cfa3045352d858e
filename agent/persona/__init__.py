"""Personas."""

from agent.persona.asking import NotAskedError, refuse_a_wrong_voice
from agent.persona.defaults import with_defaults
from agent.persona.load import PersonaError, load_persona, names
from agent.persona.model import Persona
from agent.persona.variables import filled

__all__ = [
    "NotAskedError",
    "Persona",
    "PersonaError",
    "filled",
    "load_persona",
    "names",
    "refuse_a_wrong_voice",
    "with_defaults",
]
