"""A running lab, its receive connectors, and what it has seen."""

from __future__ import annotations

import itertools
import ssl
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Type, Union, cast

from ._api import Api, LabError, quoted, query
from ._program import Program
from ._types import Event, Fault, Message, Session, Verdict

#: The time-out of waits that have none of their own, in seconds.
PATIENCE = 5.0

#: How long sessions may take to end by themselves before `finish` looks at them, in seconds.
DRAIN_TIMEOUT = 0.5


@dataclass(frozen=True)
class Checked:
    """An expectation, and whether it was met."""

    expected: str
    met: bool
    instead: str = ""

    def __str__(self) -> str:
        return f"as expected: {self.expected}" if self.met else f"NOT as expected: {self.expected}; {self.instead}"


@dataclass(frozen=True)
class Report:
    """What a lab has seen when it is finished, and whether that was expected."""

    sessions: List[Session]
    messages: List[Message]
    events: List[Event]
    expectations: List[Checked]
    transcript: str

    @property
    def ok(self) -> bool:
        """Whether every expectation was met."""
        return all(checked.met for checked in self.expectations)

    def assert_ok(self) -> None:
        """Fails the test where an expectation was not met."""
        if not self.ok:
            raise AssertionError(f"the lab did not see what it should have:\n{self}")

    def __str__(self) -> str:
        return "\n".join(map(str, self.expectations))


class _Seeing:
    """The waits and expectations that a lab and a connector share; `_scope` narrows them down."""

    _api: Api
    _scope: Dict[str, str]
    patience: float

    def _wait(self, kind: str, timeout: Optional[float], **conditions: Any) -> List[Any]:
        timeout = self.patience if timeout is None else timeout
        # The Application log calls the computer by another name than the lab file, so the connector's has to do.
        scope = {key: name.rsplit("\\", 1)[-1] for key, name in self._scope.items()} if kind == "event" else self._scope
        parameters = {"for": kind, "timeout_ms": round(timeout * 1000), **scope, **conditions}
        found = self._api.ask("GET", "wait?" + query(parameters), timeout=timeout + 30)
        return cast(List[Any], found["items"])

    def wait_for_message(
        self,
        *,
        to: Optional[str] = None,
        sender: Optional[str] = None,
        security: Optional[str] = None,
        after: Optional[int] = None,
        timeout: Optional[float] = None,
    ) -> Message:
        """Returns the first such message; `security` is "tls" or "clear", `after` the `seq` of an earlier one."""
        conditions = {"to": to, "from": sender, "security": security, "after": after}
        return cast(Message, self._wait("message", timeout, **conditions)[0])

    def wait_for_session(
        self, *, security: Optional[str] = None, after: Optional[int] = None, timeout: Optional[float] = None
    ) -> Session:
        """Returns the first such session that has ended."""
        return cast(Session, self._wait("session", timeout, security=security, after=after)[0])

    def wait_for_event(
        self, event_id: int, *, after: Optional[int] = None, timeout: Optional[float] = None
    ) -> Event:
        """Returns the first event with this number, such as 12014."""
        return cast(Event, self._wait("event", timeout, event_id=event_id, after=after)[0])

    def verdicts(self, host: Optional[str] = None) -> List[Verdict]:
        """Returns what each client did about TLS; `host` is the name that it had to expect."""
        verdicts = self._api.ask("GET", "verdicts?" + query({"host": host}))
        return [verdict for verdict in verdicts if self._is_here(verdict)]

    def messages(self) -> List[Message]:
        """Returns the messages so far."""
        return [message for message in self._api.list("messages") if self._is_here(message)]

    def sessions(self) -> List[Session]:
        """Returns the sessions so far."""
        return [session for session in self._api.list("sessions") if self._is_here(session)]

    def events(self) -> List[Event]:
        """Returns the Application log so far."""
        events = self._api.list("events")
        return [event for event in events if self._is_here({"connector": event["event_connector"]})]

    def transcript(self) -> str:
        """Returns every line that was sent and received, session by session."""
        lines = []
        for session in self.sessions():
            view = self._api.ask("GET", f"sessions/{quoted(session['session'])}")
            lines += [view["outcome"], *("  " + line for line in view["transcript"])]
        return "\n".join(lines)

    def expect_nothing_in_clear(self) -> None:
        """Fails where envelope, content or credentials came without TLS: now, and again at the end."""
        __tracebackhide__ = True
        checked = self._nothing_in_clear()
        if not checked.met:
            raise AssertionError(f"expected {checked.expected}, but {checked.instead}")
        self._at_the_end(self._nothing_in_clear)

    def _nothing_in_clear(self) -> Checked:
        leaked = [f"{_what(verdict)} came in clear: {verdict['words']}" for verdict in self.verdicts() if verdict["leaks"]]
        return Checked("nothing in clear", not leaked, "\n  ".join(leaked))

    def _at_the_end(self, check: Callable[[], Checked]) -> None:
        raise NotImplementedError

    def _is_here(self, item: Mapping[str, Any]) -> bool:
        raise NotImplementedError


