"""A backend: says hello on every path, and answers the operations of echo.openapi.json."""

import http.server
import json
import socketserver
import sys
from urllib.parse import parse_qs, unquote, urlsplit


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one segment, or the client waits for a delayed acknowledgement.
    wbufsize = 65536

    def answer(self, status, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(value, bytes) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        target = urlsplit(self.path)
        if target.path.startswith("/echo/"):
            limit = parse_qs(target.query).get("limit", ["0"])[0]
            if not limit.isascii() or not limit.isdigit():
                return self.answer(400, {"code": "400", "message": "limit is no number"})
            return self.answer(200, {"id": unquote(target.path[6:], errors="replace"), "limit": int(limit[:15])})
        return self.answer(200, b"hello")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not urlsplit(self.path).path == "/echo":
            return self.answer(200, b"hello")
        try:
            value = json.loads(body)
            if not isinstance(value, dict) or not isinstance(value.get("name"), str):
                raise ValueError
        except ValueError:
            return self.answer(400, {"code": "400", "message": "no object with a name"})
        return self.answer(200, {"name": value["name"]})

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
