# A process that encrypts and decrypts without a pause: two ends of one TLS connection within it.
# Usage: busy_tls.py CERTIFICATE KEY. Prints "ready", and "rate N", calls of the library a second, each half second.
import socket
import ssl
import sys
import threading
import time

server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server_context.load_cert_chain(sys.argv[1], sys.argv[2])
client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client_context.check_hostname = False
client_context.verify_mode = ssl.CERT_NONE
left, right = socket.socketpair()
ends = []
thread = threading.Thread(target=lambda: ends.append(server_context.wrap_socket(right, server_side=True)))
thread.start()
client = client_context.wrap_socket(left)
thread.join()
print("ready", flush=True)
calls, started = 0, time.monotonic()
while True:
    client.send(b"x")
    ends[0].recv(1)
    calls += 2
    elapsed = time.monotonic() - started
    if elapsed >= 0.5:
        print("rate", round(calls / elapsed), flush=True)
        calls, started = 0, time.monotonic()
