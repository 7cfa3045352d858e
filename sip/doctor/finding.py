"""What was looked at, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """`says` is one clause; `fix` one sentence, where there is something to mend. No secret in either."""

    check: str
    verdict: Verdict
    says: str
    fix: str | None = None

    def to_json(self) -> dict[str, str | None]:
        return {
            "check": self.check,
            "verdict": self.verdict,
            "says": self.says,
            "fix": self.fix,
        }


@dataclass(frozen=True)
class Examination:
    """In the order in which a call would meet what was looked at."""

    findings: tuple[Finding, ...]
    seconds: float

    @property
    def healthy(self) -> bool:
        return self.first(Verdict.FAILED) is None

    def first(self, verdict: Verdict) -> Finding | None:
        return next((each for each in self.findings if each.verdict is verdict), None)

    def to_json(self) -> dict[str, object]:
        """`trouble` is the check that a call would fail at first."""
        trouble = self.first(Verdict.FAILED)
        return {
            "healthy": self.healthy,
            "trouble": trouble and trouble.check,
            "seconds": round(self.seconds, 2),
            "findings": [each.to_json() for each in self.findings],
        }

    def page(self) -> str:
        width = max((len(each.check) for each in self.findings), default=0)
        lines = [line for each in self.findings for line in _lines(each, width)]
        return "\n".join([*lines, "", self._sum()])

    def _sum(self) -> str:
        took = f"({self.seconds:.1f} s)"
        if trouble := self.first(Verdict.FAILED):
            return f"First trouble: {trouble.check} {took}"
        warnings = sum(each.verdict is Verdict.WARNING for each in self.findings)
        return f"A call gets through{f', warnings: {warnings}' if warnings else ''} {took}"


def _lines(finding: Finding, width: int) -> Sequence[str]:
    line = f"{finding.verdict:8} {finding.check:{width}}  {finding.says}"
    return [line, f"{'':9}{'':{width}}  → {finding.fix}"] if finding.fix else [line]


@dataclass(frozen=True)
class Reporter:
    """Findings of one check."""

    check: str

    def ok(self, says: str) -> Finding:
        return Finding(self.check, Verdict.OK, says)

    def warning(self, says: str, fix: str) -> Finding:
        return Finding(self.check, Verdict.WARNING, says, fix)

    def failed(self, says: str, fix: str) -> Finding:
        return Finding(self.check, Verdict.FAILED, says, fix)

    def skipped(self, because: str) -> Finding:
        return Finding(self.check, Verdict.SKIPPED, because)
