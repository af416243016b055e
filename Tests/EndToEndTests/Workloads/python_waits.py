"""Sleeps 40 ms and 60 ms by turns, in two functions behind the same callers."""

import sys
from time import sleep


def method_c():
    sleep(0.04)


def method_d():
    sleep(0.06)


def method_b():
    method_c()
    method_d()


def method_a():
    method_b()


def main(rounds):
    for _ in range(rounds):
        method_a()


main(int(sys.argv[1]))
