"""A server of Python's own library: heads and bodies in writes of their own. Says "ready" and its port."""

import gzip
from http.server import BaseHTTPRequestHandler, HTTPServer

ROWS = [b"row %d\n" % number for number in range(600)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, status, body=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/rows":
            self.answer(200, Transfer_Encoding="chunked")
            for row in ROWS if self.command != "HEAD" else []:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(row), row))
            if self.command != "HEAD":
                self.wfile.write(b"0\r\n\r\n")
        elif self.path == "/packed":
            self.answer(200, gzip.compress(b"".join(ROWS)), Content_Encoding="gzip")
        elif self.path == "/large":
            self.answer(200, bytes(300000))
        elif self.path == "/missing":
            self.answer(404, b"no such thing")
        elif self.path == "/broken":
            self.answer(500, b"broken" * 100)
        elif self.path == "/empty":
            self.answer(204)
        else:
            self.answer(200, b"ok")

    do_HEAD = do_POST = do_GET

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print("ready", server.server_port, flush=True)
server.serve_forever()