def _what(verdict: Verdict) -> str:
    """What leaked, such as `envelope and body`."""
    return " and ".join(dict.fromkeys(leak["what"] for leak in verdict["leaks"]))


class Connector(_Seeing):
    """A receive connector on a port of its own, so that tests do not see each other's sessions."""

    #: The root certificate that clients have to trust.
    ca_file: str

    def __init__(self, lab: Lab, view: Mapping[str, Any]) -> None:
        self._api, self.patience, self.ca_file = lab._api, lab.patience, lab.ca_file
        self._be(lab, view)
        self._scope = {"connector": self.identity}

    def _be(self, lab: Lab, view: Mapping[str, Any]) -> None:
        self.lab = lab
        self.computer: str = view["computer"]
        self.name: str = view["name"]
        self.host, self.port = _split(view["addrs"][0])

    @property
    def identity(self) -> str:
        """`SERVER\\Name`, as cmdlets name it."""
        return f"{self.computer}\\{self.name}"

    @property
    def addr(self) -> Tuple[str, int]:
        """Host and port."""
        return self.host, self.port

    def ssl_context(self) -> ssl.SSLContext:
        """Returns a context that trusts the lab and nobody else, and verifies names."""
        return ssl.create_default_context(cafile=self.ca_file)

    def starttls(self) -> Dict[str, Any]:
        """Returns whether STARTTLS is `offered`, `because` of what, and the `label` of the certificate."""
        return cast(Dict[str, Any], self._api.ask("GET", self._path)["starttls"])

    def set(self, **parameters: Any) -> None:
        """Sets parameters, such as `fqdn`, as Set-ReceiveConnector does; they count from the next connection."""
        self._api.ask("PUT", self._path, parameters)

    def fault(self, **rules: Any) -> None:
        """Adds fault rules for this connector: a stage, and what is done there.

        `fault(starttls={"reply": "454 4.7.0 TLS not available"})`; `fault(end_of_data="close", times=1)`. The keys
        `times`, `when`, `then`, `optional` and `vulnerable` belong to every rule of the call.
        """
        beside = {key: rules.pop(key) for key in list(rules) if key in _BESIDE}
        added = [{"at": stage.replace("_", "-"), "do": do, "connector": self.name, **beside} for stage, do in rules.items()]
        self._replace_faults(lambda mine: [*mine, *added])

    def fix(self) -> None:
        """Removes the fault rules of this connector."""
        self._replace_faults(lambda mine: [])

    def unmet(self) -> List[Checked]:
        """Returns what was expected of this connector and is not so, unapplied fault rules included."""
        mine = f" on {self.identity}: "
        faults = [it for it in self.lab._checked_faults() if mine in it.expected]
        expected = [check() for connector, check in self.lab._expectations if connector is self]
        return [it for it in faults + expected if not it.met]

    def _at_the_end(self, check: Callable[[], Checked]) -> None:
        self.lab._expectations.append((self, check))

    def remove(self) -> None:
        """Removes the connector with its fault rules and expectations; its port is free afterwards."""
        self.fix()
        self.lab._expectations = [it for it in self.lab._expectations if it[0] is not self]
        self._api.ask("DELETE", self._path)

    @property
    def _path(self) -> str:
        return "connectors/" + quoted(self.computer, self.name)

    def _replace_faults(self, change: Callable[[List[Fault]], List[Fault]]) -> None:
        with self.lab._faults:
            rules = [rule for rule in self.lab.faults() if rule["computer"] == self.computer]
            mine = [rule["fault"] for rule in rules if self._is_mine(rule)]
            changed = change(mine)
            if changed != mine:
                others = [rule["fault"] for rule in rules if not self._is_mine(rule)]
                self.lab.set_faults(self.computer, others + changed)

    def _is_mine(self, rule: Mapping[str, Any]) -> bool:
        return bool(rule["computer"] == self.computer and rule["fault"].get("connector") == self.name)

    def _is_here(self, item: Mapping[str, Any]) -> bool:
        return item.get("computer") in (self.computer, None) and item.get("connector") == self.name


