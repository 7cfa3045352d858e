"""Writes docs/settings.md from the settings models; `--check` says whether it is up to date."""

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from agent.config import Settings as WorkerSettings
from csm_engine.config import Settings as VoiceSettings
from parley.scripted.config import Settings as ScriptedSettings
from parley.settings import Settings as ParleySettings
from whisper_engine.config import Settings as EarsSettings

FILE = Path(__file__).parent.parent / "docs" / "settings.md"

INTRO = """# Settings

Every program reads its settings from the environment, once, at its start; `parley up` also reads `.env` and passes both on.
A name that is unknown or a value that is wrong refuses to start and says which. Durations are seconds.
`AGENT_SECRET_NAME` is no setting but a secret that [personas](personas.md) name.
This page is made by `python -m tools.settings_doc`.
"""

SECTIONS: tuple[tuple[str, type[BaseSettings]], ...] = (
    ("`parley up`", ParleySettings),
    ("The worker (`agent/`)", WorkerSettings),
    ("The Whisper engine", EarsSettings),
    ("The CSM engine", VoiceSettings),
    ("The scripted language model", ScriptedSettings),
)


def rows(kind: type[BaseModel], prefix: str) -> list[str]:
    """One table row a setting; nested models are flattened as pydantic-settings names them."""
    lines = []
    for name, field in kind.model_fields.items():
        full = (
            field.validation_alias
            if isinstance(field.validation_alias, str)
            else prefix + name.upper()
        )
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            lines += rows(field.annotation, full + "__")
        else:
            lines.append(f"| `{full}` | {_default(field)} | {field.description or ''} |")
    return lines


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined and field.default_factory is None:
        return "required"
    default: Any = field.get_default(call_default_factory=True)
    if isinstance(default, Path) and default.is_absolute():
        return f"`{default.name}` in the checkout"
    return "unset" if default is None or isinstance(default, SecretStr) else f"`{default}`"


def page() -> str:
    parts = [INTRO]
    for title, kind in SECTIONS:
        prefix = str(kind.model_config.get("env_prefix", ""))
        table = ["| setting | default | meaning |", "|---|---|---|", *rows(kind, prefix)]
        parts.append(f"## {title}\n" + "\n".join(table) + "\n")
    return "\n".join(parts)


def main() -> int:
    if "--check" not in sys.argv:
        FILE.write_text(page())
        return 0
    if FILE.read_text() == page():
        return 0
    print("docs/settings.md is out of date: run `python -m tools.settings_doc`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
