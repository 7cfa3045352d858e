"""Who is let in: decided before the bridge answers."""

from agent.admission.decide import Counts, Reason, Refused, decide
from agent.admission.policy import Admission, Busy, HandOver, Hours, Otherwise, Queue, Take

__all__ = [
    "Admission",
    "Busy",
    "Counts",
    "HandOver",
    "Hours",
    "Otherwise",
    "Queue",
    "Reason",
    "Refused",
    "Take",
    "decide",
]
