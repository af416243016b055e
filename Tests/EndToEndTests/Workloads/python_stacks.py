"""Waits in threads of many shapes, prints what each executes as Python itself sees it, and stops.

The line begins with "ready" and goes on with JSON: `threads`, each with its `id` (that of its thread pointer) and its
`frames` from leaf to root: qualified name, file, line; and `names` of threads, by the numbers that the kernel gives them.
"""

import asyncio  # noqa: F401 - it has the place of the task that runs
import ctypes
import functools
import hashlib
import json
import os
import signal
import sys
import threading
import time
import _thread

GATE = _thread.allocate_lock()
GATE.acquire()
REST_LINE = 0
DATA = bytes(1 << 20)


def rest(*_):
    GATE.acquire()
    return 0


def digest():
    hash = hashlib.sha256()
    while True: hash.update(DATA)  # the lock is released meanwhile


def recursion(depth):
    return recursion(depth - 1) if depth else rest()


def generate():
    yield 1
    yield rest()


def generator():
    for value in generate():
        if value == 0:
            return value


def comprehension():
    return [rest() for _ in range(2)]


def nested_comprehension():
    return [[rest(y) for y in range(2)] for _ in range(2)]


def generator_expression():
    return sum(rest() for _ in range(2))


class Shop:
    def open(self):
        return self.serve()

    @classmethod
    def serve(cls):
        return cls.close()

    @staticmethod
    def close():
        class Inner:
            rest()


class Key:
    def __init__(self, value):
        self.value = value

    def __lt__(self, other):
        return rest() < 0


def sort_by_key():
    return sorted([3, 1, 2], key=lambda value: rest() + value)


def sort_by_comparison():
    return sorted([Key(1), Key(2)])


def partial():
    return functools.partial(functools.partial(rest, 1), 2)()


def callback():
    return ctypes.CFUNCTYPE(ctypes.c_int)(rest)()


def callback_in_callback():
    return ctypes.CFUNCTYPE(ctypes.c_int)(callback)()


def outer():
    def inner():
        return (lambda: rest())()

    return inner()


def many_lines():
    return (
        1 +
        rest(1,
             2) +
        2
    )


def long_function():
    source = "def far():\n" + "".join("  x%d = %d\n" % (i, i) for i in range(3000)) + "\n" * 300 + "  rest()\n"
    scope = {"rest": rest}
    exec(compile(source, "/made/far.py", "exec"), scope)
    scope["far"]()


def context_manager():
    class Manager:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            rest()

    with Manager():
        pass


def handler():
    try:
        raise ValueError
    except ValueError:
        rest()
    finally:
        pass


def näme():
    return rest()


def ελληνικά():
    return näme()


def 𐐨𐐩():
    return ελληνικά()


def foreign_file():
    source = "def %s():\n  go()\n%s()\n" % (2 * ("x" * 700,))
    exec(compile("\n\n" + source, "/tmp/schön/ελ/😀.py", "exec"), {"go": 𐐨𐐩})


def in_greenlet():
    import greenlet

    greenlet.greenlet(recursion).switch(3)


INNER = """
import json, os, sys
def innermost():
    os.write({out}, json.dumps(list(frames())).encode()); os.read({wait}, 1)
def frames():
    frame = sys._getframe(1)
    while frame:
        yield getattr(frame.f_code, "co_qualname", frame.f_code.co_name), frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
innermost()
"""


def in_interpreter(interpreters, truth, out, wait):
    inner = interpreters.create()
    truth.append((threading.get_ident(), [*frames_of(sys._getframe())])); interpreters.run_string(inner, INNER.format(out=out, wait=wait))


def frames_of(frame):
    while frame:
        code = frame.f_code
        yield getattr(code, "co_qualname", code.co_name), code.co_filename, frame.f_lineno
        frame = frame.f_back


def start_interpreter(truth):
    """Starts a thread in an interpreter of its own; returns its frames there."""
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    (answer, out), (wait, keep) = os.pipe(), os.pipe()
    thread = threading.Thread(target=in_interpreter, args=(interpreters, truth, out, wait), daemon=True)
    thread.start()
    start_interpreter.pipe = keep
    return thread.ident, json.loads(os.read(answer, 1 << 16).decode())


SHAPES = [
    (recursion, 20), (recursion, 200), (generator,), (comprehension,), (nested_comprehension,),
    (generator_expression,), (Shop().open,), (sort_by_key,), (sort_by_comparison,), (partial,), (callback,),
    (callback_in_callback,), (outer,), (many_lines,), (long_function,), (context_manager,), (handler,), (foreign_file,),
    (digest,),
]

NAMES = {digest: "digests of many bytes", foreign_file: "ελληνικά 😀", sort_by_key: "schön", partial: ""}


def is_settled(frames, number):
    leaves = [frame for frame in frames.values() if frame.f_code.co_name in ("rest", "digest")]
    lines = {"rest": rest.__code__.co_firstlineno + 1, "digest": digest.__code__.co_firstlineno + 2}
    return len(leaves) == number and all(leaf.f_lineno == lines[leaf.f_code.co_name] for leaf in leaves)


def text(frames, apart, extra):
    threads = [{"id": id, "frames": list(frames_of(frame))} for id, frame in frames.items() if id not in apart]
    threads += [{"id": id, "frames": frames} for id, frames in extra]
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    return "ready " + json.dumps({"threads": threads, "names": names}) + "\n"


def main():
    try:
        import greenlet  # noqa: F401
        SHAPES.append((in_greenlet,))
    except ImportError:
        pass
    for shape, *arguments in SHAPES:
        thread = threading.Thread(target=shape, args=arguments, daemon=True)
        if shape in NAMES:
            thread.name = NAMES[shape]
        thread.start()
    extra = []
    if "--interpreter" in sys.argv:
        extra.append(start_interpreter(extra))
    apart = {id for id, _ in extra}
    deadline = time.monotonic() + 20
    while not is_settled(sys._current_frames(), len(SHAPES)):
        if time.monotonic() > deadline:
            sys.exit("the threads do not come to rest")
        time.sleep(0.001)
    sys.stdout.write(text(sys._current_frames(), apart, extra)); sys.stdout.flush(); os.kill(os.getpid(), signal.SIGSTOP)


threading.stack_size(16 << 20)
main()
