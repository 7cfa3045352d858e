"""`sip.yaml`: the telephone line as its owner describes it. Every object of Twilio's and LiveKit's
follows from it; it maps numbers to personas, and nothing else does."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from agent.admission import Admission
from agent.yaml_file import read_yaml

DOMAIN = "pstn.twilio.com"
PREFIX = "parley"

E164 = Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
PersonaName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
SecretName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{2,63}$")]
"""Of an environment variable, or of a line in the file of secrets."""
Seconds = Annotated[int, Field(ge=1, le=86_400)]

Edge = Literal[
    "ashburn", "umatilla", "dublin", "frankfurt", "singapore", "tokyo", "sao-paulo", "sydney"
]


PORTS = range(1024, 65_536)


def _port_range(ports: str) -> str:
    first, _, last = ports.partition("-")
    known = first.isdigit() and last.isdigit() and int(first) in PORTS and int(last) in PORTS
    if not known or int(first) >= int(last):
        raise ValueError("two ports of 1024 to 65535, as 10000-19999")
    return ports


PortRange = Annotated[str, AfterValidator(_port_range)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Credentials(_Part):
    """Digest credentials: Twilio's termination asks LiveKit for them, in twiml mode LiveKit asks
    Twilio. `password` names the secret; 12 characters at least, with both cases and a digit."""

    username: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,32}$")] = "parley"
    password: SecretName = "PARLEY_TRUNK_PASSWORD"


class Origination(_Part):
    """One way in: Twilio takes those of the lowest `priority` first, and shares by `weight`."""

    uri: Annotated[str, Field(pattern=r"^sip:[^\s]{1,250}$")]
    priority: Annotated[int, Field(ge=0, le=65_535)] = 10
    weight: Annotated[int, Field(ge=1, le=65_535)] = 10


class Number(_Part):
    """A number of ours and who answers it."""

    number: E164
    persona: PersonaName
    allowed_callers: tuple[E164, ...] = ()
    """All, if empty."""
    max_call_seconds: Seconds = 3600


class Bridge(_Part):
    """What `sip/bridge.yaml` is made of, and the firewall's rules."""

    public_ip: Annotated[str, Field(pattern=r"^(\d{1,3}\.){3}\d{1,3}$")] | Literal["auto"] = "auto"
    """`auto`: livekit-sip asks a public server for it at start."""
    sip_port: Annotated[int, Field(ge=1, le=65_535)] = 5060
    tls_port: Annotated[int, Field(ge=1, le=65_535)] = 5061
    certificate: Path | None = None
    key: Path | None = None
    rtp_ports: PortRange = "10000-19999"
    hide_inbound_port: bool = True
    media_timeout_seconds: Annotated[int, Field(ge=5, le=600)] = 60
    """A caller on hold sends nothing; less than this is no end of the call."""


class CallingHours(_Part):
    """When people may be called, at their own time as far as `timezone` knows it."""

    days: Annotated[
        str, Field(pattern=r"^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$")
    ] = "mon-sat"
    opens: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "09:00"
    closes: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "20:00"
    timezone: str = "UTC"


