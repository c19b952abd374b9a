"""The control API of a running lab."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, List, Mapping, Optional


class LabError(Exception):
    """The lab could not do what it was asked; the text is its own."""


class WaitTimeout(LabError, AssertionError):
    """Nothing matched in time; the text lists what arrived and why it did not match."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(problem["detail"])
        self.near_misses: List[Dict[str, Any]] = problem.get("near_misses", [])


class Api:
    """Requests to `/api/v1`."""

    def __init__(self, control: str) -> None:
        self.url = control
        # Without proxies: the lab is on loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, method: str, path: str, body: Any = None, timeout: float = 60.0) -> Any:
        """Sends a request and returns the JSON of the answer, or its text where it is none."""
        data: Optional[bytes] = None
        headers = {}
        if body is not None:
            text = isinstance(body, str)
            data = body.encode() if text else json.dumps(body).encode()
            headers["Content-Type"] = "application/toml" if text else "application/json"
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data, headers, method=method)
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                content = answer.read()
                is_json = answer.headers.get_content_type() == "application/json"
        except urllib.error.HTTPError as error:
            problem = json.load(error)
            if error.code == 408:
                raise WaitTimeout(problem) from None
            raise LabError(problem["detail"]) from None
        except OSError as error:
            raise LabError(f"the lab does not answer at {self.url}: {error}") from None
        return json.loads(content) if is_json else content.decode("utf-8", "replace")

    def list(self, path: str) -> List[Any]:
        """Returns a list that the control API has in stretches."""
        items: List[Any] = self.ask("GET", f"{path}?limit={LONGEST_LIST}")
        if len(items) == LONGEST_LIST:
            raise LabError(f"there are {LONGEST_LIST} {path} or more; ask the control API for a stretch of them")
        return items


#: What the control API lists at most.
LONGEST_LIST = 10_000


def query(parameters: Mapping[str, Any]) -> str:
    """The parameters that are given, as a query."""
    return urllib.parse.urlencode({name: value for name, value in parameters.items() if value is not None})


def quoted(*words: str) -> str:
    """Segments of a path."""
    return "/".join(urllib.parse.quote(word, safe="") for word in words)
