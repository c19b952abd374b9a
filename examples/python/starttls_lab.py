"""A running starttls-lab for tests in Python. The standard library is enough."""

import json
import os
import subprocess
import threading
from pathlib import Path

PATIENCE = 10  # seconds; nothing waits this long to succeed


class Lab:
    """A lab of its own process, on free ports of loopback.

    `scenario` is a story's name. The lab plays a copy of it in `folder`, so that a test can change it.
    """

    def __init__(self, scenario, folder):
        program = os.environ.get("STARTTLS_LAB", "starttls-lab")
        self._file = Path(folder, f"{scenario}.toml")
        self._story = subprocess.run([program, "show", scenario], check=True, capture_output=True, text=True).stdout
        self._file.write_text(self._story)
        self.ca_file = str(Path(folder, "ca.pem"))
        ready_file = str(Path(folder, "ready.json"))
        self._records = []
        self._more = threading.Condition()
        self._process = subprocess.Popen(
            [program, "serve", str(self._file), "--port", "0", "--ca-file", self.ca_file, "--ready-file", ready_file,
             "--journal", "-", "--exit-on-stdin-eof"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        first = self._process.stdout.readline()
        if not first:
            raise RuntimeError(f"the lab did not start (exit code {self._process.wait(PATIENCE)}); see its stderr")
        self.ready = json.loads(first)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def addr(self):
        """Host and port of the first connector."""
        host, port = self.ready["connectors"][0]["addr"].rsplit(":", 1)
        return host, int(port)

    def stop(self):
        """Ends the lab in good order; an error if there was none."""
        try:
            self._process.stdin.close()
            code = self._process.wait(PATIENCE)
        finally:
            self._process.kill()
        self._reader.join(PATIENCE)
        if code != 0:
            raise RuntimeError(f"the lab ended with exit code {code}")

    def mark(self):
        """The number of the newest record, for `after`."""
        with self._more:
            return self._records[-1]["seq"] if self._records else 0

    def records(self, after=0, **members):
        """The records behind number `after` that have these members."""
        with self._more:
            return [it for it in self._records if it["seq"] > after and _has(it, members)]

    def wait_for(self, after=0, **members):
        """The first record behind number `after` with these members; an error after ten seconds."""
        with self._more:
            if self._more.wait_for(lambda: self.records(after, **members), PATIENCE):
                return self.records(after, **members)[0]
            came = "\n".join(map(str, self.records(after))) or "nothing"
            raise TimeoutError(f"waited in vain for {members}; there came:\n{came}")

    def wait_for_message(self, after=0, **members):
        """The first message; its `tls` is None where it came in clear."""
        return self.wait_for(after, record="message", **members)

    def wait_for_session(self, after=0):
        """All records of the first conversation that has ended."""
        session = self.wait_for(after, record="disconnected")["session"]
        return self.records(session=session)

    def change(self, old, new):
        """Saves the lab file with a change in it; from the next connection on it counts."""
        text = self._file.read_text()
        assert old in text, f"{old!r} is not in the lab file"
        self._save(text.replace(old, new))

    def reset(self):
        """Back to the story as it was."""
        if self._file.read_text() != self._story:
            self._save(self._story)

    def _save(self, text):
        after = self.mark()
        self._file.write_text(text)
        self.wait_for(after, record="changed")

    def _read(self):
        for line in self._process.stdout:
            with self._more:
                self._records.append(json.loads(line))
                self._more.notify_all()


def _has(record, members):
    return all(record.get(name) == value for name, value in members.items())
