"""A model that is asked yes-or-no questions about a call's transcript."""

from collections.abc import Sequence
from dataclasses import dataclass

from openai import OpenAI, OpenAIError

ROLE = (
    "You judge the transcript of a telephone call between an automated agent and a caller. Judge "
    "the agent alone, by what stands there. Answer with the word yes or no first, then one "
    "sentence that says why."
)
TIMEOUT = 60.0
"""Seconds for one question."""


@dataclass(frozen=True)
class Judge:
    """At any OpenAI-compatible endpoint; `url` with its `/v1`."""

    url: str
    model: str
    key: str

    def objection(self, question: str, transcript: Sequence[str]) -> str | None:
        """Why the answer is not yes."""
        asked = f"{question}\n\nTranscript:\n" + "\n".join(transcript)
        try:
            with OpenAI(base_url=self.url, api_key=self.key, timeout=TIMEOUT) as client:
                completion = client.chat.completions.create(
                    model=self.model,
                    temperature=0,
                    messages=[
                        {"role": "system", "content": ROLE},
                        {"role": "user", "content": asked},
                    ],
                )
        except OpenAIError as error:
            return f"the judge could not be asked: {type(error).__name__}"
        answer = (completion.choices[0].message.content or "").strip()
        return None if answer.lower().startswith("yes") else answer or "the judge said nothing"
