"""A mail client that does everything wrong: careless.py HOST PORT [USER]. With it every recipe of the guides is red."""

import base64
import socket
import ssl
import sys


class Connection:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port))
        self.buffer = b""

    def reply(self):
        """Returns the lines of a reply. What came behind it stays in the buffer, also where TLS begins in between."""
        lines = []
        while True:
            while b"\n" not in self.buffer:
                received = self.socket.recv(4096)
                if not received:
                    raise OSError("the connection was closed")
                self.buffer += received
            line, _, self.buffer = self.buffer.partition(b"\n")
            lines.append(line.decode())
            if line[3:4] != b"-":
                return lines

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        lines = self.reply()
        if lines[0][0] not in "23":
            raise OSError(lines[0])
        return lines

    def start_tls(self):
        self.ask("STARTTLS")
        context = ssl._create_unverified_context()
        self.socket = context.wrap_socket(self.socket)


def send(host, port, user=None, tls=True):
    connection = Connection(host, port)
    connection.reply()
    extensions = connection.ask("EHLO careless")
    if tls and any("STARTTLS" in line for line in extensions):
        try:
            connection.start_tls()
        except OSError:
            return send(host, port, user, tls=False)
        connection.ask("EHLO careless")
    if user:
        connection.ask("AUTH LOGIN")
        for word in (user, "secret"):
            connection.ask(base64.b64encode(word.encode()).decode())
    connection.ask("MAIL FROM:<me@contoso.com>")
    connection.ask("RCPT TO:<you@expta.com>")
    connection.ask("DATA")
    connection.ask("Subject: hello\r\n\r\nsecret\r\n.")
    connection.ask("QUIT")


if __name__ == "__main__":
    send(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
