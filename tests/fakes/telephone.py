"""A telephone line without a line."""

import asyncio
from collections.abc import Callable

from sip.transfer import Reason, TransferError


class FakeTelephone:
    """`fails` is why a transfer does. One takes `rings` seconds. While it `holds`, nothing comes."""

    def __init__(self, fails: Reason | None = None, rings: float = 0.0) -> None:
        self.pressed: list[str] = []
        self.transferred: list[str] = []
        self._fails: Reason | None = fails
        self._rings = rings
        self._hear: list[Callable[[str], None]] = []
        self.holds = False
        self._packets = 0

    def keys(self, keys: str) -> None:
        """The caller presses them, all at once."""
        for key in keys:
            for hear in self._hear:
                hear(key)

    def on_key(self, pressed: Callable[[str], None]) -> None:
        self._hear.append(pressed)

    async def press(self, key: str) -> None:
        self.pressed.append(key)

    async def transfer(self, number: str, ringing: int) -> None:
        self.transferred.append(number)
        await asyncio.sleep(self._rings)
        if self._fails:
            raise TransferError(self._fails)

    async def packets(self) -> int:
        self._packets += not self.holds
        return self._packets
