"""Divides CPU time among functions and lines: 60 % first, in two lines by two to one; 30 % second; 10 % Third.run."""

import sys
from time import thread_time


def first(until):
    middle = until - 0.02
    while thread_time() < middle: pass  # two thirds
    while thread_time() < until: pass  # one third


def second(until):
    while thread_time() < until: pass


class Third:
    def run(self, until):
        while thread_time() < until: pass


def main(seconds):
    third = Third()
    end = thread_time() + seconds
    at = thread_time()
    while at < end:
        first(at + 0.06)
        second(at + 0.09)
        third.run(at + 0.1)
        at += 0.1


main(float(sys.argv[1]))
