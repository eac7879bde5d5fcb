"""Shared by all handlers of requests with a body: content type, limits, and turns for large bodies."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, TypeVar
from wsgiref.types import WSGIEnvironment

from werkzeug.http import parse_options_header

from iris_lab.garbage import uncollected
from iris_lab.serving.http.bodies import BodyReader
from iris_lab.serving.http.middleware import Rules
from iris_lab.serving.http.problems import HTTPProblem

LARGE_BODY_BYTES = 2**18  # larger bodies are answered one at a time, so that small ones need not wait for several
_Answer = TypeVar("_Answer")


class BodyHandler:
    """Reads the body of a request within the limits and passes it on.

    Parameters
    ----------
    rules
        Limits of size and time.

    Attributes
    ----------
    reader
        Reads the bodies, and can watch for late ones.
    """

    def __init__(self, rules: Rules) -> None:
        self.reader = BodyReader(rules.max_body, rules.body_seconds, self._is_busy)
        self._turn = Lock()
        # One entry per large body in progress; list operations are atomic, so it needs no lock.
        self._large: list[None] = []

    def answer(self, environ: WSGIEnvironment, answer: Callable[[bytes], _Answer], *content_types: str) -> _Answer:
        """Return ``answer(body)``; large bodies are answered one at a time.

        Parameters
        ----------
        environ
            The request.
        answer
            From the body to the answer.
        content_types
            Content types that are accepted in addition to JSON; an empty one stands for a missing header.

        Raises
        ------
        HTTPProblem
            The body has another type or is over a limit, or `answer` raises it.
        """
        check_content_type(environ, *content_types)
        body = self.reader.read(environ)
        if len(body) < LARGE_BODY_BYTES:
            return answer(body)
        self._large.append(None)
        try:
            with self._turn, uncollected():
                try:
                    return answer(body)
                except HTTPProblem as problem:
                    raise problem.with_traceback(None) from None  # its frames would keep the decoded body alive
        finally:
            self._large.pop()

    def _is_busy(self) -> bool:
        return bool(self._large)


def check_content_type(environ: Mapping[str, Any], *others: str) -> None:
    """Refuse a body that is declared neither as JSON in UTF-8 nor as one of `others`; an empty one means no header.

    Raises
    ------
    HTTPProblem
        415.
    """
    encoding = environ.get("HTTP_CONTENT_ENCODING")
    if encoding and encoding.lower() != "identity":
        detail = f"Content-Encoding is {encoding[:60]!a}, expected an uncompressed body"
        raise HTTPProblem(415, "content-type", detail, headers={"Accept-Encoding": "identity"})
    given = environ.get("CONTENT_TYPE", "")
    if given == "application/json" or given in others:
        return
    media_type, parameters = parse_options_header(given)
    if media_type.lower() != "application/json" or parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        received = f"is {given[:60]!a}" if given else "is missing"
        raise HTTPProblem(415, "content-type", f"Content-Type {received}, expected application/json in UTF-8")
