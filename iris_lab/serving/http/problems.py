"""Refused requests are answered with problem documents (RFC 9457)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

PROBLEM_TYPE = "application/problem+json"
MAX_PROBLEMS = 20  # of one request: nobody reads 10,000 lines about 10,000 bad rows
MAX_QUOTED_CHARACTERS = 60  # of a received value, in a message

KINDS = {
    "not-json": (400, "The body is not JSON, or nested too deeply."),
    "not-utf-8": (400, "The body has bytes that are not UTF-8."),
    "length": (400, "The body is shorter than Content-Length says, or Content-Length is not a number."),
    "request": (400, "The request is malformed in another way, for example with a range outside of a file."),
    "route": (404, "There is nothing at this path."),
    "not-shared": (404, "The owner of the training data did not share rows of it."),
    "method": (405, "The path does not allow this method; the Allow header lists the methods it allows."),
    "timeout": (408, "The body was not received in time."),
    "no-length": (411, "The body is chunked: iris-lab serve needs a Content-Length, to notice a body that breaks off."),
    "too-large": (413, "The body is over the limit; send fewer samples at a time."),
    "content-type": (415, "Content-Type is not application/json, or the body is compressed."),
    "host": (421, "The Host header names another host: a web page elsewhere may have sent the request."),
    "invalid-data": (422, "The JSON is not a valid request for this model; the member problems says why."),
    "transfer-encoding": (501, "Transfer-Encoding names another encoding than chunked."),
    "internal": (500, "The endpoint failed. This is not the client's fault; the endpoint's log says why."),
}  # kind -> status, meaning; the documentation page lists them


class Reply(NamedTuple):
    """A response, from Flask or from the fast path."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def with_headers(self, more: Mapping[str, str]) -> "Reply":
        """Return it with further headers, each once."""
        added = [pair for pair in more.items() if pair not in self.headers]
        return self._replace(headers=[*self.headers, *added]) if added else self


@cache
def phrase(status: int) -> str:
    """Return the reason phrase of a status; before Python 3.13, two of those in ``http`` are outdated."""
    newer = {413: "Content Too Large", 422: "Unprocessable Content"}
    return newer.get(status) or HTTPStatus(status).phrase


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a request.

    Attributes
    ----------
    detail
        One sentence: where, what was received, what was expected.
    row, feature
        The sample, counted from 0, and its feature, if known.
    given, expected
        What was received, shortened, and what was expected.
    """

    detail: str
    row: int | None = None
    feature: str | None = None
    given: str | None = None
    expected: str | None = None

    def document(self) -> dict[str, Any]:
        """Return what is known, for the problem document."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass
class HTTPProblem(Exception):  # noqa: N818 (named after RFC 9457; a bad request is not an error of the program)
    """A refused request; raised by a handler, and answered with a problem document.

    Attributes
    ----------
    status
        HTTP status code.
    kind
        A key of `KINDS`, which is also an anchor of the documentation page.
    detail
        One sentence for the client.
    problems
        What was found, up to `MAX_PROBLEMS`.
    headers
        Further headers of the response, such as ``Allow``.
    """

    status: int
    kind: str
    detail: str
    problems: Sequence[Problem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def reply(self, request_id: str) -> Reply:
        """Return the problem document."""
        document: dict[str, Any] = {
            "type": f"/docs#{self.kind}",
            "title": phrase(self.status),
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
            "error": self.detail,  # for clients of the Open Inference Protocol
        }
        if self.problems:
            document["problems"] = [problem.document() for problem in self.problems[:MAX_PROBLEMS]]
        return Reply(self.status, [("Content-Type", PROBLEM_TYPE), *self.headers.items()], orjson.dumps(document))


def quoted(text: str) -> str:
    """Return a client's text in quotes: shortened, with lone surrogates and control characters escaped."""
    short = text if len(text) <= MAX_QUOTED_CHARACTERS else text[: MAX_QUOTED_CHARACTERS - 1] + "…"
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short) + '"'