class Outbound(_Part):
    """How we call others."""

    from_: Annotated[E164 | None, Field(alias="from")] = None
    """The first of our numbers, if not given."""
    calls_per_second: Annotated[float, Field(gt=0, le=100)] = 1.0
    ringing_seconds: Annotated[int, Field(ge=5, le=80)] = 30
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Calls to one who does not answer or is busy, in all."""
    retry_after_seconds: Seconds = 900
    hours: CallingHours | None = None
    do_not_call: Path | None = None
    """A file of numbers, one a line."""
    allowed_countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    """ISO 3166 alpha-2; those of our own numbers, if empty."""
    max_call_seconds: Seconds = 3600


class SpendGuard(_Part):
    """Twilio tells `callback_url`, and we refuse further calls, above so much a day."""

    daily_usd: Annotated[float, Field(gt=0)]
    callback_url: Annotated[str, Field(pattern=r"^https://[^\s]+$")]


class Line(_Part):
    """The whole of `sip.yaml`."""

    version: Literal[1] = 1
    name: Name = "main"
    """Of this line among others of the account: all objects are called `parley NAME`."""
    mode: Literal["trunk", "twiml"] = "trunk"
    public_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")]
    """Host name or address by which Twilio reaches livekit-sip."""
    transport: Literal["udp", "tcp", "tls"] = "tcp"
    secure: bool = False
    """TLS and SRTP, on both ways; asks for `transport: tls`."""
    domain: Name
    """`DOMAIN.pstn.twilio.com`, for calls that we place; one of a kind in the world."""
    edge: Edge | None = None
    """Twilio's nearest, if not given."""
    credentials: Credentials = Credentials()
    numbers: Annotated[tuple[Number, ...], Field(min_length=1)]
    origination: tuple[Origination, ...] = ()
    """From `public_host`, `transport` and `edge`, if not given."""
    allowed_ips: tuple[IPv4Network, ...] = ()
    """Of our own machines: calls that we place must come from one of them, if any is given."""
    transfer: Literal["disable-all", "enable-all", "sip-only"] = "enable-all"
    recording: Literal[
        "do-not-record",
        "record-from-ringing",
        "record-from-answer",
        "record-from-ringing-dual",
        "record-from-answer-dual",
    ] = "do-not-record"
    """Twilio's own. Parley's is the persona's."""
    disaster_recovery_url: Annotated[str, Field(pattern=r"^https://[^\s]+$")] | None = None
    """TwiML for the caller when nobody can be reached."""
    voice_url: Annotated[str, Field(pattern=r"^https://[^\s]+$")] | None = None
    """Mode twiml: where Twilio asks what to do with a call (`/twiml` of the web server)."""
    spend: SpendGuard | None = None
    admission: Admission = Admission()
    """Who is let in, and what becomes of the others; read for each call."""
    bridge: Bridge = Bridge()
    outbound: Outbound = Outbound()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises `agent.yaml_file.BadFileError`: file, line, key, what is wrong."""
        return read_yaml(path, cls)

    @property
    def title(self) -> str:
        """The name of every object that is ours."""
        return f"{PREFIX} {self.name}"

    @property
    def termination_host(self) -> str:
        """Where LiveKit sends the calls that we place."""
        host, _, rest = f"{self.domain}.{DOMAIN}".partition(".pstn.")
        return f"{host}.pstn.{self.edge}.{rest}" if self.edge else f"{host}.pstn.{rest}"

    @property
    def ways_in(self) -> tuple[Origination, ...]:
        """Origination URIs: the scheme stays `sip:` with TLS, says Twilio."""
        if self.origination:
            return self.origination
        port = self.bridge.tls_port if self.transport == "tls" else self.bridge.sip_port
        edge = f";edge={self.edge}" if self.edge else ""
        return (Origination(uri=f"sip:{self.public_host}:{port};transport={self.transport}{edge}"),)

    @property
    def caller_id(self) -> str:
        """Whom people see when we call them."""
        return self.outbound.from_ or self.numbers[0].number

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        numbers = [each.number for each in self.numbers]
        if twice := {number for number in numbers if numbers.count(number) > 1}:
            raise ValueError(f"numbers: {min(twice)} is given twice")
        if self.secure and self.transport != "tls":
            raise ValueError("secure: needs transport: tls")
        if self.transport == "tls" and not (self.bridge.certificate and self.bridge.key):
            raise ValueError("transport: tls needs bridge.certificate and bridge.key")
        if self.mode == "twiml" and not self.voice_url:
            raise ValueError("mode: twiml needs voice_url")
        if self.outbound.from_ and self.outbound.from_ not in numbers:
            raise ValueError("outbound.from: is none of the numbers")
        return self
