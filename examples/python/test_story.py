"""What does smtplib do with STARTTLS? The lab withholds it (event 12014), is mended, and offers it."""

import smtplib
import ssl

import pytest
from starttls_lab import LabError


class Sender(smtplib.SMTP):
    """The program under test: TLS if it is offered, and then the certificate has to carry `name`."""

    def __init__(self, connector, name):
        super().__init__(*connector.addr, local_hostname="client.example", timeout=10)
        self._host = name  # what smtplib verifies; it dialled an address
        self._context = ssl.create_default_context(cafile=connector.lab.ca_file)

    def deliver(self, to):
        self.ehlo()
        if self.has_extn("starttls"):
            self.starttls(context=self._context)
        self.sendmail("me@client.example", [to], "Subject: hello\r\n\r\nfrom Python\r\n")


def send(connector, name="mailgate.expta.com"):
    with Sender(connector, name) as sender:
        sender.deliver("you@expta.com")


def test_mail_goes_in_clear_until_the_connector_is_mended(connector):
    assert "12014" in connector.starttls()["because"]
    send(connector)
    in_clear = connector.wait_for_message(to="you@expta.com", security="clear")
    assert in_clear["tls"] is None

    connector.set("-Fqdn mailgate.expta.com")

    assert connector.starttls()["label"] == "mailgate"
    send(connector)
    encrypted = connector.wait_for_message(to="you@expta.com", security="tls")
    assert encrypted["tls"]["version"] == "TLSv1.3"


def test_whoever_verifies_the_name_that_was_dialled_is_worse_off_after_that_fix(connector):
    send(connector, "mail.expta.com")
    session = connector.wait_for_session()
    assert session["messages_in_clear"] == 1

    connector.set("-Fqdn mailgate.expta.com")

    with pytest.raises(ssl.SSLCertVerificationError, match="mail.expta.com"):
        send(connector, "mail.expta.com")
    session = connector.wait_for_session(after=session["seq"])
    assert (session["messages_in_clear"], session["messages_over_tls"]) == (0, 0)


def test_a_program_that_insists_sends_nothing(connector):
    with Sender(connector, "mail.expta.com") as sender:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            sender.starttls()
    assert connector.wait_for_session()["messages_in_clear"] == 0


def test_what_exchange_refuses_is_refused_in_its_words(connector):
    with pytest.raises(LabError, match="couldn't be found on 'MAILGATE'"):
        connector.lab.run(r'Set-ReceiveConnector "MAILGATE\Nowhere" -Fqdn mail.expta.com')
