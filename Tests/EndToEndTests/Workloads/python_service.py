"""Computes in one thread and waits in another, for ever, each in a function and on a line of its own."""

import threading
import time


def compute_here():
    total = 0
    for number in range(10**12): total += number & 7  # computes


def wait_here():
    while True:
        time.sleep(0.2)  # waits


threading.Thread(target=wait_here, daemon=True).start()
compute_here()
