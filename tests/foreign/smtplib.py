"""Sends one message by Python's smtplib: PORT NAME POLICY CA_FILE FROM TO."""

import smtplib
import socket
import ssl
import sys

port, name, policy, ca_file, sender, recipient = sys.argv[1:]

# Every name is the lab's, as a hosts file would say it.
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: resolve("127.0.0.1", *rest, **more)

with smtplib.SMTP(name, int(port), local_hostname="client.test", timeout=20) as smtp:
    smtp.ehlo()
    if policy == "verify":
        smtp.starttls(context=ssl.create_default_context(cafile=ca_file))
    elif policy == "may" and smtp.has_extn("starttls"):
        smtp.starttls()
    smtp.sendmail(sender, [recipient], "Subject: hello\r\n\r\nfrom smtplib\r\n")
