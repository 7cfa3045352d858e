"""A telephone's side of one SIP dialog over UDP: INVITE and re-INVITE, BYE, and what a REFER gets."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from functools import partial
from hashlib import md5

from sip.simulate.caller import CallFailedError
from sip.simulate.message import Message, request
from sip.simulate.stack import Stack

PATIENCE = 30.0
AGAIN = 0.5
"""Seconds after which a request without a response is sent again (RFC 3261's T1)."""

OK, REDIRECTION, UNAUTHORIZED, PROXY_UNAUTHORIZED = 200, 300, 401, 407
"""Statuses; the first two of their kind."""

Taker = tuple[int, int | None]
"""What a REFER is answered with, and what the NOTIFY after it says; None is that there is none."""

TAKES: Taker = (202, 200)
REFUSES: Taker = (603, None)
FINDS_IT_BUSY: Taker = (202, 486)

_PHRASES = {200: "OK", 202: "Accepted", 486: "Busy Here", 603: "Decline"}

Sockets = Callable[[], socket.socket]
"""Each UDP socket of a telephone, bound to its own address."""

THINKING = 0.1
"""Seconds until a REFER is answered. livekit-sip 1.8.0 may take an answer that comes at once for a
transaction that failed, though it goes on to act on the NOTIFY."""


class Dialog:
    """`over` is called when the other side says BYE. `refer` is what a REFER gets. `host` is the
    telephone's own address, known once it is `open`."""

    def __init__(self, stack: Stack, to: str, from_: str, sockets: Sockets | None = None) -> None:
        self.over: Callable[[], None] = lambda: None
        self.refer = TAKES
        self.referred_to = ""
        self.host = ""
        self._sockets = sockets or partial(_socket_towards, stack.sip_host)
        self._stack = stack
        self._from = from_
        self._uri = f"sip:{to}@{stack.sip_host}:{stack.sip_port}"
        self._target, self._remote = self._uri, f"<{self._uri}>"
        self._id, self._tag = secrets.token_hex(8), secrets.token_hex(4)
        self._count = 0
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._heard: set[str] = set()
        self._referred: set[str] = set()
        self._socket: asyncio.DatagramTransport

    async def open(self) -> None:
        self._socket = await self.endpoint(self._receive)
        self.host = self._socket.get_extra_info("sockname")[0]

    async def endpoint(
        self, take: Callable[[bytes, tuple[str, int]], None]
    ) -> asyncio.DatagramTransport:
        """One more socket of the telephone."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Inbox(take), sock=self._sockets()
        )
        return transport

    def close(self) -> None:
        self._socket.close()

    async def connect(self, offer: str) -> str:
        """The SDP that answers. Raises CallFailedError when the call is refused or not answered."""
        response = await self.invite(offer)
        if response.status == UNAUTHORIZED:
            digest = self._digest(response.get("www-authenticate"))
            response = await self.invite(offer, authorization=digest)
        if response.status == PROXY_UNAUTHORIZED:
            digest = self._digest(response.get("proxy-authenticate"))
            response = await self.invite(offer, proxy_authorization=digest)
        if response.status != OK:
            raise CallFailedError(response.start)
        self._remote = response.get("to")
        self._target = response.get("contact").partition("<")[2].partition(">")[0] or self._uri
        return response.body

    async def invite(self, offer: str, **more: str) -> Message:
        """Its final response."""
        return await self._exchange("INVITE", offer, **more)

    async def bye(self) -> None:
        await self._exchange("BYE")

    async def _exchange(self, method: str, body: str = "", **more: str) -> Message:
        data, key = self._request(method, body, **more)
        waiting: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[key] = waiting
        try:
            async with asyncio.timeout(PATIENCE):
                while not waiting.done() and key not in self._heard:
                    self._send(data)
                    await asyncio.wait({waiting}, timeout=AGAIN)
                return await waiting
        except TimeoutError:
            raise CallFailedError(f"no response to {method} in {PATIENCE:.0f} s") from None

    def _request(self, method: str, body: str = "", **more: str) -> tuple[bytes, str]:
        """It, and its CSeq."""
        self._count += 1
        key = f"{self._count} {method}"
        headers = self._headers(key, _branch()) | {
            name.replace("_", "-"): more[name] for name in more
        }
        return request(method, self._target, headers, body), key

    def _headers(self, cseq: str, branch: str) -> dict[str, str]:
        address = f"{self.host}:{self._socket.get_extra_info('sockname')[1]}"
        return {
            "via": f"SIP/2.0/UDP {address};rport;branch={branch}",
            "max-forwards": "70",
            "from": f"<sip:{self._from}@{self.host}>;tag={self._tag}",
            "to": self._remote,
            "call-id": self._id,
            "cseq": cseq,
            "contact": f"<sip:{self._from}@{address}>",
            "allow": "INVITE, ACK, CANCEL, BYE, NOTIFY, REFER",
        }

    def _send(self, data: bytes) -> None:
        self._socket.sendto(data, (self._stack.sip_host, self._stack.sip_port))

    def _receive(self, data: bytes, _: tuple[str, int]) -> None:
        message = Message.parse(data)
        if message.status is not None:
            self._answered(message, message.status)
        elif message.method == "BYE":
            self._send(message.answer(200, "OK", tag=self._tag))
            self.over()
        elif message.method == "REFER":
            asyncio.get_running_loop().call_later(THINKING, self._on_refer, message)

    def _answered(self, response: Message, status: int) -> None:
        key = response.get("cseq")
        self._heard.add(key)
        if status < OK:
            return
        if key.endswith("INVITE"):
            branch = response.get("via").partition("branch=")[2].partition(";")[0]
            headers = self._headers(
                f"{key.split()[0]} ACK", branch if status >= REDIRECTION else _branch()
            )
            ack = headers | {"to": response.get("to")}
            self._send(request("ACK", self._target, ack))
        if (waiting := self._waiting.get(key)) and not waiting.done():
            waiting.set_result(response)

    def _on_refer(self, message: Message) -> None:
        if self._socket.is_closing():
            return
        status, then = self.refer
        self._send(message.answer(status, _PHRASES[status], tag=self._tag))
        number = message.get("cseq").split()[0]
        if number in self._referred:
            return
        self._referred.add(number)
        self.referred_to = message.get("refer-to")
        if then is not None:
            notify, _ = self._request(
                "NOTIFY",
                f"SIP/2.0 {then} {_PHRASES[then]}\r\n",
                event=f"refer;id={number}",
                subscription_state="terminated;reason=noresource",
                content_type="message/sipfrag;version=2.0",
            )
            self._send(notify)

    def _digest(self, challenge: str) -> str:
        """RFC 2617 without `qop`, which the bridge does not ask for."""
        asked = _parameters(challenge)
        name, secret = self._stack.sip_username, self._stack.sip_password.get_secret_value()
        who = _md5(f"{name}:{asked['realm']}:{secret}")
        response = _md5(f"{who}:{asked['nonce']}:{_md5(f'INVITE:{self._uri}')}")
        return (
            f'Digest username="{name}", realm="{asked["realm"]}", nonce="{asked["nonce"]}", '
            f'uri="{self._uri}", response="{response}", algorithm=MD5'
        )


class Inbox(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._take(data, addr)


def address_towards(host: str) -> str:
    """Ours, as `host` sees it unless something stands between."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))  # of a datagram socket: nothing is sent
        own: str = probe.getsockname()[0]
        return own


def _socket_towards(host: str) -> socket.socket:
    bound = socket.socket(type=socket.SOCK_DGRAM)
    bound.bind((address_towards(host), 0))
    return bound


def _parameters(challenge: str) -> dict[str, str]:
    pairs = [pair.strip().partition("=") for pair in challenge.partition(" ")[2].split(",")]
    return {name: value.strip('"') for name, _, value in pairs}


def _branch() -> str:
    return f"z9hG4bK{secrets.token_hex(6)}"


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
