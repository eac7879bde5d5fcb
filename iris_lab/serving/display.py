"""The output of a notebook cell for an endpoint: one sentence, and the demo page while the endpoint answers.

The output is saved with the notebook, so it must also be true after the endpoint has stopped.
"""

from collections.abc import Callable, Iterable
from functools import cache
from html import escape
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

SENTENCE = "The endpoint answers while the kernel that launched it runs."
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
_HEADERS = [
    ("Content-Type", "image/svg+xml"),
    ("Content-Length", str(len(_SVG))),
    ("Cache-Control", "no-store"),  # a cached response would outlive the endpoint
    ("Cross-Origin-Resource-Policy", "cross-origin"),  # the notebook has another origin
    ("X-Content-Type-Options", "nosniff"),
]


def static_html() -> str:
    """Return the sentence alone."""
    return f"<p>{SENTENCE}</p>"


def live_html(*, port: int, token: str, prefix: str, curl: str) -> str:
    """Return the sentence, and a script that adds link, demo page and curl line once the endpoint has answered.

    A saved notebook is also read after the endpoint has stopped, and by other people. The script asks for a token that
    only this endpoint knows; without an answer only the sentence is visible.

    Parameters
    ----------
    port
        Port of the endpoint.
    token
        The token of `with_proof`.
    prefix
        URL path under which jupyter-server-proxy runs, ending in a slash; if empty, the page in the browser knows it.
    curl
        The part of a curl command after the endpoint's URL.
    """
    data = {"port": str(port), "token": token, "prefix": prefix, "curl": curl}
    attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    return f'{static_html()}<div class="iris-lab-endpoint" {attributes}></div><script>{_script()}</script>'


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def with_proof(inner: WSGIApplication, token: str, accept_host: Callable[[str], None]) -> WSGIApplication:
    """Return an application that also answers ``/launched/TOKEN``, with an image.

    A page of another origin can load an image and see that it loaded, but cannot read any other response.

    Parameters
    ----------
    inner
        Answers all other requests.
    token
        A secret of the cell's output.
    accept_host
        Called with the Host header of such a request. Who knows the token shows the notebook, so its Host is that of
        a JupyterLab on this machine, whose jupyter-server-proxy passes it on.
    """

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == f"/launched/{token}" and environ["REQUEST_METHOD"] == "GET":
            accept_host(environ.get("HTTP_HOST", ""))
            start_response("200 OK", _HEADERS)
            return [_SVG]
        return inner(environ, start_response)

    return application
