"""An application that answers questions about itself. It trusts whoever asks: for test hosts only.

``MARKER`` tells one release from another (a test changes the file), ``PROBE_MARKER`` one environment from another.
``PROBE_IMPORT_SECONDS`` makes the import slow, as that of a large application is.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response, abort, jsonify, request, url_for

MARKER = "one"
BLOCK = 64 * 1024

time.sleep(float(os.environ.get("PROBE_IMPORT_SECONDS", "0")))

app = Flask(__name__)


@app.get("/")
def marker() -> str:
    """`<MARKER>.<PROBE_MARKER>`: which release with which environment answers."""
    return f"{MARKER}.{os.environ.get('PROBE_MARKER', '')}\n"


@app.get("/healthz")
def healthz() -> tuple[str, int]:
    """The status PROBE_HEALTH names, 200 unless set."""
    return "health\n", int(os.environ.get("PROBE_HEALTH", "200"))


@app.get("/request")
@app.get("/request/<path:rest>")
def seen_request(rest: str = "") -> Response:
    """The request as the application sees it."""
    return jsonify(
        method=request.method,
        remote_addr=request.remote_addr,
        scheme=request.scheme,
        host=request.host,
        root_path=request.root_path,
        path=request.path,
        query=request.query_string.decode(),
        url=url_for("seen_request", rest=rest or None, _external=True),
        headers=list(request.headers),
        server_software=request.environ.get("SERVER_SOFTWARE"),
        multiprocess=request.environ["wsgi.multiprocess"],
        multithread=request.environ["wsgi.multithread"],
        environ={name: value for name, value in request.environ.items() if isinstance(value, str)},
    )


app.add_url_rule("/request", "seen_web_socket", seen_request, websocket=True)


@app.get("/env")
def env() -> Response:
    """The environment of the process."""
    return jsonify(dict(os.environ))


@app.get("/process")
def process() -> Response:
    """Who and what answers: ids, privileges, interpreter, directory."""
    status = dict(line.split(":\t", 1) for line in read_text("/proc/self/status").splitlines())
    return jsonify(
        pid=os.getpid(),
        uid=os.getuid(),
        gid=os.getgid(),
        groups=os.getgroups(),
        umask=status["Umask"],
        capabilities=status["CapEff"],
        no_new_privileges=status["NoNewPrivs"] == "1",
        seccomp=status["Seccomp"] == "2",
        python=sys.version.split()[0],
        prefix=sys.prefix,
        directory=str(Path.cwd()),
        argv=sys.orig_argv,
        threads=threading.active_count(),
    )


@app.get("/pid")
def pid() -> str:
    """The process that answers."""
    return f"{os.getpid()}\n"


@app.get("/headers")
def large_headers() -> Response:
    """`count` headers of `size` bytes each, `X-Large-1` and so on."""
    count, size = int(request.args.get("count", "8")), int(request.args.get("size", "3900"))
    return Response("", headers={f"X-Large-{number}": "x" * size for number in range(1, count + 1)})


@app.get("/stream")
def stream() -> Response:
    """`chunks` lines, one every `seconds`, each sent when it is made."""
    chunks, seconds = int(request.args.get("chunks", "5")), float(request.args.get("seconds", "0.2"))

    def lines() -> Iterator[str]:
        for number in range(chunks):
            if number:
                time.sleep(seconds)
            yield f"{number}\n"

    return Response(lines(), mimetype="text/plain", headers={"X-Accel-Buffering": "no"})


@app.route("/socket", websocket=True)
def web_socket() -> str:
    """Shake hands as RFC 6455 says and send back the bytes of one frame as they come; under gunicorn, which gives its socket away."""
    connection: socket.socket = request.environ["gunicorn.socket"]
    key = request.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    head = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    connection.sendall(head.encode())
    connection.sendall(connection.recv(BLOCK))
    return ""


@app.get("/slow")
def slow() -> str:
    """The marker, after `seconds`."""
    time.sleep(float(request.args.get("seconds", "5")))
    return marker()


@app.get("/bytes")
def some_bytes() -> Response:
    """`count` bytes, not compressible in the way text is."""
    count = int(request.args.get("count", "1048576"))
    return Response((bytes(min(BLOCK, count - start)) for start in range(0, count, BLOCK)), headers={"Content-Length": str(count)})


@app.post("/upload")
def upload() -> Response:
    """Length and SHA-256 of the body, read as it comes."""
    digest, length = hashlib.sha256(), 0
    while block := request.stream.read(BLOCK):
        digest.update(block)
        length += len(block)
    return jsonify(length=length, sha256=digest.hexdigest(), marker=marker().strip())


@app.get("/status/<int:code>")
def status(code: int) -> tuple[str, int]:
    """An answer with this status."""
    return f"{code}\n", code


@app.get("/raise")
def raise_error() -> str:
    """An error the application does not handle."""
    raise RuntimeError(request.args.get("text", "raised for a test"))


@app.get("/exit")
def exit_process() -> str:
    """End this worker at once, in the middle of the request."""
    os._exit(3)


@app.get("/log")
def log() -> str:
    """Write `text` to the log of the application, to stdout and to stderr."""
    text = request.args.get("text", "logged for a test")
    app.logger.warning("logger %s", text)
    print("stdout", text, flush=True)
    print("stderr", text, file=sys.stderr, flush=True)
    return "logged\n"


@app.post("/write")
def write() -> Response:
    """Try to write a file at `path`."""
    path = request.args["path"]
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write("written by probe\n")
    except OSError as error:
        return jsonify(path=path, written=False, error=error.strerror)
    return jsonify(path=path, written=True, error=None)


@app.get("/read")
def read() -> Response:
    """Try to read the text file at `path`."""
    path = request.args["path"]
    try:
        return jsonify(path=path, text=read_text(path), error=None)
    except OSError as error:
        return jsonify(path=path, text=None, error=error.strerror)


@app.get("/connect")
def connect() -> Response:
    """Try to open a connection: `family` unix (`path`) or inet (`host`, `port`)."""
    family = request.args.get("family", "inet")
    if family not in {"unix", "inet"}:
        abort(400)
    try:
        if family == "unix":
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(request.args["path"])
        else:
            with socket.create_connection((request.args["host"], int(request.args["port"])), timeout=5):
                pass
    except OSError as error:
        return jsonify(connected=False, error=error.strerror or str(error))
    return jsonify(connected=True, error=None)


def read_text(path: str) -> str:
    return Path(path).read_text("utf-8", errors="replace")
