"""Truth: sends requests over one connection, in an order made up at random, and says what the answers were.

Usage: http_matrix.py PORT COUNT METHOD PATH [METHOD PATH]... Waits for SIGUSR1 once it has said "ready"; says "answers",
then a JSON object in a line: how many answers had which status, by method and path.
"""

import collections
import http.client
import json
import random
import signal
import sys

port, count, words = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
choices = list(zip(words[::2], words[1::2]))
generator = random.Random(14)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
connection = http.client.HTTPConnection("127.0.0.1", port)
connection.connect()
socket = connection.sock
answers = collections.defaultdict(collections.Counter)
for _ in range(count):
    method, path = generator.choice(choices)
    headers = {"Accept-Encoding": "gzip"} if generator.random() < 0.5 else {}
    connection.request(method, path, b"x" * 300 if method == "POST" else None, headers)
    if connection.sock is not socket:
        sys.exit("the server has closed the connection")
    answer = connection.getresponse()
    answer.read()
    answers[f"{method} {path}"][f"{answer.status // 100}xx"] += 1
print("answers", json.dumps(answers), flush=True)
