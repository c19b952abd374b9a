"""The pytest plugin: one lab per session, one connector per test."""

from __future__ import annotations

from typing import Any, Generator, Iterator

import pytest

from ._lab import Connector, Lab

#: What the certificate of the session's lab says, so that a client may dial any of it and verify the name.
NAMES = ("mx.lab.test", "localhost", "127.0.0.1")

_CONNECTOR = pytest.StashKey[Connector]()
_FAILED = pytest.StashKey[bool]()

_STAGES = {
    "connect", "ehlo", "helo", "starttls", "handshake", "after_tls", "auth", "mail", "rcpt", "data", "body",
    "end_of_data", "bdat", "rset", "other", "quit", "close",
}  # fmt: skip
_BESIDE = {"times", "when", "then", "optional", "vulnerable"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "starttls_lab(**keys): faults by stage (starttls={'reply': '454 4.7.0 TLS not available'}) and parameters of "
        "the receive connector (fqdn='mail.contoso.com') of the fixture starttls_lab",
    )


@pytest.fixture(scope="session")
def starttls_lab_session() -> Iterator[Lab]:
    """The lab of the session; override it to start another one."""
    lab = Lab.connector(NAMES[0], NAMES)
    yield lab
    lab.finish()


@pytest.fixture
def starttls_lab(request: pytest.FixtureRequest, starttls_lab_session: Lab) -> Iterator[Connector]:
    """A receive connector for this test alone; it offers STARTTLS with a certificate that verifies."""
    keys = {}
    for marker in reversed(list(request.node.iter_markers("starttls_lab"))):
        keys.update(marker.kwargs)
    faults = {key: keys.pop(key) for key in list(keys) if key in _STAGES | _BESIDE}
    parameters = {"fqdn": NAMES[0], **keys}
    connector = starttls_lab_session.add_connector(**parameters)
    request.node.stash[_CONNECTOR] = connector
    try:
        if faults:
            connector.fault(**faults)
        yield connector
        unmet = connector.unmet()
    finally:
        del request.node.stash[_CONNECTOR]
        connector.remove()
    # What has failed the test already is not said twice.
    if unmet and not request.node.stash.get(_FAILED, False):
        pytest.fail("\n".join(map(str, unmet)), pytrace=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Generator[None, Any, None]:
    """Shows the transcript of the connector of a test that failed."""
    outcome = yield
    report = outcome.get_result()
    connector = item.stash.get(_CONNECTOR, None)
    if connector is not None and report.failed:
        item.stash[_FAILED] = True
        report.sections.append((f"starttls-lab: {connector.identity} on port {connector.port}", connector.transcript()))
