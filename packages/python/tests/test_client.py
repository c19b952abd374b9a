"""The client and the pytest plugin, as they are installed, with smtplib and aiosmtplib."""

import asyncio
import smtplib
import subprocess
import sys
import textwrap
from datetime import timedelta

import aiosmtplib
import pytest
from starttls_lab import Lab, LabError, WaitTimeout

FROM, TO = "me@contoso.com", "you@expta.com"
CONTENT = "Subject: hello\r\n\r\nsecret\r\n"
FIX = "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com"


def send(connector, host="localhost"):
    """Insists on TLS."""
    with smtplib.SMTP(host, connector.port, timeout=10) as smtp:
        smtp.starttls(context=connector.ssl_context())
        smtp.sendmail(FROM, [TO], CONTENT)


def send_async(connector, **options):
    sending = aiosmtplib.send(
        CONTENT, sender=FROM, recipients=[TO], hostname=connector.host, port=connector.port,
        tls_context=connector.ssl_context(), timeout=10, **options,
    )  # fmt: skip
    return asyncio.run(sending)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_smtplib_verifies_what_it_dials(starttls_lab, host):
    send(starttls_lab, host)
    message = starttls_lab.wait_for_message(to=TO, sender=FROM, security="tls")
    assert message["tls"]["version"] == "TLSv1.3"
    assert starttls_lab.wait_for_session(security="tls")["messages_over_tls"] == 1
    starttls_lab.expect_nothing_in_clear()


def test_aiosmtplib_upgrades_by_itself(starttls_lab):
    send_async(starttls_lab)
    starttls_lab.wait_for_message(security="tls")
    starttls_lab.expect_nothing_in_clear()


def test_aiosmtplib_sends_in_clear_where_starttls_is_withheld(starttls_lab):
    starttls_lab.set(fqdn="mail.expta.com")
    send_async(starttls_lab)
    starttls_lab.wait_for_event(12014)
    assert [event["event_id"] for event in starttls_lab.events()] == [12014]
    with pytest.raises(AssertionError, match="envelope and body came in clear: .*STARTTLS was not offered"):
        starttls_lab.expect_nothing_in_clear()
    with pytest.raises(WaitTimeout, match="(?s)no message .*over TLS.*in clear") as miss:
        starttls_lab.wait_for_message(security="tls", timeout=0.1)
    assert miss.value.near_misses
    with pytest.raises(aiosmtplib.SMTPException):
        send_async(starttls_lab, start_tls=True)


@pytest.mark.starttls_lab(starttls={"reply": "454 4.7.0 TLS not available"})
def test_a_marker_sets_faults_and_fix_removes_them(starttls_lab):
    with pytest.raises(smtplib.SMTPResponseException, match="454"):
        send(starttls_lab)
    session = starttls_lab.wait_for_session()
    assert session["messages_in_clear"] == session["messages_over_tls"] == 0
    starttls_lab.fix()
    send(starttls_lab)
    starttls_lab.wait_for_message(security="tls", after=session["seq"])


def test_faults_of_two_connectors_do_not_mix(starttls_lab, starttls_lab_session):
    other = starttls_lab_session.add_connector(fqdn="mx.lab.test")
    starttls_lab.fault(handshake="close", times=1)
    other.fault(end_of_data={"reply": "452 4.3.1 Insufficient system resources"}, optional=True)
    with pytest.raises(smtplib.SMTPDataError, match="452"):
        send(other)
    assert len(starttls_lab.unmet()) == 1
    with pytest.raises(OSError):
        send(starttls_lab)
    send(starttls_lab)
    starttls_lab.expect_nothing_in_clear()
    assert starttls_lab_session.get_connector(other.identity).addr == other.addr
    other.remove()
    assert [connector["name"] for connector in starttls_lab_session.connectors].count(other.name) == 0


def test_a_fault_that_was_never_applied_fails_the_test(tmp_path):
    test = "def test_nothing(starttls_lab):\n    starttls_lab.fault(handshake='close')\n"
    (tmp_path / "test_unapplied.py").write_text(test)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)], capture_output=True, text=True
    )
    assert ran.returncode == 1 and "it was never applied" in ran.stdout, ran.stdout


