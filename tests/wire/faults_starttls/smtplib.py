"""Sends one message over verified TLS and prints how it ended: PORT CA_FILE starttls|implicit."""

import smtplib
import socket
import ssl
import sys

port, ca_file, way = sys.argv[1:]

# Every name is the lab's, as a hosts file would say it.
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: resolve("127.0.0.1", *rest, **more)

context = ssl.create_default_context(cafile=ca_file)
options = {"local_hostname": "client.test", "timeout": 2 if way == "impatient" else 20}
try:
    if way == "implicit":
        smtp = smtplib.SMTP_SSL("mx1.lab.test", int(port), context=context, **options)
    else:
        smtp = smtplib.SMTP("mx1.lab.test", int(port), **options)
        smtp.starttls(context=context)
    print(smtp.sock.version())
    smtp.sendmail("me@client.test", ["you@lab.test"], "Subject: hello\r\n\r\nfrom smtplib\r\n")
    print("sent")
    smtp.quit()
except Exception as error:
    print(type(error).__name__, error)
