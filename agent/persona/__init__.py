"""Personas."""

from agent.persona.load import PersonaError, load_persona
from agent.persona.model import Persona

__all__ = ["Persona", "PersonaError", "load_persona"]
