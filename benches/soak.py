#!/usr/bin/env python3
"""Load and endurance: clients of every kind against one `serve`, on loopback, for some minutes.

    benches/soak.py target/release/starttls-lab --minutes 5
    benches/soak.py target/debug/starttls-lab --quick
    benches/soak.py target/release/starttls-lab --parts connects --connections 500000 --minutes 25

A round is: short sessions, connections that end at once, many idle sessions beside steady mail, slow and deaf clients
on every surface, floods beyond the limits, and changes while mail comes. After each part all descriptors have to be
free again; once the journal is full, the memory has to stay where it is; at the end every message and session is
counted, no thread is left over, and SIGTERM ends the lab. A day on the clock of a lab that hands mail on comes last,
with a queue that fills, a certificate that expires, and the same counts. `--parts` chooses, and `--quick` runs one
small round, in which memory is not judged: the journal is not full yet. Linux only, for it reads /proc.
"""

import argparse
import asyncio
import itertools
import json
import os
import pathlib
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

LABS = pathlib.Path(__file__).parent / "load"
BODY = b"Subject: soak\r\n\r\n" + b"0123456789abcdef" * 60 + b"\r\n.\r\n"
# Time-outs of this script; nothing waits that long to succeed.
PATIENCE = 60

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE


class Server:
    """The program under load."""

    def __init__(self, program, lab):
        command = [program, "serve", str(LABS / lab), "--port", "0", "--output", "json"]
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

    async def mail(self, messages=1, to=b"b@load.example.com"):
        assert (await self.ask(b"EHLO soak.example\r\n")).startswith(b"250")
        for _ in range(messages):
            self.writer.write(b"MAIL FROM:<a@soak.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" % to)
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
    def __init__(self, server, scale, connections=20_000):
        self.server, self.scale = server, scale
        self.connections = connections
        self.mails = self.sessions = self.rounds = 0
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
        self.sessions += 1
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

    def connect(self, index):
        """A connection that ends at once: by an end or a reset, before the banner, or after QUIT."""
        client = socket.socket()
        client.settimeout(PATIENCE)
        # Thousands of ports a second are free only for connections that are told apart by more than their port.
        client.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT of Linux
        client.bind((next(Client.sources), 0))
        client.connect(self.server.smtp)
        if index % 8 == 1:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif index % 8 > 3:
            assert client.recv(4096).startswith(b"220 ")
            client.sendall(b"EHLO soak.example\r\nQUIT\r\n")
            rest = b""
            while block := client.recv(4096):
                rest += block
            assert rest.splitlines()[-1].startswith(b"221 "), rest
        client.close()

    async def connects(self):
        number = self.many(self.connections)
        began = time.monotonic()

        def worker(first):
            for index in range(first, number, 4):
                self.connect(index)

        await asyncio.gather(*(asyncio.to_thread(worker, first) for first in range(4)))
        self.sessions += number
        return f"{number} connections that end at once, {number / (time.monotonic() - began):.0f} a second"

    async def idle(self):
        # On a busy machine it takes longer to open them than an Edge lets a session be idle.
        patient = "-ConnectionTimeout 1:00:00 -ConnectionInactivityTimeout 0:30:00"
        line = f"Get-ReceiveConnector Load | Set-ReceiveConnector {patient}"
        await self.http("POST /api/v1/cmdlets", json.dumps({"line": line}))
        before = self.server.memory()
        clients = []

        async def open_one(_):
            clients.append(await Client.open(self.server))

        await self.all(self.many(10_000), 100, open_one)
        self.sessions += len(clients)
        each = (self.server.memory() - before) * 1024 / len(clients)
        await self.all(self.many(500), 5, self.connection)
        # They are all still there.
        for client in clients[:: max(len(clients) // 100, 1)]:
            assert (await client.ask(b"NOOP\r\n")).startswith(b"250")
        for client in clients:
            client.close()
        await self.http("POST /api/v1/reset")
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

    async def deaf_inside_tls(self, text):
        try:
            client = await Client.open(self.server)
            if hasattr(client.writer, "start_tls"):
                await client.start_tls()
            client.writer.transport.pause_reading()
            client.writer.write(text)
            await asyncio.sleep(self.many(5_000) / 1000)
            client.abort()
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
            lambda: self.deaf_inside_tls(ehlo + b"NOOP\r\n" * 100_000),
        ]
        for path in ("/", "/page/app.js", "/openapi.json", "/api/v1/journal?after=0&limit=10000", "/metrics"):
            asking = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n\r\n".encode() * 50
            kinds.append(lambda asking=asking: self.deaf(http, asking))
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
        assert " 20" in answer.splitlines()[0], f"{request}: {answer}"
        return answer.partition("\r\n\r\n")[2]

    async def changes(self):
        done = asyncio.Event()
        changes = 0

        async def change():
            nonlocal changes
            connector = {"computer": "LOAD", "name": "More", "usage": "Custom", "bindings": ["0.0.0.0:2525"]}
            fault = {"at": "rset", "do": {"reply": "451 4.3.2 soak"}}
            while not done.is_set():
                for name in ("one.example.com", "load.example.com"):
                    line = f"Get-ReceiveConnector Load | Set-ReceiveConnector -Fqdn {name}"
                    await self.http("POST /api/v1/cmdlets", json.dumps({"line": line}))
                await self.http("POST /api/v1/connectors", json.dumps(connector))
                await self.http("POST /api/v1/clock", '{"advance": "PT5M"}')
                await self.http("DELETE /api/v1/connectors/LOAD/More")
                for faults in ([fault], []):
                    await self.http("PUT /api/v1/computers/LOAD/faults", json.dumps({"fault": faults}))
                await self.http("POST /api/v1/reset")
                changes += 8

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
        minutes = changes // 8 * 5
        return f"{changes} changes, the clock {minutes} minutes on, {len(cut)} of {number} sessions timed out by it"

    async def day(self):
        """A day on the clock of a lab that hands mail on; from noon on the next computer cannot be trusted. Two more
        days pass until the queue has given up what is in it, and one in which nothing is left to do."""
        hours, step = (1, 5) if self.scale == 1 else (4, 240)
        memory, sent = {}, {}
        for hour in range(hours, 24 * 4 + 1, hours):
            for _ in range(self.many(10) if hour <= 24 else 0):
                client = await Client.open(self.server)
                await client.mail(to=b"b@fabrikam.test")
                self.mails += 1
                self.sessions += 1
                await client.quit()
            for _ in range(0, hours * 60, step):
                await self.http("POST /api/v1/clock", json.dumps({"advance": f"PT{step}M"}))
                # What is due now is tried before the next step.
                await self.http("GET /api/v1/wait?for=quiet&ms=1&timeout_ms=60000")
                await self.free(self.smallest)
            memory[hour] = self.server.memory()
            sent[hour] = await self.counted('sessions_total{direction="send"}')
        # What was handed on has been counted a second time, by the next computer.
        handed_on = await self.counted('messages_total{security="tls"}')
        assert 0 < handed_on < self.mails, f"{handed_on} of {self.mails} messages were handed on"
        self.mails += handed_on
        events = {event["event_id"] for event in json.loads(await self.http("GET /api/v1/events"))}
        assert {12016, 12018} <= events, f"the certificate has expired, and logged are {events}"
        assert sent[12] < sent[24] < sent[48] and sent[76] == sent[96], f"attempts by hour: {sent}"
        # By the end of the second day the journal is full, if it is ever going to be.
        if self.scale == 1:
            assert memory[96] < memory[48] * 1.05 + 4, f"memory grows, by hour: {memory}"
        by_day = " ".join(f"{memory[hour]:.0f}" for hour in (24, 48, 72, 96))
        return f"{handed_on} handed on, {sent[96]} attempts, events {sorted(events)}, MB at the end of four days: {by_day}"

    async def counted(self, what):
        """The number of messages or of sessions that the lab has begun, by its own count."""
        answer = await self.http("GET /metrics")
        lines = [line for line in answer.splitlines() if line.startswith(f"starttls_lab_{what}")]
        return sum(int(line.split()[1]) for line in lines)

    async def free(self, descriptors):
        """Waits until the lab has no more descriptors open than that."""
        deadline = time.monotonic() + PATIENCE
        while len(now := self.server.descriptors()) > len(descriptors):
            assert time.monotonic() < deadline, f"open are {now}, and were {descriptors}"
            await asyncio.sleep(0.05)


    async def settled(self, threads):
        """What is wrong with the counts of a lab whose clients have all gone."""
        wrong = []
        messages, sessions = await self.counted("messages_total"), await self.counted("sessions_total")
        # A message whose client was cut off before it read the reply is counted by the lab alone.
        if not self.mails <= messages <= self.mails + self.rounds * 100:
            wrong.append(f"the lab has counted {messages} messages, its clients {self.mails}")
        if sessions < self.sessions:
            wrong.append(f"the lab has counted {sessions} sessions, its clients {self.sessions}")
        if self.server.threads() > threads:
            wrong.append(f"{self.server.threads()} threads are left, and were {threads}")
        told = time.monotonic()
        self.server.child.send_signal(signal.SIGTERM)
        code = self.server.child.wait(PATIENCE)
        if code != 0 or time.monotonic() - told > 3:
            wrong.append(f"SIGTERM: exit code {code} after {time.monotonic() - told:.1f} s")
        return wrong

    async def part(self, part):
        start = time.monotonic()
        about = await part()
        await self.free(self.smallest)
        took = time.monotonic() - start
        state = f"{self.server.memory():6.1f} MB  {self.server.threads()} threads"
        slowest = f"slowest {self.slowest * 1000:5.0f} ms"
        print(f"{part.__name__:8} {took:6.1f} s  {state}  {slowest}  {about or ''}", flush=True)
        self.slowest = 0.0

    async def run(self, parts, minutes, quick):
        # The ready line is printed before everything is open that stays open.
        await self.http("GET /readyz")
        self.smallest, threads = self.server.descriptors(), self.server.threads()
        began, memory = time.monotonic(), []
        while True:
            for part in parts:
                await self.part(getattr(self, part))
            # Until the journal is full, it grows.
            if await self.counted('journal_dropped_total{kind="entry"}'):
                memory.append(self.server.memory())
            self.rounds += 1
            late = time.monotonic() - began > minutes * 60
            if quick or parts == ["day"] or (late and (self.rounds > 1 or not minutes)):
                break
        print(f"{self.rounds} rounds, {self.sessions} sessions and {self.mails} messages of which each was counted, "
              f"{self.server.printed >> 20} MB printed")
        wrong = await self.settled(threads)
        if len(memory) > 1 and memory[-1] > memory[0] * 1.05 + 4:
            wrong.append("memory grows from round to round: " + ", ".join(f"{it:.1f} MB" for it in memory))
        return wrong


PARTS = ["short", "connects", "idle", "slow", "flood", "changes", "day"]


def main():
    global PATIENCE
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--minutes", type=float, default=5, help="0 is one round")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--scale", type=float, default=1, help="of every part, such as 0.2 on a busy machine")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds after which a client gives up")
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    parser.add_argument("--connections", type=int, default=20_000, help="of the part `connects`, a round")
    args = parser.parse_args()
    # In a quick round, what is wrong is said before the test that runs it gives up.
    PATIENCE = min(args.patience, 20) if args.quick else args.patience
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    parts = args.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    wrong = []
    labs = {"lab.toml": [it for it in parts if it != "day"], "day.toml": [it for it in parts if it == "day"]}
    for lab, of_lab in labs.items():
        if not of_lab:
            continue
        server = Server(args.program, lab)
        try:
            soak = Soak(server, 0.01 if args.quick else args.scale, args.connections)
            wrong += asyncio.run(soak.run(of_lab, args.minutes, args.quick))
        finally:
            server.child.kill()
    for line in wrong:
        print(f"WRONG: {line}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
