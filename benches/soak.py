#!/usr/bin/env python3
"""Load and endurance: clients of every kind against one `serve`, on loopback, for some minutes.

    benches/soak.py target/release/starttls-lab --minutes 5
    benches/soak.py target/debug/starttls-lab --quick

A round is: short connections, many idle sessions beside steady mail, slow and deaf clients on every surface, floods
beyond the limits, and changes while mail comes. After each part all descriptors have to be free again; after each
round but the first the memory has to be where it was; at the end every message that was accepted is counted, no
thread is left over, and SIGTERM ends the lab. `--quick` runs one small round, in which memory is not judged: the
journal is not full yet. Linux only, for it reads /proc.
"""

import argparse
import asyncio
import itertools
import json
import os
import pathlib
import resource
import signal
import ssl
import subprocess
import sys
import threading
import time

LAB = pathlib.Path(__file__).parent / "load" / "lab.toml"
BODY = b"Subject: soak\r\n\r\n" + b"0123456789abcdef" * 60 + b"\r\n.\r\n"
# Time-outs of this script; nothing waits that long to succeed.
PATIENCE = 60

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE


class Server:
    """The program under load."""

    def __init__(self, program):
        command = [program, "serve", str(LAB), "--port", "0", "--output", "json"]
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        ready = json.loads(self.child.stdout.readline())
        host, port = ready["connectors"][0]["addr"].rsplit(":", 1)
        self.smtp = (host, int(port))
        host, port = ready["control"].removeprefix("http://").rsplit(":", 1)
        self.control = (host, int(port))
        self.printed = 0
        # Set while somebody reads standard output.
        self.reading = threading.Event()
        self.reading.set()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while block := self.child.stdout.read1(1 << 16):
            self.printed += len(block)
            self.reading.wait()

    def memory(self):
        """Resident memory in MB."""
        with open(f"/proc/{self.child.pid}/status") as status:
            line = next(line for line in status if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def descriptors(self):
        """The names of the sockets and files that are open."""
        folder = f"/proc/{self.child.pid}/fd"
        names = []
        for name in os.listdir(folder):
            try:
                names.append(os.readlink(f"{folder}/{name}"))
            except FileNotFoundError:
                pass
        return sorted(names)

    def threads(self):
        return len(os.listdir(f"/proc/{self.child.pid}/task"))


class Client:
    """An SMTP client from one of many addresses of loopback, so that ports do not run out."""

    sources = itertools.cycle(f"127.0.{a}.{b}" for a in range(1, 5) for b in range(1, 255))

    @classmethod
    async def open(cls, server):
        self = cls()
        opened = asyncio.open_connection(*server.smtp, local_addr=(next(cls.sources), 0), limit=1 << 16)
        self.reader, self.writer = await asyncio.wait_for(opened, PATIENCE)
        assert (await self.reply()).startswith(b"220")
        return self

    async def reply(self):
        reply = b""
        while True:
            line = await asyncio.wait_for(self.reader.readline(), PATIENCE)
            if not line:
                return reply
            reply += line
            if line[3:4] == b" ":
                return reply

    async def ask(self, line):
        self.writer.write(line)
        return await self.reply()

    async def start_tls(self):
        assert (await self.ask(b"EHLO soak.example\r\n")).startswith(b"250")
        assert (await self.ask(b"STARTTLS\r\n")).startswith(b"220")
        await asyncio.wait_for(self.writer.start_tls(TLS), PATIENCE)

    async def mail(self, messages=1):
        assert (await self.ask(b"EHLO soak.example\r\n")).startswith(b"250")
        for _ in range(messages):
            self.writer.write(b"MAIL FROM:<a@soak.example>\r\nRCPT TO:<b@load.example.com>\r\nDATA\r\n")
            replies = [await self.reply() for _ in range(3)]
            assert [reply[:3] for reply in replies] == [b"250", b"250", b"354"], replies
            reply = await self.ask(BODY)
            assert reply.startswith(b"250"), reply

    async def quit(self):
        await self.ask(b"QUIT\r\n")
        self.close()

    def close(self):
        self.writer.close()

    def abort(self):
        self.writer.transport.abort()


class Soak:
    def __init__(self, server, scale):
        self.server, self.scale = server, scale
        self.mails = 0
        self.slowest = 0.0

    def many(self, number):
        return max(int(number * self.scale), 2)

    async def all(self, number, parallel, what):
        """Does `what` so many times, so many at once."""
        numbers = iter(range(number))

        async def worker():
            for index in numbers:
                await what(index)

        await asyncio.gather(*(worker() for _ in range(parallel)))

    async def connection(self, index):
        began = time.monotonic()
        client = await Client.open(self.server)
        if index % 10 == 0 and hasattr(client.writer, "start_tls"):
            await client.start_tls()
        if index % 7 == 3:
            # A client that goes without a word, in the middle of a line.
            client.writer.write(b"EHLO soak.exam")
            client.abort()
            return
        await client.mail()
        self.mails += 1
        await client.quit()
        self.slowest = max(self.slowest, time.monotonic() - began)

    async def short(self):
        await self.all(self.many(20_000), 50, self.connection)

    async def idle(self):
        before = self.server.memory()
        clients = []

        async def open_one(_):
            clients.append(await Client.open(self.server))

        await self.all(self.many(10_000), 100, open_one)
        each = (self.server.memory() - before) * 1024 / len(clients)
        await self.all(self.many(500), 5, self.connection)
        # They are all still there.
        for client in clients[:: max(len(clients) // 100, 1)]:
            assert (await client.ask(b"NOOP\r\n")).startswith(b"250")
        for client in clients:
            client.close()
        return f"{len(clients)} idle sessions, {each:.1f} KiB each"

    async def trickle(self, address, before, text):
        """A client that writes byte by byte."""
        try:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(before)
            for byte in text:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.01)
            writer.close()
        except ConnectionError:
            pass

    async def deaf(self, address, text):
        """A client that writes and does not read, until it is told to go."""
        try:
            reader, writer = await asyncio.open_connection(*address, limit=1024)
            writer.transport.pause_reading()
            writer.write(text)
            await asyncio.sleep(self.many(5_000) / 1000)
            writer.transport.abort()
        except ConnectionError:
            pass

    async def slow(self):
        host = ":".join(map(str, self.server.control))
        smtp, http = self.server.smtp, self.server.control
        ehlo = b"EHLO soak.example\r\n"
        begin = ehlo + b"MAIL FROM:<a@soak.example>\r\nRCPT TO:<b@load.example.com>\r\n"
        stream = f"GET /api/v1/journal HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n".encode()
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
        number = self.many(40)
        self.server.reading.clear()
        kinds = [
            lambda: self.trickle(smtp, b"", b"EHLO " + b"x" * 200),
            lambda: self.trickle(smtp, begin + b"DATA\r\n", b"x" * 200),
            lambda: self.trickle(smtp, begin + b"BDAT 100000\r\n", b"x" * 200),
            lambda: self.trickle(smtp, ehlo + b"STARTTLS\r\n", hello + b"x" * 200),
            lambda: self.trickle(http, b"", f"GET /livez HTTP/1.1\r\nHost: {host}\r\nX: ".encode() + b"x" * 100),
            lambda: self.deaf(smtp, ehlo + b"NOOP\r\n" * 100_000),
            lambda: self.deaf(smtp, begin * 5_000),
            lambda: self.deaf(http, stream),
            lambda: self.deaf(http, f"GET /openapi.json HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() * 50),
        ]
        crowd = [kind() for kind in kinds for _ in range(number)]
        await asyncio.gather(*crowd, self.all(self.many(2_000), 5, self.connection))
        self.server.reading.set()
        return f"{number * len(kinds)} slow or deaf clients, and nobody at standard output"

    async def flood(self):
        async def endless(text):
            client = await Client.open(self.server)
            try:
                for _ in range(self.many(200)):
                    client.writer.write(text)
                    await client.writer.drain()
                client.abort()
            except ConnectionError:
                pass

        async def hello(_):
            try:
                reader, writer = await asyncio.open_connection(*self.server.control)
                writer.write(b"GET /livez HT")
                return writer
            except OSError:
                return None

        await asyncio.gather(
            endless(b"x" * 65536),
            endless(b"EHLO soak.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@load.example.com>\r\nDATA\r\n" + b"y" * 65536),
            endless(b"NOOP\r\n" * 1000),
            endless(b"FOO\r\n" * 1000),
            endless(b"BDAT 18446744073709551615\r\n" + b"z" * 65536),
        )
        writers = [await hello(index) for index in range(self.many(1_500))]
        await self.all(self.many(200), 5, self.connection)
        for writer in writers:
            if writer:
                writer.transport.abort()
        return f"{len(writers)} connections to the control API at once"

    async def http(self, request, body=""):
        host = ":".join(map(str, self.server.control))
        reader, writer = await asyncio.open_connection(*self.server.control)
        writer.write(
            f"{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        answer = (await asyncio.wait_for(reader.read(), PATIENCE)).decode()
        writer.close()
        assert " 500 " not in answer.splitlines()[0], answer
        return answer

    async def changes(self):
        done = asyncio.Event()
        changes = 0

        async def change():
            nonlocal changes
            connector = {"computer": "LOAD", "name": "More", "bindings": ["0.0.0.0:2525"]}
            while not done.is_set():
                for what in ("New", "Set"):
                    line = f"Get-ReceiveConnector Load | Set-ReceiveConnector -Fqdn {what.lower()}.example.com"
                    await self.http("POST /api/v1/cmdlets", json.dumps({"line": line}))
                await self.http("POST /api/v1/connectors", json.dumps(connector))
                await self.http("POST /api/v1/clock", '{"advance": "PT5M"}')
                await self.http("DELETE /api/v1/connectors/LOAD/More")
                await self.http("PUT /api/v1/computers/LOAD/faults", "[]")
                changes += 6
            back = "Get-ReceiveConnector Load | Set-ReceiveConnector -Fqdn load.example.com"
            await self.http("POST /api/v1/cmdlets", json.dumps({"line": back}))

        async def mail(index):
            # An advance of the clock may end a session whose time it uses up; any other end is a failure.
            try:
                await self.connection(index)
            except (AssertionError, ConnectionError):
                cut.append(index)

        cut = []
        changing = asyncio.create_task(change())
        number = self.many(3_000)
        await self.all(number, 20, mail)
        done.set()
        await changing
        minutes = changes // 6 * 5
        return f"{changes} changes, the clock {minutes} minutes on, {len(cut)} of {number} sessions timed out by it"

    async def counted(self):
        """The number of messages that the lab has accepted, by its own count."""
        answer = await self.http("GET /metrics")
        lines = [line for line in answer.splitlines() if line.startswith("starttls_lab_messages_total{")]
        return sum(int(line.split()[1]) for line in lines)

    async def free(self, descriptors):
        """Waits until the lab has no more descriptors open than that."""
        deadline = time.monotonic() + PATIENCE
        while len(now := self.server.descriptors()) > len(descriptors):
            assert time.monotonic() < deadline, f"open are {now}, and were {descriptors}"
            await asyncio.sleep(0.05)


async def soak(server, minutes, quick):
    run = Soak(server, 0.01 if quick else 1)
    # The ready line is printed before everything is open that stays open.
    await run.http("GET /readyz")
    descriptors, threads = server.descriptors(), server.threads()
    began, memory, rounds = time.monotonic(), [], 0
    while True:
        for part in (run.short, run.idle, run.slow, run.flood, run.changes):
            start = time.monotonic()
            about = await part()
            await run.free(descriptors)
            took = time.monotonic() - start
            state = f"{server.memory():6.1f} MB  {server.threads()} threads  slowest {run.slowest * 1000:5.0f} ms"
            print(f"{part.__name__:8} {took:6.1f} s  {state}  {about or ''}", flush=True)
            run.slowest = 0.0
        memory.append(server.memory())
        rounds += 1
        if quick or (rounds > 1 and time.monotonic() - began > minutes * 60):
            break
    counted = await run.counted()
    print(f"{rounds} rounds, {run.mails} messages, {server.printed >> 20} MB printed")
    wrong = []
    # A message whose client was cut off before it read the reply is counted by the lab alone.
    if not run.mails <= counted <= run.mails + rounds * 100:
        wrong.append(f"the lab has counted {counted} messages, its clients {run.mails}")
    if server.threads() > threads:
        wrong.append(f"{server.threads()} threads are left, and were {threads}")
    # The first round fills the journal to its bounds.
    if len(memory) > 1 and memory[-1] > memory[0] * 1.05 + 4:
        wrong.append("memory grows from round to round: " + ", ".join(f"{it:.1f} MB" for it in memory))
    told = time.monotonic()
    server.child.send_signal(signal.SIGTERM)
    code = server.child.wait(PATIENCE)
    if code != 0 or time.monotonic() - told > 3:
        wrong.append(f"SIGTERM: exit code {code} after {time.monotonic() - told:.1f} s")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = Server(args.program)
    try:
        wrong = asyncio.run(soak(server, args.minutes, args.quick))
    finally:
        server.child.kill()
    for line in wrong:
        print(f"WRONG: {line}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
