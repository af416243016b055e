"""Burns CPU in a greenlet that three functions have switched to, and half as much in the greenlet that it comes from.

Usage: python_greenlets.py SECONDS

The line that it prints begins with "ready" and goes on with JSON: the functions of the greenlet as Python itself sees them
from within, from root to leaf.
"""

import json
import sys
import time

import greenlet


def burn(milliseconds):
    end = time.thread_time() + milliseconds / 1000
    while time.thread_time() < end:
        sum(map(len, ("greenlet",) * 200))


def names():
    frame = sys._getframe(1)
    result = []
    while frame:
        result.insert(0, frame.f_code.co_name)
        frame = frame.f_back
    return result


def inside():
    print("ready", json.dumps(names()), flush=True)
    while True:
        burn(20)
        main.switch()


def task():
    inside()


def third():
    worker.switch()


def second():
    sorted([1], key=lambda _: third())


def first():
    second()
    burn(10)


main = greenlet.getcurrent()
worker = greenlet.greenlet(task)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    first()
