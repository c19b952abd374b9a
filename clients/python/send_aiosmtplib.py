"""aiosmtplib's send(), with the policies that its parameter start_tls has."""

import asyncio
import os
import sys

import aiosmtplib

POLICIES = {
    "start-tls-none": {"start_tls": None},  # the default: where it is offered
    "start-tls-none-novalidate": {"start_tls": None, "validate_certs": False},
    "start-tls-true": {"start_tls": True},
    "start-tls-true-novalidate": {"start_tls": True, "validate_certs": False},
    "start-tls-false": {"start_tls": False},
}

options = POLICIES[sys.argv[1]]
if options["start_tls"] is not False and options.get("validate_certs", True):
    options["cert_bundle"] = os.environ["CA"]
with open("message", "rb") as file:
    message = file.read()
asyncio.run(
    aiosmtplib.send(
        message,
        sender=os.environ["FROM"],
        recipients=[os.environ["TO"]],
        hostname=os.environ["HOST"],
        port=int(os.environ["PORT"]),
        username=os.environ["LOGIN"],
        password=os.environ["PASSWORD"],
        local_hostname="client.test",
        timeout=5,
        **options,
    )
)
