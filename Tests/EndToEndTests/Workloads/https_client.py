# Truth: an HTTPS client that sends requests one by one over one connection.
# Usage: https_client.py PORT PATH[*COUNT]…. Prints "ready", waits for SIGUSR1, and prints in the end
# "requests N mean_us M".
import http.client
import signal
import ssl
import sys
import time

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
print("ready", flush=True)
signal.sigwait({signal.SIGUSR1})
connection = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=context)
times = []
for argument in sys.argv[2:]:
    path, _, count = argument.partition("*")
    for _ in range(int(count or 1)):
        started = time.monotonic()
        connection.request("GET", path)
        connection.getresponse().read()
        times.append(time.monotonic() - started)
connection.close()
# The first one includes the handshake.
print("requests", len(times), "mean_us", round(sum(times[1:]) / len(times[1:]) * 1e6), flush=True)