def test_nothing_in_clear_may_be_expected_beforehand(tmp_path):
    test = """
        import smtplib

        def test_beforehand(starttls_lab):
            starttls_lab.expect_nothing_in_clear()
            with smtplib.SMTP(*starttls_lab.addr) as smtp:
                smtp.sendmail("me@contoso.com", ["you@expta.com"], "secret")
        """
    (tmp_path / "test_beforehand.py").write_text(textwrap.dedent(test))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)], capture_output=True, text=True
    )
    assert ran.returncode == 1 and "NOT as expected: nothing in clear; envelope and body came" in ran.stdout, ran.stdout


def test_the_seed_scenario_from_mail_in_clear_to_mail_over_tls():
    lab = Lab.scenario("fqdn-mismatch")
    lab.expect_event(12014)
    lab.expect_message(to=TO, sender=FROM, security="tls")
    lab.expect_session(security="tls")
    lab.expect_no_message(to="nobody@expta.com")
    assert not lab.connectors[0]["starttls"]["offered"]
    assert "Tls" in lab.run("Get-ReceiveConnector | Format-List AuthMechanism")
    lab.run(FIX)
    with smtplib.SMTP(*lab.addr, timeout=10) as smtp:
        smtp._host = "mailgate.expta.com"  # what smtplib verifies; it dialed an address
        smtp.starttls(context=lab.ssl_context())
        smtp.sendmail(FROM, [TO], CONTENT)
    lab.wait_for_message(to=TO)
    report = lab.finish()
    report.assert_ok()
    assert len(report.messages) == len(report.sessions) == 1
    assert "TLSv1.3" in report.transcript


def test_an_expectation_that_is_not_met_says_what_there_was_instead():
    lab = Lab.connector("mail.contoso.com", ["mx.contoso.com"])
    lab.expect_no_event(12014)
    lab.expect_no_message_in_clear()
    lab.expect_message(to=TO)
    with smtplib.SMTP(*lab.addr, timeout=10) as smtp:
        smtp.sendmail(FROM, ["somebody@expta.com"], CONTENT)
    report = lab.finish()
    assert [checked.met for checked in report.expectations] == [False, False, False]
    assert "NOT as expected: message, to you@expta.com; there was:\n  message 1 from me@contoso.com" in str(report)
    with pytest.raises(AssertionError, match="no event 12014"):
        report.assert_ok()


def test_a_lab_file_is_replaced_while_the_lab_runs(tmp_path):
    text = subprocess.run([program(), "show", "healthy"], capture_output=True, text=True, check=True).stdout
    path = tmp_path / "lab.toml"
    path.write_text(text)
    with Lab.file(path) as lab, Lab.text(text) as other:
        assert lab.connectors[0]["starttls"]["offered"] and other.connectors[0]["starttls"]["offered"]
        assert lab.addr != other.addr
        withheld = subprocess.run([program(), "show", "fqdn-mismatch"], capture_output=True, text=True).stdout
        other.reconfigure(withheld)
        assert not any(connector["starttls"]["offered"] for connector in other.connectors)
        other.reset()
        assert other.connectors[0]["starttls"]["offered"]


def test_a_certificate_expires_when_the_clock_is_advanced():
    with Lab.connector("mx.lab.test", ["mx.lab.test"]) as lab:
        before = lab.advance("0s")
        assert lab.starttls()["offered"]
        assert lab.advance(timedelta(days=400)) > before
        with smtplib.SMTP(*lab.addr, timeout=10) as smtp:
            smtp.ehlo()
        lab.wait_for_event(12016)


def test_a_lab_is_its_first_connector():
    with Lab.connector("mx.lab.test", ["mx.lab.test", "localhost"]) as lab:
        assert lab.starttls()["offered"]
        lab.fault(starttls="close", times=1)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(lab)
        send(lab)
        lab.expect_nothing_in_clear()


def test_what_the_lab_refuses_is_refused_in_its_words(starttls_lab_session):
    with pytest.raises(LabError, match="there is no profile|neither a file nor a scenario|did you mean"):
        Lab.scenario("fqdn-mismatsch")
    with pytest.raises(LabError, match="couldn't be found"):
        starttls_lab_session.run(r'Set-ReceiveConnector "LAB\Nowhere" -Fqdn mail.expta.com')


def program():
    from starttls_lab import find_program

    return find_program()
