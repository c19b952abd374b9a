"""What does smtplib do with STARTTLS? The lab withholds it (event 12014), is mended, and offers it."""

import smtplib
import ssl

import pytest


def send(lab, name=None):
    """The program under test: TLS if it is offered, and then the certificate has to carry `name`."""
    with smtplib.SMTP(*lab.addr, local_hostname="client.example", timeout=10) as smtp:
        smtp.ehlo()
        if smtp.has_extn("starttls"):
            smtp._host = name or smtp._host  # smtplib verifies the name that was dialled
            smtp.starttls(context=ssl.create_default_context(cafile=lab.ca_file))
        smtp.sendmail("me@client.example", ["you@expta.com"], "Subject: hello\r\n\r\nfrom Python\r\n")


def test_mail_goes_in_clear_until_the_connector_is_mended(lab):
    [event] = lab.records(record="event", event_id=12014)[:1]
    assert "the domain name mail.expta.com" in event["message"]

    before = lab.mark()
    send(lab, "mailgate.expta.com")
    assert lab.wait_for_message(before)["tls"] is None

    lab.change('fqdn = "mail.expta.com"', 'fqdn = "mailgate.expta.com"')

    before = lab.mark()
    send(lab, "mailgate.expta.com")
    message = lab.wait_for_message(before)
    assert message["rcpt_to"] == ["you@expta.com"]
    assert message["tls"]["version"] == "TLSv1.3"


def test_whoever_verifies_the_name_that_was_dialled_is_worse_off_after_that_fix(lab):
    lab.change('fqdn = "mail.expta.com"', 'fqdn = "mailgate.expta.com"')
    before = lab.mark()
    with pytest.raises(ssl.SSLCertVerificationError, match="mail.expta.com"):
        send(lab, "mail.expta.com")
    session = lab.wait_for_session(before)
    assert not [it for it in session if it["record"] == "message"]


def test_each_test_begins_with_the_story_as_it_was(lab):
    with smtplib.SMTP(*lab.addr, local_hostname="client.example", timeout=10) as smtp:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            smtp.starttls()
