"""Which ports the parts use, and whether they can have them."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from socket import SOCK_DGRAM, SOCK_STREAM, SocketKind
from typing import Self

from parley.probes import HOST, is_free
from parley.settings import BadSettingsError

SIP_TRIES = 10
"""Ports tried for SIP, from the first on."""

RTC_PORTS = 8
"""UDP ports of livekit-server: it uses one a core, and no more cores than this."""

RTP_PORTS = 400
"""UDP ports of livekit-sip: one a call, kept for a while after it."""


@dataclass(frozen=True)
class Ports:
    """TCP unless said otherwise. SIP is UDP and TCP; `rtc` (8 ports) and `rtp` are UDP; `sips` is for
    SIP by TLS."""

    redis: int = 6390
    livekit: int = 7880
    rtc: int = 7882
    sip: int = 5060
    whisper: int = 8101
    csm: int = 8102
    scripted: int = 8103
    worker: int = 8104
    web: int = 8080
    sips: int = 5070
    rtp: int = 10_000

    @classmethod
    def block(cls, base: int) -> Self:
        """All within `base` … `base` + 499; ten for SIP, so that a taken one can be passed over."""
        return cls(
            redis=base,
            livekit=base + 1,
            rtc=base + 2,
            sip=base + 10,
            whisper=base + 20,
            csm=base + 21,
            scripted=base + 22,
            worker=base + 23,
            web=base + 24,
            sips=base + 25,
            rtp=base + 100,
        )

    @classmethod
    def chosen(cls, base: int | None) -> Self:
        """Those of PARLEY_PORT_BASE, or each part's own without one."""
        return cls() if base is None else cls.block(base)

    @property
    def livekit_url(self) -> str:
        return f"ws://{HOST}:{self.livekit}"

    def with_free_sip(self) -> Self:
        """SIP on the first port that is free for both UDP and TCP."""
        for port in range(self.sip, self.sip + SIP_TRIES):
            if is_free(port, SOCK_DGRAM) and is_free(port, SOCK_STREAM):
                return dataclasses.replace(self, sip=port)
        raise BadSettingsError(
            f"ports {self.sip} to {self.sip + SIP_TRIES - 1} are all taken and SIP needs one: "
            "free one, or set PARLEY_PORT_BASE"
        )

    def check(self, listeners: Iterable[tuple[str, int]]) -> None:
        """Raises BadSettingsError for the first (part, TCP port) that is taken, or UDP port of a
        livekit-server among them."""
        wanted: list[tuple[str, int, SocketKind]] = [(*each, SOCK_STREAM) for each in listeners]
        if any(name == "livekit-server" for name, _, _ in wanted):
            wanted += [("livekit-server", self.rtc + n, SOCK_DGRAM) for n in range(RTC_PORTS)]
        for name, port, kind in wanted:
            if not is_free(port, kind):
                protocol = "UDP" if kind is SOCK_DGRAM else "TCP"
                raise BadSettingsError(
                    f"{protocol} port {port}, which {name} needs, is taken: "
                    "free it, or set PARLEY_PORT_BASE to the first of 500 free ports"
                )
