"""What the network can send, on each way through the code: the headers, limits and refusals are the same."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPResponse
from pathlib import Path

import pytest
import requests
from services import BODY, HEADERS, SETOSA, Client, Service, raw, serving

from iris_lab.modeling import load_model
from iris_lab.serving import Server, create_app
from iris_lab.serving.http.middleware import LOOPBACK, Rules

LIMIT = 20_000
ORIGIN = "https://example.org"
HOST, JSON, LENGTH = "Host: localhost", "Content-Type: application/json", f"Content-Length: {len(BODY)}"
GOOD = raw(HOST, JSON, LENGTH, "Connection: close", body=BODY)


@pytest.fixture(scope="module", params=["Granian", "waitress", "waitress, through Flask"])
def client(request: pytest.FixtureRequest, iris_run: Path) -> Iterator[Client]:
    if request.param == "Granian":
        options = ("--max-body", str(LIMIT), "--allow-origin", ORIGIN, "--allow-host", "Iris.example.org")
        with serving(iris_run, *options) as service:
            yield service
        return
    rules = Rules(max_body=LIMIT, origins=(ORIGIN,), hosts=(*LOOPBACK, "iris.example.org"))
    listener = socket.create_server(("127.0.0.1", 0))
    fast_path = request.param == "waitress"
    with Server(create_app(load_model(iris_run), rules=rules, fast_path=fast_path), listener) as server:
        yield Client("127.0.0.1", server.port)


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"(?:^|[\n}\]!])HTTP/1\.[01] (\d+)", answer)]


def problem(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    found: dict[str, object] = json.loads(body)
    return found


def test_a_body_over_the_limit_is_refused_by_its_length_alone(client: Client) -> None:
    answer = client.say(raw(HOST, JSON, f"Content-Length: {LIMIT + 1}"))
    assert statuses(answer) == [413]
    assert problem(answer)["detail"] == f"the body is over the limit of {LIMIT} bytes"


CHUNKED = "Transfer-Encoding: chunked"
CHUNK = b"%x\r\n%b\r\n" % (len(BODY), BODY)  # a whole request in one chunk


def test_a_body_over_the_limit_without_a_length_is_refused_before_its_end(client: Client) -> None:
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
    answer = client.say(raw(HOST, JSON, CHUNKED, body=chunk * 10))
    assert statuses(answer) == [413 if buffers(client) else 411]
    assert problem(answer)["status"] in (411, 413)


def buffers(client: Client) -> bool:
    """Say whether it is waitress, which reads a body to its end before the application sees it."""
    return not isinstance(client, Service)


def test_a_chunked_body_is_read_by_waitress_and_asked_for_its_length_by_granian(client: Client) -> None:
    answer = client.say(raw(HOST, JSON, CHUNKED, body=CHUNK + b"0\r\n\r\n") + GOOD)
    assert statuses(answer) == [200 if buffers(client) else 411, 200]


@pytest.mark.parametrize("rest", [b"", b"zz\r\n", b"5\r\nab", b"0\r\n"])
@pytest.mark.parametrize("pause", [0, 0.1])
def test_a_chunked_body_that_breaks_off_is_never_answered_200(client: Client, rest: bytes, pause: float) -> None:
    answered = good_ones(client)
    with socket.create_connection((client.host, client.port), timeout=60) as connection:
        connection.sendall(raw(HOST, JSON, CHUNKED, body=CHUNK))
        time.sleep(pause)
        connection.sendall(rest)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            assert statuses(answer.read()) in ([], [400], [411])
    assert good_ones(client) == answered


def test_a_client_that_is_gone_before_the_end_of_its_body_is_not_counted_as_answered(client: Client) -> None:
    answered = good_ones(client)
    for head in (CHUNKED, f"Content-Length: {len(BODY) + 1}"):
        with socket.create_connection((client.host, client.port), timeout=60) as connection:
            connection.sendall(raw(HOST, JSON, head, body=CHUNK if head == CHUNKED else BODY))
    time.sleep(0.3)
    assert good_ones(client) == answered


def good_ones(client: Client) -> float:
    """Return how many predictions were answered 200, as the endpoint counts them."""
    found = re.search(
        r'^iris_lab_requests_total\{method="POST",route="/predict_species",status="200"\} (.+)$',
        client.get("/metrics")[1].decode(),
        re.MULTILINE,
    )
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("encoding", ["gzip, chunked", "gzip,chunked"])
def test_another_transfer_encoding_is_not_implemented(client: Client, encoding: str) -> None:
    body = CHUNK + b"0\r\n\r\n"
    answer = client.say(raw(HOST, JSON, f"Transfer-Encoding: {encoding}", "Connection: close", body=body))
    assert statuses(answer) == [501]


def test_a_client_that_sends_far_too_much_gets_its_answer(client: Client) -> None:
    answer = requests.post(f"{client.url}/predict_species", data=b" " * 2**24, headers=HEADERS, timeout=60)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_at_the_limit_is_read(client: Client) -> None:
    body = BODY + b" " * (LIMIT - len(BODY))
    answer = client.say(raw(HOST, JSON, f"Content-Length: {LIMIT}", "Connection: close", body=body))
    assert statuses(answer) == [200]


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        (415, raw(HOST, "Content-Type: text/plain", LENGTH, body=BODY)),
        (415, raw(HOST, "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n")),
        (421, raw("Host: evil.example", JSON, LENGTH, body=BODY)),
        (404, raw(HOST, JSON, LENGTH, body=BODY, start="POST /nowhere HTTP/1.1")),
        (405, raw(HOST, JSON, LENGTH, body=BODY, start="GET /predict_species HTTP/1.1")),
        (400, raw(HOST, JSON, "Content-Length: 2", body=b"{{")),
    ],
)
def test_after_a_refusal_the_connection_goes_on_with_the_next_request(
    client: Client, status: int, refused: bytes
) -> None:
    answer = client.say(refused + GOOD)
    assert statuses(answer) == [status, 200]
    assert answer.endswith(b'{"result":[0]}')


REFUSED = [
    (415, "POST /predict_species", "Content-Type: text/csv", HOST),
    (404, "POST /nowhere", JSON, HOST),
    (405, "PUT /predict_species", JSON, HOST),
    (421, "POST /predict_species", JSON, "Host: evil.example"),
]


@pytest.mark.parametrize(("status", "line", "content_type", "host"), REFUSED)
@pytest.mark.parametrize("pause", [0, 0.001, 0.05])
def test_a_refusal_leaves_the_connection_usable_although_the_body_comes_later(
    client: Client, status: int, line: str, content_type: str, host: str, pause: float
) -> None:
    for _ in range(10):
        with socket.create_connection((client.host, client.port), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(raw(host, content_type, LENGTH, start=f"{line} HTTP/1.1"))
            time.sleep(pause)
            connection.sendall(BODY)
            first = HTTPResponse(connection)
            first.begin()
            first.read()
            assert (first.status, first.will_close) == (status, False)
            connection.sendall(GOOD)
            with connection.makefile("rb") as answer:
                assert statuses(answer.read()) == [200]


def test_a_plain_client_sees_the_refusal_of_a_body_up_to_the_limit(client: Client) -> None:
    with closing(client.connect()) as connection:
        for _ in range(20):
            connection.request("POST", "/nowhere", b" " * LIMIT, HEADERS)
            answer = connection.getresponse()
            assert (answer.status, answer.will_close) == (404, False)
            answer.read()


def test_a_refusal_says_that_the_connection_ends_when_the_body_is_over_the_limit(client: Client) -> None:
    with closing(client.connect()) as connection:
        connection.putrequest("POST", "/nowhere")
        connection.putheader("Content-Length", str(LIMIT + 1))
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, answer.will_close) == (404, True)


def test_a_body_that_nobody_read_is_never_taken_for_a_request(client: Client) -> None:
    hidden = raw(HOST, "Connection: close", start="GET /model HTTP/1.1")
    with socket.create_connection((client.host, client.port), timeout=60) as connection:
        connection.sendall(raw(HOST, "Content-Type: text/plain", f"Content-Length: {len(hidden)}"))
        time.sleep(0.3)
        connection.sendall(hidden)
        answer = connection.recv(65536)
        connection.settimeout(0.5)
        with suppress(TimeoutError):
            while received := connection.recv(65536):
                answer += received
    assert statuses(answer) == [415]
    assert b'"classes"' not in answer


def test_a_client_that_waits_for_100_continue_hears_it(client: Client) -> None:
    with socket.create_connection((client.host, client.port), timeout=60) as connection:
        connection.sendall(raw(HOST, JSON, LENGTH, "Expect: 100-continue", "Connection: close"))
        assert statuses(connection.recv(65536)) == [100]
        connection.sendall(BODY)
        with connection.makefile("rb") as answer:
            assert statuses(answer.read()) == [200]


def test_requests_sent_at_once_are_answered_in_order(client: Client) -> None:
    answer = client.say(raw(HOST, JSON, LENGTH, body=BODY) * 5 + raw(HOST, start="GET / HTTP/1.1") + GOOD)
    assert statuses(answer) == [200] * 7
    assert answer.index(b"predictor API") > answer.index(b'{"result":[0]}')


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\xff\r\n\r\n",
        raw(HOST, JSON, "Content-Length: abc", "Connection: close"),
        raw(HOST, JSON, "Content-Length: -1", "Connection: close"),
        raw(HOST, JSON, LENGTH, "Content-Length: 5", "Connection: close", body=BODY),
        raw(HOST, JSON, "Transfer-Encoding: chunked", "Connection: close", body=b"zz\r\n"),
    ],
)
def test_what_is_not_http_is_refused(client: Client, sent: bytes) -> None:
    assert statuses(client.say(sent)) == [411 if b"chunked" in sent and not buffers(client) else 400]
    assert statuses(client.say(GOOD)) == [200]


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil@localhost", "localhost.evil:80"),
        *("192.168.1.1", "[::2]:80", "", "localhost, evil.example", "iris.example.org.evil.example"),
    ],
)
def test_a_request_to_another_host_is_refused(client: Client, host: str) -> None:
    answer = client.say(raw(f"Host: {host}", JSON, LENGTH, "Connection: close", body=BODY))
    assert statuses(answer) == [421]
    assert "Host" in str(problem(answer)["detail"])


def test_a_request_without_a_host_is_refused(client: Client) -> None:
    assert statuses(client.say(raw(start="GET /health/live HTTP/1.0"))) == [421]
    assert statuses(client.say(raw(start="GET http://evil.example/model HTTP/1.0"))) == [421]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:5000",
        "127.0.0.1",
        "127.0.0.1:80",
        "[::1]:5000",
        "iris.example.org",
        "IRIS.example.org:1",
    ],
)
def test_our_own_names_are_known(client: Client, host: str) -> None:
    assert statuses(client.say(raw(f"Host: {host}", JSON, LENGTH, "Connection: close", body=BODY))) == [200]


EVERYTHING = [
    *(("GET", path, 200) for path in ("/", "/docs", "/model", "/openapi.json", "/health/live", "/metrics")),
    *(("POST", "/predict_species", 400), ("HEAD", "/", 200), ("OPTIONS", "/predict_species", 200)),
    *(("GET", "/nowhere", 404), ("GET", "/predict_species", 405), ("BREW", "/", 405)),
]


@pytest.mark.parametrize(("method", "path", "status"), EVERYTHING)
def test_every_answer_has_the_same_headers(client: Client, method: str, path: str, status: int) -> None:
    headers = HEADERS | {"Accept": "text/html"}
    answer = requests.request(method, client.url + path, headers=headers | {"X-Request-ID": "mine-1"}, timeout=60)
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["X-Request-ID"] == "mine-1"
    assert not re.search(r"\d", answer.headers.get("Server", ""))
    assert "Access-Control-Allow-Origin" not in answer.headers
    if answer.headers["Content-Type"].startswith("text/html"):
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    if status >= 400:
        assert answer.json()["request_id"] == "mine-1"


@pytest.mark.parametrize("unfit", ["", "two words", "<script>", "x" * 129, "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_an_unfit_request_id_is_replaced(client: Client, unfit: str) -> None:
    headers = {**HEADERS, "X-Request-ID": unfit.encode("latin-1")}
    answer = requests.post(f"{client.url}/predict_species", BODY, headers=headers, timeout=60)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "//etc/passwd"])
def test_no_path_leads_out_of_the_static_files(client: Client, path: str) -> None:
    assert statuses(client.say(raw(HOST, "Connection: close", start=f"GET {path} HTTP/1.1"))) == [404]


def test_a_page_of_an_origin_we_know_may_ask(client: Client) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-request-id"}
    url, origin = f"{client.url}/predict_species", {"Origin": ORIGIN}
    before = requests.options(url, headers=asked | origin, timeout=60)
    answer = requests.post(url, json={"data": [SETOSA]}, headers=origin, timeout=60)
    assert (before.ok, answer.json()) == (True, {"result": [0]})
    assert before.headers["Access-Control-Allow-Origin"] == answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert before.headers["Access-Control-Allow-Headers"] == "Content-Type, X-Request-ID"
    assert answer.headers["Access-Control-Expose-Headers"] == "X-Request-ID"
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "http://example.org", "https://example.org.evil", "null"])
def test_a_page_of_another_origin_may_not(client: Client, origin: str) -> None:
    answer = requests.options(f"{client.url}/predict_species", headers={"Origin": origin}, timeout=60)
    assert not any(name.lower().startswith("access-control") for name in answer.headers)
