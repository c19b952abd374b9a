"""The fixtures: one lab a session, set back before each test."""

import pytest
from starttls_lab import Lab


@pytest.fixture(scope="session")
def the_lab(tmp_path_factory):
    lab = Lab("fqdn-mismatch", tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()


@pytest.fixture
def lab(the_lab):
    the_lab.reset()
    return the_lab
