"""The lab of the session: the scenario rather than the connector that the plugin starts by itself."""

import pytest
from starttls_lab import Lab


@pytest.fixture(scope="session")
def starttls_lab_session():
    with Lab.scenario("fqdn-mismatch") as lab:
        yield lab
