"""For a number of seconds, compiles functions that live for some ms, each with a name and a file of its own number. The memory
of code that was freed is used again at once.

Usage: python_churn.py SECONDS
"""

import sys
import time

SOURCE = """
def function_{number}():
    total = 0
    for value in range({turns}):
        total += value
    return total

function_{number}()
"""


def churn(seconds):
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        number += 1
        source = SOURCE.format(number=number, turns=20000 + number % 97 * 1000)
        exec(compile(source, f"churn_{number}.py", "exec"), {})


churn(float(sys.argv[1]))
