"""Calls of known shape. Prints the address of each code object by its function's name, then does as it is told.

Usage: python_calls.py shares            burns CPU: 60, 30 and 10 % below a key function of sorted()
       python_calls.py deep              burns CPU in stacks of different depths, up to 200
       python_calls.py sleeps COUNT      sleeps 40 ms and 60 ms in two methods, that often
       python_calls.py fork              after SIGUSR1, burns CPU in a child that executes no other program
       python_calls.py threads           burns CPU in two threads, and without the lock in a third one
"""

import hashlib
import json
import os
import signal
import sys
import threading
import time


def burn(count):
    total = 0
    for number in range(count):
        total += number * number
    return total


def sixty():
    return burn(120000)


def thirty():
    return burn(60000)


def ten():
    return burn(20000)


def key(function):
    return function()


def outer():
    return sorted([sixty, thirty, ten], key=key)


def shares():
    while True:
        outer()


def descend(depth):
    return burn(2000) if depth == 0 else descend(depth - 1)


def twice(depth):
    return list(map(descend, [depth, depth // 2]))


def deep():
    while True:
        for depth in (1, 20, 60, 100, 200):
            twice(depth)


class Program:
    def methodA(self):
        self.methodB()

    def methodB(self):
        self.methodC()
        self.methodD()

    def methodC(self):
        time.sleep(0.04)

    def methodD(self):
        time.sleep(0.06)


def sleeps():
    program = Program()
    for _ in range(int(sys.argv[2])):
        program.methodA()


def fork():
    signal.sigwait([signal.SIGUSR1])
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        while os.getppid() == parent:
            outer()
        sys.exit()
    os.waitpid(child, 0)


def digest():
    data = bytes(1 << 26)
    while True:
        hashlib.sha256(data).digest()


def threads():
    for function in (shares, digest):
        threading.Thread(target=function, daemon=True).start()
    shares()


signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
codes = {
    function.__name__: function.__code__
    for function in (burn, sixty, thirty, ten, key, outer, shares, descend, twice, deep, sleeps, fork, digest, threads,
                     Program.methodA, Program.methodB, Program.methodC, Program.methodD)
}
codes["<module>"] = sys._getframe().f_code
print("ready", json.dumps({name: id(code) for name, code in codes.items()}), flush=True)
globals()[sys.argv[1]]()
