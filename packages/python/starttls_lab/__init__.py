"""A client for starttls-lab: a mail server whose STARTTLS fails on purpose, inside the tests of your program."""

from ._api import LabError, WaitTimeout
from ._lab import Checked, Connector, Lab, Report
from ._program import find_program
from ._types import Event, Fault, Message, Session, Verdict

__all__ = [
    "Checked",
    "Connector",
    "Event",
    "Fault",
    "Lab",
    "LabError",
    "Message",
    "Report",
    "Session",
    "Verdict",
    "WaitTimeout",
    "find_program",
]
