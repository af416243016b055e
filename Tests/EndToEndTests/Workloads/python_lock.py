"""Two threads compute, so that each waits for the global lock half of the time; a third one sleeps.

Prints for how many milliseconds it has slept.
"""

import sys
import threading
import time


def compute(until):
    number = 0
    while time.monotonic() < until:
        for _ in range(1000):
            number += 1


def rest(until):
    milliseconds = 0
    while time.monotonic() < until:
        time.sleep(0.05)
        milliseconds += 50
    print("slept", milliseconds)


def main(seconds):
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=work, args=(until,)) for work in (compute, compute, rest)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main(float(sys.argv[1]))
