#!/usr/bin/env python3
"""Writes folded stacks of a made-up program, the same ones every time: folded_stacks.py STACKS [SEED].

A call graph of 8,000 functions with names as C, C++, Rust, Java, Go and the kernel have them (32 characters in the
mean), stacks of 20 to 120 frames on 16 threads, counts by Zipf's law, each stack once, in random order.
"""
import random
import sys

WORDS = ("read write parse header buffer queue flush lock page cache node tree hash table index event poll send recv "
         "commit log entry token frame stack value map filter scan merge sort split join copy move free alloc init "
         "close open handle request reply batch stream codec encode decode verify sign block chunk").split()


def names(generator):
    made = set()
    while len(made) < 8000:
        a, b, c, d = (generator.choice(WORDS) for _ in range(4))
        kind = generator.random()
        if kind < 0.35:
            name = f"{a}_{b}_{c}_{d}"
        elif kind < 0.5:
            name = f"__{a}_{b}_{c}_[k]"
        elif kind < 0.7:
            name = f"std::__{a}::{b.title()}<{c}, {d}>::{a}_{d}(int, {b} const&)"
        elif kind < 0.8:
            name = f"{a}::{b}::{c.title()}<{d}>::{b}_{a}"
        elif kind < 0.92:
            name = f"org.example.{a}.{b.title()}{c.title()}.{d}_[j]"
        else:
            name = f"github.com/{a}/{b}.(*{c.title()}).{d.title()}"
        made.add(name)
    return sorted(made)


def main():
    wanted = int(sys.argv[1])
    generator = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    functions = names(generator)
    generator.shuffle(functions)
    # A function calls a few others, the first ones most.
    callees = [[generator.randrange(len(functions)) for _ in range(generator.choice((2, 3, 3, 4, 6, 8)))]
               for _ in functions]
    weights = [1 / (rank + 1) for rank in range(8)]
    totals = [sum(weights[:count]) for count in range(9)]
    roots = [f"worker-{number};start_thread;thread_main_{number}" for number in range(16)]
    seen = set()
    out = sys.stdout
    rank = 0
    while len(seen) < wanted:
        function = generator.randrange(16) * 400
        path = [roots[function // 400]]
        for _ in range(generator.randint(20, 105)):
            path.append(functions[function])
            options = callees[function]
            pick = generator.random() * totals[len(options)]
            for index, weight in enumerate(weights):
                pick -= weight
                if pick <= 0:
                    break
            function = options[min(index, len(options) - 1)]
        line = ";".join(path)
        if hash_of(line) in seen:
            continue
        seen.add(hash_of(line))
        rank += 1
        out.write(f"{line} {max(1, int(1_000_000 / (1 + generator.randrange(wanted)) ** 0.9))}\n")


def hash_of(line):
    return hash(line)


main()
