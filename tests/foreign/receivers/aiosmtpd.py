"""Takes messages with aiosmtpd: MAILDIR CHAIN KEY NEWEST_TLS, as often as there shall be servers.

Says the port of each; without a chain, a server does not offer STARTTLS."""

import asyncio
import ssl
import sys

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP


class Tray(Mailbox):
    """A maildir that also keeps how a message came."""

    def prepare_message(self, session, envelope):
        message = super().prepare_message(session, envelope)
        message["X-TLS"] = session.ssl["ssl_object"].version() if session.ssl else "none"
        return message


def tls(chain, key, newest):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion[newest]
    return context


async def main(words):
    for maildir, chain, key, newest in zip(*[iter(words)] * 4):
        context = tls(chain, key, newest) if chain else None
        tray = Tray(maildir)
        smtp = lambda tray=tray, context=context: SMTP(tray, hostname="mx.lab.test", tls_context=context)
        server = await asyncio.get_running_loop().create_server(smtp, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1:]))
