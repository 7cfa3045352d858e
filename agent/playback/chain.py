"""A session's outputs, each of which hands its sound to the next."""

from collections.abc import Iterator

from livekit.agents.voice import io


def chain(output: io.AudioOutput | None) -> Iterator[io.AudioOutput]:
    """The output and all behind it, the room's own last."""
    while output is not None:
        yield output
        output = output.next_in_chain
