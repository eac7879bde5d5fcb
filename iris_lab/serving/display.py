"""What a cell shows of an endpoint: a sentence that stays true, and the demo page while the endpoint answers."""

from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

SENTENCE = "The endpoint answers while the kernel that launched it runs."
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
_HEADERS = [
    ("Content-Type", "image/svg+xml"),
    ("Content-Length", str(len(_SVG))),
    ("Cache-Control", "no-store"),  # a stored answer would outlive the endpoint
    ("Cross-Origin-Resource-Policy", "cross-origin"),  # the notebook's page has another origin
    ("X-Content-Type-Options", "nosniff"),
]


def static_html() -> str:
    """Return what is shown wherever nothing is known of the endpoint."""
    return f"<p>{SENTENCE}</p>"


def live_html(*, port: int, token: str, prefix: str, curl: str) -> str:
    """Return the sentence, and a script that adds link, demo page and curl line once the endpoint has answered.

    A notebook is saved with its outputs, and read when the endpoint is gone or by somebody else: without the answer
    to the token, which no other endpoint gives, only the sentence is visible.

    Parameters
    ----------
    port
        Where the endpoint listens.
    token
        The token of `with_proof`.
    prefix
        Where jupyter-server-proxy is, ending in a slash; empty for none.
    curl
        What stands after the URL of the endpoint in a curl command.
    """
    data = {"port": str(port), "token": token, "prefix": prefix, "curl": curl}
    attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    return f'{static_html()}<div class="iris-lab-endpoint" {attributes}></div><script>{_script()}</script>'


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def with_proof(inner: WSGIApplication, token: str) -> WSGIApplication:
    """Return an application that answers ``/launched/TOKEN`` with an image, and everything else as before.

    A page of another origin may load an image and see whether it was received, but read no answer of the endpoint.
    """

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == f"/launched/{token}" and environ["REQUEST_METHOD"] == "GET":
            start_response("200 OK", _HEADERS)
            return [_SVG]
        return inner(environ, start_response)

    return application