class Lab(Connector):
    """A lab in a process of its own, on free ports of loopback; as a connector it is its first one.

    Made by `Lab.scenario`, `Lab.file`, `Lab.text` and `Lab.connector`; `finish` or the end of a `with` ends it.
    """

    def __init__(self, *arguments: str, patience: float = PATIENCE) -> None:
        self._program = Program(arguments)
        self._api = Api(self._program.ready["control"])
        self._scope = {}
        self._numbers = itertools.count(1)
        self._faults = threading.Lock()
        # A computer's counts begin anew when its rules are replaced; these were applied before.
        self._applied: List[Fault] = []
        self._expectations: List[Tuple[Connector, Callable[[], Checked]]] = []
        self.patience = patience
        self.ca_file = self._program.ca_file
        self._be(self, self._program.ready["connectors"][0])

    @classmethod
    def scenario(cls, name: str, **options: Any) -> Lab:
        """Starts a built-in scenario or an entry of the fault catalogue, such as `fqdn-mismatch`."""
        return cls(name, **options)

    @classmethod
    def file(cls, path: Union[str, Path], **options: Any) -> Lab:
        """Starts a lab file, TOML or JSON."""
        return cls(str(Path(path).resolve()), **options)

    @classmethod
    def text(cls, text: str, **options: Any) -> Lab:
        """Starts the text of a lab file."""
        with tempfile.TemporaryDirectory(prefix="starttls-lab-") as folder:
            path = Path(folder, "lab.toml")
            path.write_text(text, encoding="utf-8")
            return cls(str(path), **options)

    @classmethod
    def connector(cls, fqdn: str, certificate: Iterable[str] = (), **options: Any) -> Lab:
        """Starts an Edge with one connector that answers as `fqdn`, and a certificate with these names.

        Without a certificate that has the name `fqdn`, the connector withholds STARTTLS.
        """
        names = ",".join(certificate)
        return cls("--fqdn", fqdn, *(["--certificate", names] if names else []), **options)

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if kind is None:
            self.finish().assert_ok()
        else:
            self._program.kill()

    @property
    def ca_pem(self) -> str:
        """The root certificate that clients have to trust, as PEM."""
        return Path(self.ca_file).read_text(encoding="ascii")

    @property
    def version(self) -> str:
        """The version of the program."""
        return cast(str, self._program.ready["version"])

    @property
    def connectors(self) -> List[Dict[str, Any]]:
        """All receive connectors, each with `addrs` and `starttls`."""
        return cast(List[Dict[str, Any]], self._api.ask("GET", "connectors"))

    def get_connector(self, name: str) -> Connector:
        """Returns a connector by its name, `SERVER\\Name` or FQDN."""
        known = self.connectors
        fit = [it for it in known if name.lower() in _names(it)]
        if len({it["addrs"][0] for it in fit}) != 1:
            names = ", ".join(f"{it['computer']}\\{it['name']} ({it['fqdn']})" for it in fit or known)
            raise LabError(f"{name} is {'more than one' if fit else 'none'} of these connectors: {names}")
        return Connector(self, fit[0])

    def run(self, commands: str, answers: Sequence[str] = (), computer: Optional[str] = None) -> str:
        """Runs commands in the Exchange Management Shell and returns what it prints."""
        body = {"line": commands, "answers": list(answers), "computer": computer}
        return cast(str, self._api.ask("POST", "cmdlets", body)["output"])

    def reconfigure(self, scenario: Union[str, Mapping[str, Any]]) -> List[str]:
        """Replaces the lab file by this one (TOML, or the same as a dict) and returns what is different."""
        return cast(List[str], self._api.ask("PUT", "scenario", scenario)["changes"])

    def reset(self) -> None:
        """Goes back to the lab file of the start."""
        self._api.ask("POST", "reset")

    def advance(self, by: Union[str, timedelta]) -> str:
        """Advances the lab's clock, such as by "36h" or a timedelta, and returns the time there."""
        text = f"PT{by.total_seconds():.3f}S" if isinstance(by, timedelta) else by
        return cast(str, self._api.ask("POST", "clock", {"advance": text})["now"])

    def set_faults(self, computer: str, rules: Iterable[Fault]) -> None:
        """Replaces the fault rules of a computer; they count from the next connection."""
        self._applied += [rule["fault"] for rule in self.faults() if rule["done"] > 0]
        self._api.ask("PUT", f"computers/{quoted(computer)}/faults", {"fault": list(rules)})

    def faults(self) -> List[Dict[str, Any]]:
        """Returns the fault rules, each with how often it was `done`."""
        return cast(List[Dict[str, Any]], self._api.ask("GET", "faults"))

    def add_connector(
        self, name: Optional[str] = None, computer: Optional[str] = None, **parameters: Any
    ) -> Connector:
        """Adds a receive connector on a free port; `parameters` are the keys of a lab file's `receive_connector`."""
        name = name or f"Test {next(self._numbers)}"
        body = {**_TEST_DEFAULTS, **parameters, "computer": computer or self.computer, "name": name}
        return Connector(self, self._api.ask("POST", "connectors", body))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Sends any other request to the control API, `/api/v1/` before it."""
        return self._api.ask(method, path, body)

    def expect_message(self, **conditions: str) -> None:
        """Lets `finish` check that there was such a message: `to`, `sender`, `security`."""
        self._expect(True, "message", self.messages, conditions)

    def expect_no_message(self, **conditions: str) -> None:
        """Lets `finish` check that there was no such message."""
        self._expect(False, "message", self.messages, conditions)

    def expect_no_message_in_clear(self) -> None:
        """Lets `finish` check that no message came without TLS."""
        self.expect_no_message(security="clear")

    def expect_session(self, **conditions: str) -> None:
        """Lets `finish` check that there was such a session: `security`."""
        self._expect(True, "session", self.sessions, conditions)

    def expect_event(self, event_id: int) -> None:
        """Lets `finish` check that such an event was logged."""
        self._expect(True, f"event {event_id}", self.events, {"event_id": event_id})

    def expect_no_event(self, event_id: int) -> None:
        """Lets `finish` check that no such event was logged."""
        self._expect(False, f"event {event_id}", self.events, {"event_id": event_id})

    def _expect(
        self, wanted: bool, noun: str, items: Callable[[], Sequence[Any]], conditions: Mapping[str, Any]
    ) -> None:
        unknown = conditions.keys() - _MATCHERS.keys()
        if unknown:
            raise TypeError(f"{', '.join(unknown)} says nothing of a {noun}; there are {', '.join(_MATCHERS)}")
        words = [noun, *(f"{name} {value}" for name, value in conditions.items() if name != "event_id")]
        expected = ("" if wanted else "no ") + ", ".join(words)

        def check() -> Checked:
            all_items = items()
            fit = [it for it in all_items if all(_MATCHERS[name](it, value) for name, value in conditions.items())]
            shown = "".join(f"\n  {_in_words(it)}" for it in (all_items if wanted else fit))
            return Checked(expected, bool(fit) == wanted, f"there was:{shown}" if shown else "there was none")

        self._at_the_end(check)

    def finish(self) -> Report:
        """Ends the lab and checks what was expected, and that every fault rule was applied."""
        try:
            self._drain()
            checked = [check() for _, check in self._expectations]
            checked += self._checked_faults()
            report = Report(self.sessions(), self.messages(), self.events(), checked, self.transcript())
        except BaseException:
            self._program.kill()
            raise
        self._program.stop()
        return report

    def _is_here(self, item: Mapping[str, Any]) -> bool:
        return True

    def _checked_faults(self) -> List[Checked]:
        rules = [rule for rule in self.faults() if not rule["fault"].get("optional")]
        return [
            Checked(_rule_in_words(rule), rule["done"] > 0 or rule["fault"] in self._applied, "it was never applied")
            for rule in rules
        ]

    def _drain(self) -> None:
        deadline = time.monotonic() + DRAIN_TIMEOUT
        while any(it["ending"] is None for it in self.sessions()) and time.monotonic() < deadline:
            time.sleep(0.01)


def _security(item: Mapping[str, Any]) -> str:
    return "tls" if item["tls"] else "clear"


#: How a message, session or event is compared with a condition.
_MATCHERS: Dict[str, Callable[[Mapping[str, Any], Any], bool]] = {
    "to": lambda item, value: value.lower() in (to.lower() for to in item["rcpt_to"]),
    "sender": lambda item, value: bool(item["mail_from"].lower() == value.lower()),
    "security": lambda item, value: _security(item) == value,
    "event_id": lambda item, value: bool(item["event_id"] == value),
}


def _in_words(item: Mapping[str, Any]) -> str:
    if "event_id" in item:
        return f"event {item['event_id']}"
    if "outcome" in item:
        return str(item["outcome"])
    return f"message {item['id']} from {item['mail_from']} to {', '.join(item['rcpt_to'])}, {_security(item)}"


_BESIDE = ("times", "when", "then", "optional", "vulnerable")

#: A test is one address that does a lot at once, and does not want to wait for the tarpit.
_TEST_DEFAULTS: Dict[str, Any] = {
    "usage": "Custom",
    "auth_mechanism": ["Tls"],
    "permission_groups": ["AnonymousUsers"],
    "tarpit_interval": "0s",
    "max_inbound_connection_per_source": "unlimited",
    "max_inbound_connection_percentage_per_source": 100,
    "message_rate_limit": "unlimited",
}


def _rule_in_words(rule: Mapping[str, Any]) -> str:
    fault = rule["fault"]
    where = f"{rule['computer']}\\{fault['connector']}" if fault.get("connector") else rule["computer"]
    return f"fault rule {rule['row']} at {fault['at']} on {where}: {fault['do']}"


def _names(connector: Mapping[str, Any]) -> List[str]:
    name = connector["name"]
    return [it.lower() for it in (f"{connector['computer']}\\{name}", name, connector["fqdn"])]


def _split(address: str) -> Tuple[str, int]:
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)
