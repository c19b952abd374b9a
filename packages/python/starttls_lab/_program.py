"""The program starttls-lab: where it is, and one running process of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import IO, Any, Deque, Dict, List, Optional, Sequence

from ._api import LabError

#: How long a lab may take to start and to end, in seconds.
START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0


def find_program() -> str:
    """Returns the program's path: `STARTTLS_LAB`, then the one of this package, then the one on the `PATH`."""
    given = os.environ.get("STARTTLS_LAB")
    if given:
        return given
    name = "starttls-lab.exe" if os.name == "nt" else "starttls-lab"
    for scheme in (None, "user"):
        try:
            folder = sysconfig.get_path("scripts", f"{os.name}_{scheme}") if scheme else sysconfig.get_path("scripts")
        except KeyError:
            continue
        if folder and Path(folder, name).is_file():
            return str(Path(folder, name))
    found = shutil.which("starttls-lab")
    if found is None:
        raise LabError(
            "the program starttls-lab was not found: it is neither in this environment's scripts nor on the PATH; "
            "install the wheel of your platform, or set STARTTLS_LAB to the program's path"
        )
    return found


class Program:
    """A process of `starttls-lab serve` that ends when this one does."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="starttls-lab-")
        self.ca_file = str(Path(self.folder.name, "ca.pem"))
        command = [
            find_program(), "serve", *arguments,
            "--port", "0", "--ca-file", self.ca_file, "--exit-on-stdin-eof",
        ]  # fmt: skip
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()
            )
        except OSError as error:
            self.folder.cleanup()
            raise LabError(f"cannot run {command[0]}: {error}") from None
        self._output: Deque[str] = deque(maxlen=200)
        self._first_line = threading.Event()
        self._ready: Optional[Dict[str, Any]] = None
        self._threads: List[threading.Thread] = []
        for stream, is_stdout in ((self._process.stdout, True), (self._process.stderr, False)):
            assert stream is not None
            thread = threading.Thread(target=self._read, args=(stream, is_stdout), daemon=True)
            thread.start()
            self._threads.append(thread)
        self._first_line.wait(START_TIMEOUT)
        if self._ready is None:
            self.kill()
            raise LabError("the lab did not start:\n" + "".join(self._output))

    @property
    def ready(self) -> Dict[str, Any]:
        """The ready line."""
        assert self._ready is not None
        return self._ready

    def _read(self, stream: IO[bytes], is_stdout: bool) -> None:
        for raw in stream:
            line = raw.decode("utf-8", "replace")
            if is_stdout and not self._first_line.is_set():
                self._ready = json.loads(line)
                self._first_line.set()
            else:
                self._output.append(line)
        if is_stdout:
            # It ended before it was ready: its complaint is on standard error.
            if not self._first_line.is_set() and len(self._threads) > 1:
                self._threads[1].join(STOP_TIMEOUT)
            self._first_line.set()

    def stop(self) -> None:
        """Ends the process in good order."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            code = self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LabError(f"the lab did not end within {STOP_TIMEOUT:.0f} s and was killed") from None
        self._clean_up()
        if code != 0:
            raise LabError(f"the lab ended with exit code {code}:\n" + "".join(self._output))

    def kill(self) -> None:
        """Ends the process at once."""
        self._process.kill()
        self._process.wait()
        self._clean_up()

    def _clean_up(self) -> None:
        for thread in self._threads:
            thread.join(STOP_TIMEOUT)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self.folder.cleanup()


def _environment() -> Dict[str, str]:
    """This process's environment without the program's own variables, which would change the lab."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("STARTTLS_LAB")}
