"""Takes messages on a port of its own, STARTTLS by OpenSSL: CHAIN KEY CA_FILE.

Says its port first; then, of each conversation, how TLS went, what came, and that it ended."""

import socket
import ssl
import sys

chain, key, ca_file = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca_file)
context.verify_mode = ssl.CERT_OPTIONAL
context.load_cert_chain(chain, key)


def say(*words):
    print(*words, flush=True)


def subject(certificate):
    return ",".join(f"{name}={value}" for ((name, value),) in certificate["subject"])


def serve(raw, secure=False):
    stream, content = raw.makefile("rwb"), None

    def answer(text):
        stream.write(text + b"\r\n")
        stream.flush()

    if not secure:
        answer(b"220 receiver.test")
    for line in stream:
        line = line.rstrip(b"\r\n")
        verb = line[:4].upper()
        if content is not None and line != b".":
            content.append(line)
        elif content is not None:
            say("message", "encrypted" if secure else "clear", len(content))
            content = None
            answer(b"250 ok")
        elif verb == b"EHLO":
            answer(b"250 receiver.test" if secure else b"250-receiver.test\r\n250 STARTTLS")
        elif verb == b"STAR":
            answer(b"220 go")
            raw = context.wrap_socket(raw, server_side=True)
            certificate = raw.getpeercert()
            say("tls", raw.version(), subject(certificate) if certificate else "nobody")
            return serve(raw, secure=True)
        elif verb == b"DATA":
            content = []
            answer(b"354 go")
        else:
            answer(b"221 bye" if verb == b"QUIT" else b"250 ok")


listener = socket.create_server(("127.0.0.1", 0))
say(listener.getsockname()[1])
while True:
    connection, _ = listener.accept()
    connection.settimeout(20)
    try:
        serve(connection)
    except OSError as error:
        say("broken", type(error).__name__)
    say("end")
    connection.close()
