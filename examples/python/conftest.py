"""The fixtures: one lab a session, one connector a test."""

import itertools

import pytest
from starttls_lab import Connector, Lab

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    lab = Lab("fqdn-mismatch", tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()


@pytest.fixture
def connector(lab):
    """One that answers as mail.expta.com; the computer's certificate says mailgate.expta.com."""
    connector = Connector(
        lab,
        "MAILGATE",
        f"Test {next(numbers)}",
        usage="Custom",
        fqdn="mail.expta.com",
        auth_mechanism=["Tls"],
        permission_groups=["AnonymousUsers"],
        tarpit_interval="0s",
    )
    yield connector
    connector.remove()
