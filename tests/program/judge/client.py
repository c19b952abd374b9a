"""A mail program whose conduct is chosen by its first argument.

What it was told of the server stands in its environment, as `starttls-lab judge` puts it there.
"""

import os
import signal
import smtplib
import socket
import ssl
import sys
import time

MODE = sys.argv[1]
HOST, PORT = os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])
CA, NAME = os.environ["STARTTLS_LAB_CA_FILE"], os.environ["STARTTLS_LAB_NAME"]
AT_HOME = os.environ["STARTTLS_LAB_ENTRY"] == "baseline"

PATIENCE = 60 if MODE == "patient" else 3

VERIFIES = {"chain": (True, False), "name-and-chain": (True, True), "if-offered": (True, True)}


def context():
    chain, name = VERIFIES.get(MODE, (False, False))
    made = ssl.create_default_context(cafile=CA if chain else None)
    made.check_hostname = name
    made.verify_mode = ssl.CERT_REQUIRED if chain else ssl.CERT_NONE
    return made


FAILED = (OSError, ValueError, smtplib.SMTPException)


class NoTls(Exception):
    """STARTTLS was offered or demanded, and came to nothing."""


def upgrade(smtp):
    try:
        smtp._host = NAME
        smtp.starttls(context=context())
        smtp.ehlo()
    except FAILED as failure:
        raise NoTls from failure


def send(tls):
    """Sends one message; `tls` is never, if-offered or always."""
    smtp = smtplib.SMTP(HOST, PORT, local_hostname="client.lab.test", timeout=PATIENCE)
    try:
        smtp.ehlo()
        if tls == "always" or (tls == "if-offered" and smtp.has_extn("starttls")):
            upgrade(smtp)
        if MODE == "login":
            smtp.login("anna", "secret", initial_response_ok=True)
        smtp.sendmail("a@lab.test", ["b@lab.test"], "Subject: hello\r\n\r\nhello\r\n")
        smtp.quit()
    finally:
        smtp.close()


def send_with_patience(tries):
    """Opportunistic: so many tries with TLS, then one in clear."""
    for _ in range(tries):
        try:
            return send("if-offered")
        except NoTls:
            pass
    send("never")


def hang():
    smtp = smtplib.SMTP(HOST, PORT, timeout=3)
    smtp.ehlo()
    time.sleep(3600)


def hundred():
    for _ in range(100):
        socket.create_connection((HOST, PORT), timeout=3).close()
    send("always")


def hello_at_once():
    plain = socket.create_connection((HOST, PORT), timeout=3)
    context().wrap_socket(plain, server_hostname=NAME)


def die():
    os.kill(os.getpid(), signal.SIGPIPE)


ODD = {"hang": hang, "hundred": hundred, "hello-at-once": hello_at_once, "die": die}

signal.signal(signal.SIGPIPE, signal.SIG_DFL)
if MODE in ODD:
    send("if-offered") if AT_HOME else ODD[MODE]()
elif MODE in ("never", "login"):
    send("never")
elif MODE == "at-once":
    send_with_patience(1)
elif MODE == "later":
    send_with_patience(2)
elif MODE in ("no-fall-back", "if-offered"):
    send("if-offered")
else:
    send("always")
