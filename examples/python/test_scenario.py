"""What does smtplib do with STARTTLS? The lab withholds it (event 12014), is fixed, and offers it."""

import smtplib

import pytest
from starttls_lab import LabError

# Each test has a connector that answers as mail.expta.com; the computer's certificate says mailgate.expta.com.
pytestmark = pytest.mark.starttls_lab(fqdn="mail.expta.com")


class Sender(smtplib.SMTP):
    """The program under test: TLS if it is offered, and then the certificate has to carry `name`."""

    def __init__(self, connector, name):
        super().__init__(*connector.addr, local_hostname="client.example", timeout=10)
        self._host = name  # what smtplib verifies; it dialed an address
        self._context = connector.ssl_context()

    def deliver(self, to):
        self.ehlo()
        if self.has_extn("starttls"):
            self.starttls(context=self._context)
        self.sendmail("me@client.example", [to], "Subject: hello\r\n\r\nfrom Python\r\n")


def send(connector, name="mailgate.expta.com"):
    with Sender(connector, name) as sender:
        sender.deliver("you@expta.com")


def test_mail_goes_in_clear_until_the_connector_is_fixed(starttls_lab):
    assert "12014" in starttls_lab.starttls()["because"]
    send(starttls_lab)
    in_clear = starttls_lab.wait_for_message(to="you@expta.com", security="clear")
    assert in_clear["tls"] is None

    starttls_lab.set(fqdn="mailgate.expta.com")

    assert starttls_lab.starttls()["label"] == "mailgate"
    send(starttls_lab)
    encrypted = starttls_lab.wait_for_message(to="you@expta.com", security="tls")
    assert encrypted["tls"]["version"] == "TLSv1.3"


def test_a_client_that_verifies_the_name_it_dialed_sends_nothing_after_that_fix(starttls_lab):
    send(starttls_lab, "mail.expta.com")
    session = starttls_lab.wait_for_session()
    assert session["messages_in_clear"] == 1

    starttls_lab.set(fqdn="mailgate.expta.com")

    with pytest.raises(OSError, match="mail.expta.com"):
        send(starttls_lab, "mail.expta.com")
    session = starttls_lab.wait_for_session(after=session["seq"])
    assert (session["messages_in_clear"], session["messages_over_tls"]) == (0, 0)


def test_a_program_that_insists_sends_nothing(starttls_lab):
    with Sender(starttls_lab, "mail.expta.com") as sender:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            sender.starttls()
    starttls_lab.wait_for_session()
    starttls_lab.expect_nothing_in_clear()


def test_what_exchange_refuses_is_refused_in_its_words(starttls_lab_session):
    with pytest.raises(LabError, match="couldn't be found on 'MAILGATE'"):
        starttls_lab_session.run(r'Set-ReceiveConnector "MAILGATE\Nowhere" -Fqdn mail.expta.com')
