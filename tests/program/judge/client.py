"""A mail program whose conduct is chosen by its first argument.

What it was told of the server stands in its environment, as `starttls-lab judge` puts it there.
"""

import os
import signal
import smtplib
import socket
import ssl
import sys

MODE = sys.argv[1]
HOST, PORT = os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])
CA, NAME = os.environ["STARTTLS_LAB_CA_FILE"], os.environ["STARTTLS_LAB_NAME"]
AT_HOME = os.environ["STARTTLS_LAB_ENTRY"] == "baseline"

# How long a client waits is not its mode, and everything takes longer on a machine that is busy.
PATIENCE = 60

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


def hundred():
    for _ in range(100):
        socket.create_connection((HOST, PORT), timeout=PATIENCE).close()
    send("always")


def hello_at_once():
    plain = socket.create_connection((HOST, PORT), timeout=PATIENCE)
    context().wrap_socket(plain, server_hostname=NAME)


def die():
    os.kill(os.getpid(), signal.SIGPIPE)


def keeps_what_came_in_clear():
    """Reads replies from one buffer, which outlives the handshake with whatever is in it."""
    io, buffer = socket.create_connection((HOST, PORT), timeout=PATIENCE), b""

    def reply():
        nonlocal buffer
        while True:
            while b"\n" not in buffer:
                read = io.recv(4096)
                if not read:
                    raise ConnectionError("closed")
                buffer += read
            line, buffer = buffer.split(b"\n", 1)
            if line[3:4] != b"-":
                return line.decode()

    def ask(command):
        io.sendall(command.encode() + b"\r\n")
        return reply()

    reply()
    ask("EHLO client.lab.test")
    ask("STARTTLS")
    io = context().wrap_socket(io, server_hostname=NAME)
    if not ask("EHLO client.lab.test").startswith("250"):
        ask("QUIT")
        raise SystemExit(1)
    for command in ("MAIL FROM:<a@lab.test>", "RCPT TO:<b@lab.test>", "DATA"):
        answer = ask(command)
    if not answer.startswith("354"):
        raise SystemExit(1)
    ask("Subject: hello\r\n\r\nhello\r\n.")
    ask("QUIT")


class Raw:
    """A connection that reads one reply at a time, and discards what came in clear when it goes to TLS."""

    def __init__(self):
        self.io, self.buffer = socket.create_connection((HOST, PORT), timeout=PATIENCE), b""
        self.reply()
        self.ask("EHLO client.lab.test")
        self.ask("STARTTLS")
        self.io, self.buffer = context().wrap_socket(self.io, server_hostname=NAME), b""

    def reply(self):
        while True:
            while b"\n" not in self.buffer:
                read = self.io.recv(4096)
                if not read:
                    raise ConnectionError("closed")
                self.buffer += read
            line, self.buffer = self.buffer.split(b"\n", 1)
            if line[3:4] != b"-":
                return line.decode()

    def ask(self, command):
        self.io.sendall(command.encode() + b"\r\n")
        return self.reply()


def pipelines_inside():
    """Discards what came in clear, and says everything up to DATA in one write inside TLS."""
    pipelined_inside(Raw())


def pipelined_inside(raw):
    commands = ["EHLO client.lab.test", "MAIL FROM:<a@lab.test>", "RCPT TO:<b@lab.test>", "DATA"]
    raw.io.sendall("".join(command + "\r\n" for command in commands).encode())
    if not [raw.reply() for _ in commands][-1].startswith("354"):
        raise SystemExit(1)
    raw.ask("Subject: hello\r\n\r\nhello\r\n.")
    raw.ask("QUIT")


def impatient():
    """Discards what came in clear, and inside TLS waits half a second for the reply to EHLO, which comes later than
    that but where it is at home. Then it leaves, whatever has come meanwhile; with QUIT where that is its way."""
    raw = Raw()
    if AT_HOME:
        return pipelined_inside(raw)
    raw.io.settimeout(0.5)
    try:
        raw.ask("EHLO client.lab.test")
    except TimeoutError:
        pass
    if MODE == "impatient-quits":
        raw.io.sendall(b"QUIT\r\n")
    print("220 and then 554 5.7.1 injected, which was discarded; no reply in time")
    sys.exit(1)


