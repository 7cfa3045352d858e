"""What a call costs, by what is known of it. Pure; one currency, whichever it is."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:  # commands that read prices need no database
    from ledger.counts import Spent

Price = Annotated[float, Field(ge=0, le=1000)]

MINUTE = 60.0
THOUSAND = 1000.0


class Prices(BaseModel):
    """In one currency. What runs on machines of one's own costs nothing, if it is not said."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    line_minute: Price = 0.0
    """Of the telephone company's."""
    hearing_minute: Price = 0.0
    speaking_minute: Price = 0.0
    thousand_tokens_read: Price = 0.0
    thousand_tokens_written: Price = 0.0

    def of_call(self, line_seconds: float, models: Iterable[Mapping[str, Any]]) -> float:
        """Of one that is over; `models` as `CallRow.usage` has them."""
        return self.line_minute * line_seconds / MINUTE + sum(map(self._of_model, models))

    def of_day(self, spent: "Spent") -> float:
        """The thoughts of a call that goes on are counted when it is over."""
        return (
            spent.cost
            + self.line_minute * spent.unpriced
            + self.hearing_minute * spent.heard
            + self.speaking_minute * spent.spoken
        )

    def _of_model(self, used: Mapping[str, Any]) -> float:
        minutes: float = used.get("audio_duration", 0.0) / MINUTE
        match used.get("type"):
            case "stt_usage":
                return self.hearing_minute * minutes
            case "tts_usage":
                return self.speaking_minute * minutes
            case "llm_usage":
                read: float = self.thousand_tokens_read * used.get("input_tokens", 0)
                written: float = self.thousand_tokens_written * used.get("output_tokens", 0)
                return (read + written) / THOUSAND
        return 0.0
