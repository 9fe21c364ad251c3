"""A way to an S3 server on which requests can be refused, delayed or lost; signatures stay valid."""

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests import servers

CODES = {500: "InternalError", 503: "SlowDown"}


@dataclass(frozen=True)
class Verdict:
    """What becomes of a request: `status` is answered in place of the server's own, `is_lost` after it was done."""

    status: int | None = None
    is_lost: bool = False


@dataclass
class Proxy:
    """Asks `rule` about every PUT by the name of its object; the others are forwarded."""

    to: servers.S3
    rule: Callable[[str], Verdict | None]
    port: int = 0
    puts: list[str] = field(default_factory=list)
    read: Counter = field(default_factory=Counter)  # bytes, by the name of the object
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def env(self) -> dict[str, str]:
        return self.to.env | {"AWS_ENDPOINT_URL": f"http://{servers.HOST}:{self.port}"}

    def verdict(self, method: str, path: str) -> Verdict:
        if method != "PUT":
            return Verdict()
        with self.lock:
            self.puts.append(name_of(path))
            return self.rule(name_of(path)) or Verdict()

    def answered(self, path: str, size: int) -> None:
        with self.lock:
            self.read[name_of(path)] += size


def name_of(path: str) -> str:
    """The last part of an object's key."""
    return urlsplit(path).path.rpartition("/")[2]


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits for an acknowledgement

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        verdict = self.server.proxy.verdict(self.command, self.path)
        try:
            if verdict.status and not verdict.is_lost:
                self.refuse(verdict.status)
                return
            status, headers, answer = self.asked(body)
            if self.command == "GET":
                self.server.proxy.answered(self.path, len(answer))
            if verdict.status:
                self.refuse(verdict.status)
            else:
                self.answer(status, headers, answer)
        except OSError:  # the server is gone, or the client
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward

    def asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """The server's answer to the same request, whose Host is what was signed; a dead server ends it."""
        connection = http.client.HTTPConnection(urlsplit(self.server.proxy.to.endpoint).netloc, timeout=30)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("expect", "connection"):
                    connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        except http.client.HTTPException as e:
            raise OSError(str(e)) from e
        finally:
            connection.close()

    def refuse(self, status: int) -> None:
        text = f"<Error><Code>{CODES[status]}</Code><Message>not now</Message></Error>".encode()
        self.answer(status, [("Content-Type", "application/xml")], text)

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        length = str(len(body))
        for name, value in headers:
            if name.lower() == "content-length":
                length = value  # a HEAD's answer has one, and no body
            elif name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: Proxy) -> None:
        super().__init__((servers.HOST, 0), _Handler)
        self.proxy = proxy

    def handle_error(self, *_arguments: object) -> None:
        """A request that could not be forwarded: its connection just ends."""


@contextmanager
def proxied(to: servers.S3, rule: Callable[[str], Verdict | None]) -> Iterator[Proxy]:
    """A proxy before the S3 server; `proxy.env` leads to it."""
    proxy = Proxy(to, rule)
    with _Server(proxy) as server:
        proxy.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
