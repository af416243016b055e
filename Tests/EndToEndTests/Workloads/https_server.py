# Truth: an HTTPS server, which answers /ok/MS 200 after so many milliseconds, and /status/NNN so.
# Usage: https_server.py CERTIFICATE KEY. Prints "ready" and its port, then the path of each request, until it is killed.
import http.server
import ssl
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else the body waits until the head is acknowledged, which takes the client 40 ms.
    disable_nagle_algorithm = True

    def do_GET(self):
        print(self.path, flush=True)
        kind, number = self.path[1:].split("/")
        if kind == "ok":
            time.sleep(int(number) / 1000)
        self.send_response(int(number) if kind == "status" else 200)
        self.send_header("Content-Length", "12")
        self.end_headers()
        self.wfile.write(b"hello world\n")

    def log_message(self, *arguments):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", server.server_address[1], flush=True)
server.serve_forever()
