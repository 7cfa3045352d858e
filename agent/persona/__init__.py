"""Personas."""

from agent.persona.defaults import with_defaults
from agent.persona.load import PersonaError, load_persona, names
from agent.persona.model import Persona
from agent.persona.variables import filled

__all__ = ["Persona", "PersonaError", "filled", "load_persona", "names", "with_defaults"]
