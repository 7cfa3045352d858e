"""Twilio's half of a line: its trunk, who may use it, its numbers and its spending alarm."""

from sip.twilio_side.account import Account
from sip.twilio_side.login import Login
from sip.twilio_side.side import TwilioSide, from_environment

__all__ = ["Account", "Login", "TwilioSide", "from_environment"]
