"""What the ledger holds of a call, written by the process that has it."""

from agent.record.call import BEAT, CallRecord, call_record, outcome_of
from agent.record.page import Sink

__all__ = ["BEAT", "CallRecord", "Sink", "call_record", "outcome_of"]
