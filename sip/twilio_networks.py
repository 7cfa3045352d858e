"""Where Twilio's calls come from (twilio.com/docs/sip-trunking/ip-addresses, read on 2026-11-21).

Signalling of all regions must be let in: a number's calls may leave by any of them.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network

SIGNALLING: Mapping[str, IPv4Network] = {
    "ashburn": IPv4Network("54.172.60.0/30"),
    "umatilla": IPv4Network("54.244.51.0/30"),
    "dublin": IPv4Network("54.171.127.192/30"),
    "frankfurt": IPv4Network("35.156.191.128/30"),
    "tokyo": IPv4Network("54.65.63.192/30"),
    "singapore": IPv4Network("54.169.127.128/30"),
    "sydney": IPv4Network("54.252.254.64/30"),
    "sao-paulo": IPv4Network("177.71.206.192/30"),
}
"""By edge. SIP: UDP and TCP to port 5060, TLS to 5061, or as the origination URI says."""

MEDIA = IPv4Network("168.86.128.0/18")
"""RTP and SRTP (UDP) of all regions, from ports 10000 to 60000."""
