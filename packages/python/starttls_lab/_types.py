"""The values that a lab reports. `/openapi.json` of a running lab describes every key."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, TypedDict


class Message(TypedDict):
    """A message that was accepted."""

    id: int
    seq: int
    time: str
    computer: str
    connector: str
    fqdn: str
    session: str
    helo: str
    mail_from: str
    rcpt_to: List[str]
    security: str
    tls: Optional[Dict[str, Any]]
    protocol: str
    user: Optional[str]
    size: int
    subject: Optional[str]
    message_id: Optional[str]


class Session(TypedDict):
    """An SMTP session."""

    session: str
    seq: int
    began: str
    computer: str
    connector: str
    fqdn: str
    local: str
    remote: str
    tls: Optional[Dict[str, Any]]
    tls_failure: Optional[Dict[str, Any]]
    messages_in_clear: int
    messages_over_tls: int
    ending: Optional[str]
    outcome: str


class Verdict(TypedDict):
    """What one client did about TLS on one connector."""

    peer: str
    computer: str
    connector: str
    messages_over_tls: int
    messages_in_clear: int
    leaks: List[Dict[str, str]]
    fall_back: Optional[Dict[str, Any]]
    result_type: Optional[str]
    words: str


class Event(TypedDict):
    """An entry of the Application log."""

    seq: int
    time: str
    event_id: int
    level: str
    source: str
    category: str
    event_computer: str
    event_connector: Optional[str]
    parameters: List[str]
    message: str


#: A fault rule, as a lab file has it under `[[computer.fault]]`.
Fault = Dict[str, Any]
