"""A sink on aiosmtpd that keeps its newest 10,000 messages: aiosmtpd-sink.py PORT CERTIFICATE KEY"""

import asyncio
import collections
import ssl
import sys

from aiosmtpd.smtp import SMTP

KEPT = collections.deque(maxlen=10_000)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        KEPT.append(envelope.content)
        return "250 kept"


async def main(port, certificate, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    handler = Handler()
    loop = asyncio.get_running_loop()

    def session():
        return SMTP(handler, hostname="load.example.com", tls_context=context, data_size_limit=200 << 20, loop=loop)

    server = await loop.create_server(session, "127.0.0.1", int(port))
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
