"""What came of the scenarios: for people (a table), programs (JSON) and CI servers (JUnit)."""

from collections.abc import Sequence
from typing import Literal
from xml.etree import ElementTree as ET

from pydantic import BaseModel, ConfigDict

Status = Literal["passed", "failed", "skipped"]


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckResult(_Figures):
    check: str
    status: Status
    why: str | None = None


class Result(_Figures):
    """One scenario. `seconds` are the call's own."""

    scenario: str
    goal: str
    status: Status
    why: str | None = None
    seconds: float = 0.0
    checks: tuple[CheckResult, ...] = ()
    transcript: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        scenario: str,
        goal: str,
        checks: Sequence[CheckResult],
        *,
        seconds: float = 0.0,
        transcript: Sequence[str] = (),
    ) -> "Result":
        """Failed by any check that failed; skipped where none was made."""
        made = [check for check in checks if check.status != "skipped"]
        failed = [check for check in made if check.status == "failed"]
        status: Status = "failed" if failed else "passed" if made else "skipped"
        told = failed or ([] if made else checks)
        why = "; ".join(f"{check.check}: {check.why}" for check in told) or None
        return cls(
            scenario=scenario,
            goal=goal,
            status=status,
            why=why,
            seconds=round(seconds, 2),
            checks=tuple(checks),
            transcript=tuple(transcript),
        )

    @classmethod
    def skipped(cls, scenario: str, goal: str, why: str) -> "Result":
        return cls(scenario=scenario, goal=goal, status="skipped", why=why)


class Report(_Figures):
    passed: int
    failed: int
    skipped: int
    results: tuple[Result, ...]

    @classmethod
    def of(cls, results: Sequence[Result]) -> "Report":
        counts = {
            status: sum(result.status == status for result in results)
            for status in ("passed", "failed", "skipped")
        }
        return cls(**counts, results=tuple(results))

    def table(self) -> str:
        """A line a scenario; of one that failed, the call's words under it."""
        wide = max(len(result.scenario) for result in self.results)
        lines: list[str] = []
        for result in self.results:
            about = result.why or result.goal
            lines.append(
                f"{result.status:<8} {result.scenario:<{wide}} {result.seconds:>7.1f} s  {about}"
            )
            lines += [
                f"{'':<8} {check.check}: skipped: {check.why}"
                for check in result.checks
                if check.status == "skipped" and result.status != "skipped"
            ]
            if result.status == "failed":
                lines += [f"{'':<8} | {line}" for line in result.transcript]
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return "\n".join([*lines, "", counts])

    def junit(self) -> str:
        """One suite, a case a scenario."""
        suite = ET.Element(
            "testsuite",
            name="parley rehearse",
            tests=str(len(self.results)),
            failures=str(self.failed),
            skipped=str(self.skipped),
        )
        for result in self.results:
            case = ET.SubElement(
                suite,
                "testcase",
                classname="scenarios",
                name=result.scenario,
                time=f"{result.seconds:.2f}",
            )
            if result.status == "failed":
                failure = ET.SubElement(case, "failure", message=_printable(result.why or ""))
                failure.text = _printable("\n".join(result.transcript))
            elif result.status == "skipped":
                ET.SubElement(case, "skipped", message=_printable(result.why or ""))
        ET.indent(suite)
        return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """XML has no form for control characters, and a model may say any."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
