"""What the endpoint answers to a request it refuses: problem documents after RFC 9457."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

PROBLEM_TYPE = "application/problem+json"
MAX_PROBLEMS = 20  # of one request; a client that sent 10,000 bad rows needs no 10,000 lines
MAX_QUOTED_CHARACTERS = 60  # characters of what came that are quoted back

KINDS = {
    "not-json": (400, "The body is not JSON, or nested too deeply."),
    "not-utf-8": (400, "The body has bytes that are not UTF-8."),
    "length": (400, "The body is not as long as Content-Length says, or that is no number."),
    "request": (400, "The request cannot be answered as it is: a range that a file has not, for example."),
    "route": (404, "There is nothing at this path."),
    "method": (405, "The path does not take this method; the header Allow names those it takes."),
    "timeout": (408, "The body did not come in time."),
    "too-large": (413, "The body is over the limit; send fewer samples at a time."),
    "content-type": (415, "Content-Type is not application/json, or the body is compressed."),
    "host": (421, "The Host header names another host: a web page elsewhere may have sent the request."),
    "invalid-data": (422, "The JSON is not a prediction request for this model; the member problems says where."),
    "internal": (500, "The endpoint failed, which is never the client's fault; its log says why."),
}  # kind -> status, meaning; each has a paragraph in the documentation page


class Reply(NamedTuple):
    """What goes back to the client, whichever way the request took."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@cache
def phrase(status: int) -> str:
    """Return the phrase of a status; Python before 3.13 still has RFC 7231's for two of them."""
    newer = {413: "Content Too Large", 422: "Unprocessable Content"}
    return newer.get(status) or HTTPStatus(status).phrase


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a request.

    Attributes
    ----------
    detail
        One sentence: where, what came, what was expected.
    row, feature
        Which sample, counted from 0, and which of its features, where that is known.
    given, expected
        What came, shortened, and what was expected.
    """

    detail: str
    row: int | None = None
    feature: str | None = None
    given: str | None = None
    expected: str | None = None

    def document(self) -> dict[str, Any]:
        """Return what is known of it, as in the answer."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass
class HTTPProblem(Exception):  # noqa: N818 - a refused request is no error of ours
    """A request that is answered with a 4xx.

    Attributes
    ----------
    status
        HTTP status code.
    kind
        Which kind of problem, an anchor of the documentation page.
    detail
        One sentence for the client.
    problems
        All that was found, up to `MAX_PROBLEMS`.
    headers
        Further headers of the answer, such as ``Allow``.
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
            "error": self.detail,  # where clients of the Open Inference Protocol look
        }
        if self.problems:
            document["problems"] = [problem.document() for problem in self.problems[:MAX_PROBLEMS]]
        return Reply(self.status, [("Content-Type", PROBLEM_TYPE), *self.headers.items()], orjson.dumps(document))


def quoted(text: str) -> str:
    """Return text of a client shortened and fit to print: lone surrogates and control characters escaped."""
    short = text if len(text) <= MAX_QUOTED_CHARACTERS else text[: MAX_QUOTED_CHARACTERS - 1] + "…"
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short) + '"'
