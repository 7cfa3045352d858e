"""What a doctor has looked at, and what needs no torch to look at."""

import importlib.metadata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from csm_engine.cli.judging import Judged, judge, voice_folders
from csm_engine.clip import VoiceError
from csm_engine.config import Settings

REHEARSAL = "rehearsal"
PACKAGES = ("torch", "transformers", "safetensors")


class State(StrEnum):
    BROKEN = "broken"
    WEAK = "could be better"
    FINE = "fine"


@dataclass(frozen=True)
class Finding:
    """`fix` is what to do about it; none where it is fine."""

    what: str
    state: State
    says: str
    fix: str | None = None


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Each kind as it came: what comes first keeps the others from working."""
    return sorted(findings, key=lambda finding: list(State).index(finding.state))


def packages(settings: Settings) -> Finding:
    versions = {name: _version(name) for name in PACKAGES}
    return installed(versions, needed=settings.model != REHEARSAL)


def installed(versions: Mapping[str, str | None], *, needed: bool) -> Finding:
    """`versions` by package; None for one that is missing."""
    says = ", ".join(f"{name} {version or 'missing'}" for name, version in versions.items())
    if all(versions.values()) or not needed:
        return Finding("packages", State.FINE, says)
    fix = "install livekit-plugins-csm-tts[engine], or set CSM_MODEL=rehearsal"
    return Finding("packages", State.BROKEN, says, fix)


def voices(settings: Settings) -> list[Finding]:
    """One for each voice that could be better, or one for all."""
    if settings.model == REHEARSAL:
        return [Finding("voices", State.FINE, "the rehearsal voice, one a language")]
    if settings.voices is None:
        fix = "set CSM_VOICES to a folder of voices, and `voice add` one"
        return [Finding("voices", State.BROKEN, "CSM_VOICES is not set", fix)]
    try:
        judged = [judge(folder) for folder in voice_folders(settings.voices)]
    except VoiceError as error:
        return [Finding("voices", State.BROKEN, str(error), "set CSM_VOICES to a folder of voices")]
    if not judged:
        says = f"{settings.voices} has no voices"
        return [Finding("voices", State.BROKEN, says, "add one with `voice add`")]
    names = ", ".join(each.name for each in judged)
    return [Finding("voices", State.FINE, names), *(f for each in judged for f in _of_voice(each))]


def _of_voice(judged: Judged) -> list[Finding]:
    what = f"voice {judged.name}"
    if judged.problem is not None:
        return [Finding(what, State.BROKEN, judged.problem, "mend the folder, or take it away")]
    if judged.advice:
        says = "; ".join(judged.advice)
        return [Finding(what, State.WEAK, says, "make the clip anew, and `voice check` it")]
    return []


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
