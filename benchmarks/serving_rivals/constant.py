"""(a) A constant Flask route, in our own place on our own server: ``python constant.py RUN PORT ROWS…``."""

import sys
from pathlib import Path

from flask import Flask, Response, request

from iris_lab.serving.endpoint import Endpoint
from iris_lab.serving.http.bodies import BodyReader
from iris_lab.serving.http.middleware import MAX_BODY_BYTES, Rules
from iris_lab.serving.servers import granian as server

app = Flask(__name__)
endpoint = Endpoint(app, BodyReader(MAX_BODY_BYTES, 20.0, lambda: False), Rules(), "")


def add_route(rows):
    """Add a route whose answer is as long as that to so many rows."""
    answer = b'{"result":[' + b",".join([b"0"] * rows) + b"]}"

    def constant():
        request.get_data()
        return Response(answer, mimetype="application/json")

    app.add_url_rule(f"/constant/{rows}", f"constant_{rows}", constant, methods=["POST"])


if __name__ == "__main__":
    for rows in sys.argv[3:]:
        add_route(int(rows))
    server.endpoint_of = lambda *given, **options: endpoint
    server.serve(Path(sys.argv[1]), port=int(sys.argv[2]))