def one_behind():
    """Keeps what came in clear, and reads each reply when something has come: it is one reply behind inside TLS."""
    io, buffer = socket.create_connection((HOST, PORT), timeout=PATIENCE), b""

    def reply():
        nonlocal buffer
        buffer += io.recv(4096)
        while True:
            line, _, buffer = buffer.partition(b"\n")
            if line[3:4] != b"-":
                return line.decode()

    def ask(command):
        io.sendall(command.encode() + b"\r\n")
        return reply()

    reply()
    ask("EHLO client.lab.test")
    ask("STARTTLS")
    io = context().wrap_socket(io, server_hostname=NAME)
    for command in ("EHLO client.lab.test", "MAIL FROM:<a@lab.test>", "RCPT TO:<b@lab.test>", "DATA"):
        answer = ask(command)
    if not answer.startswith("354"):
        sys.exit(f"DATA was refused: {answer}")
    ask("Subject: hello\r\n\r\nhello\r\n.")
    ask("QUIT")


def notices():
    """Notices what came behind the 220, says so, and leaves: before the handshake, within it or after it."""
    io = socket.create_connection((HOST, PORT), timeout=PATIENCE)
    io.recv(4096)
    io.sendall(b"EHLO client.lab.test\r\n")
    io.recv(4096)
    io.sendall(b"STARTTLS\r\n")
    _, _, behind = io.recv(4096).partition(b"\n")
    if not behind:
        return send("always")
    print(f"unexpected: {behind.decode()}")
    if MODE != "notices-at-once":
        io = context().wrap_socket(io, server_hostname=NAME)
        if MODE == "notices-and-quits":
            io.sendall(b"QUIT\r\n")
    sys.exit(1)


def gives_up():
    """Discards what came in clear, says EHLO inside TLS, and leaves."""
    raw = Raw()
    raw.ask("EHLO client.lab.test")
    sys.exit(1)


def pipelines():
    """Says what it has to say behind STARTTLS, in one segment, and once more inside TLS."""
    plain = socket.create_connection((HOST, PORT), timeout=PATIENCE)
    plain.recv(4096)
    plain.sendall(b"EHLO client.lab.test\r\n")
    plain.recv(4096)
    plain.sendall(b"STARTTLS\r\nMAIL FROM:<a@lab.test>\r\n")
    plain.recv(4096)
    context().wrap_socket(plain, server_hostname=NAME).close()
    sys.exit(1)


def refuses_nothing_but_an_answer():
    """Demands an offer of STARTTLS, and goes on in clear where it is refused."""
    smtp = smtplib.SMTP(HOST, PORT, local_hostname="client.lab.test", timeout=PATIENCE)
    smtp.ehlo()
    if not smtp.has_extn("starttls"):
        smtp.quit()
        sys.exit(1)
    smtp._host = NAME
    code, _ = smtp.docmd("STARTTLS")
    if code == 220:
        smtp.sock = context().wrap_socket(smtp.sock, server_hostname=NAME)
        smtp.file, smtp.helo_resp, smtp.ehlo_resp, smtp.esmtp_features = None, None, None, {}
    smtp.sendmail("a@lab.test", ["b@lab.test"], "Subject: hello\r\n\r\nhello\r\n")
    smtp.quit()


ODD = {"pipelines": pipelines, "hundred": hundred, "hello-at-once": hello_at_once, "die": die, "gives-up": gives_up}

signal.signal(signal.SIGPIPE, signal.SIG_DFL)
if MODE in ODD:
    send("if-offered") if AT_HOME else ODD[MODE]()
elif MODE == "pipelines-inside":
    pipelines_inside()
elif MODE in ("impatient", "impatient-quits"):
    impatient()
elif MODE.startswith("notices"):
    notices()
elif MODE == "one-behind":
    one_behind()
elif MODE == "keeps-clear":
    keeps_what_came_in_clear()
elif MODE == "offered-or-nothing":
    refuses_nothing_but_an_answer()
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
