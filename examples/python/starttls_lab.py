"""A running starttls-lab for tests in Python. The standard library is enough."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

PATIENCE = 10  # seconds; nothing waits this long to succeed


class LabError(Exception):
    """The lab did not do what it was asked, and says why."""


class Lab:
    """A lab of its own process, on free ports of loopback.

    `scenario` is a lab file or a story's name; into `folder` goes what the lab writes.
    """

    def __init__(self, scenario, folder):
        program = os.environ.get("STARTTLS_LAB", "starttls-lab")
        ready_file, log = Path(folder, "ready.json"), Path(folder, "lab.log")
        self.ca_file = str(Path(folder, "ca.pem"))
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [program, "serve", scenario, "--port", "0", "--ready-file", str(ready_file),
                 "--ca-file", self.ca_file, "--exit-on-stdin-eof"],
                stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        waiting = [program, "readyz", "--wait", "--timeout", "1s", "--ready-file", str(ready_file)]
        deadline = time.monotonic() + PATIENCE
        try:
            while subprocess.run(waiting, capture_output=True).returncode != 0:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise LabError(f"the lab did not start:\n{log.read_text()}")
            self.ready = json.loads(ready_file.read_text())
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        # Without proxies: the lab is on loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def stop(self):
        """Ends the lab in good order; an error if there was none."""
        self._process.stdin.close()
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code != 0:
            raise LabError(f"the lab ended with exit code {code}")

    def run(self, line, answers=()):
        """Types cmdlets into the lab's Shell and returns what stands on the screen."""
        return self.ask("POST", "cmdlets", {"line": line, "answers": list(answers)})["output"]

    def wait(self, kind, timeout=PATIENCE, **conditions):
        """The first message, session or event with these conditions, such as `to` and `security`.

        Where none comes in time, the error says what came instead, and how it missed.
        """
        conditions = {name: value for name, value in conditions.items() if value is not None}
        query = {"for": kind, "timeout_ms": round(timeout * 1000), **conditions}
        return self.ask("GET", f"wait?{urllib.parse.urlencode(query)}")["items"][0]

    def ask(self, method, path, body=None):
        """A request to the control API; /openapi.json describes them all."""
        request = urllib.request.Request(
            f"{self.ready['control']}/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            # The lab answers a wait in vain by itself, and better.
            with self._opener.open(request, timeout=3 * PATIENCE) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            raise LabError(json.load(error)["detail"]) from None
        return json.loads(content) if content else None


class Connector:
    """A receive connector on a port of its own, so that tests do not get into each other's way.

    `parameters` are the keys of a lab file's `receive_connector`.
    """

    def __init__(self, lab, computer, name, **parameters):
        self.lab, self.identity = lab, f"{computer}\\{name}"
        self._path = "connectors/" + "/".join(urllib.parse.quote(word, safe="") for word in (computer, name))
        made = lab.ask("POST", "connectors", {"computer": computer, "name": name, **parameters})
        host, port = made["addrs"][0].rsplit(":", 1)
        self.addr = host, int(port)

    def set(self, words):
        """Set-ReceiveConnector with these words; they count from the next connection on."""
        self.lab.run(f'Set-ReceiveConnector "{self.identity}" {words}')

    def starttls(self):
        """Whether STARTTLS is offered, and why: `offered`, `because`, the certificate's `label`, ..."""
        return self.lab.ask("GET", self._path)["starttls"]

    def wait_for_message(self, to=None, security=None):
        """The first message that came here; `security` is "tls" or "clear"."""
        return self.lab.wait("message", connector=self.identity, to=to, security=security)

    def wait_for_session(self, after=None):
        """The first conversation that has ended here, behind the journal's entry of number `after`."""
        return self.lab.wait("session", connector=self.identity, after=after)

    def remove(self):
        """Its port is free afterwards."""
        self.lab.ask("DELETE", self._path)
