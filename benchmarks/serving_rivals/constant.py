"""(a) A constant Flask route on our own server with our own settings: ``python constant.py PORT ROWS…``."""

import sys

from flask import Flask, Response, request

from iris_lab.serving.server import run_granian

app = Flask(__name__)


def add_route(rows):
    """Add a route whose answer is as long as that to so many rows."""
    answer = b'{"result":[' + b",".join([b"0"] * rows) + b"]}"

    def constant():
        request.get_data()
        return Response(answer, mimetype="application/json")

    app.add_url_rule(f"/constant/{rows}", f"constant_{rows}", constant, methods=["POST"])


if __name__ == "__main__":
    for rows in sys.argv[2:]:
        add_route(int(rows))
    run_granian(lambda: app, "127.0.0.1", int(sys.argv[1]))
