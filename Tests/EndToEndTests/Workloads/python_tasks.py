"""Tasks of asyncio that await each other. Needs CPython 3.14 or later.

Usage: python_tasks.py stop KIND      prints which tasks await the one that runs, as asyncio knows them, and stops itself.
                                      KIND: chain, group, gather, several, unnamed or alone
       python_tasks.py work SECONDS   burns CPU, blocks its event loop and waits in it, 20 ms each in turn
"""

import json
import os
import signal
import sys
import threading
import time


def burn(seconds):
    end = time.thread_time() + seconds
    total = 0
    while time.thread_time() < end:
        for number in range(1000):
            total += number * number
    return total


def block(seconds):
    time.sleep(seconds)


def graph(call):
    """A task with its frames from leaf to root, and those that await it."""
    return {
        "task": call.future.get_name(),
        "frames": [[entry.frame.f_code.co_qualname, entry.frame.f_lineno] for entry in call.call_stack],
        "awaited_by": [graph(other) for other in call.awaited_by],
    }


def stop():
    call = graph(asyncio.capture_call_graph())
    print("ready", json.dumps({"thread": threading.get_ident(), "call": call}), flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)


def work():
    end = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < end:
        yield


async def pay(kind):
    if kind != "work":
        # Until others await the task.
        await asyncio.sleep(0.01)
        stop()
        return
    for _ in work():
        burn(0.02)
        block(0.02)
        await asyncio.sleep(0.02)


async def charge(kind):
    await pay(kind)


async def wait_for(task):
    await task


async def collect(kind):
    if kind == "group":
        async with asyncio.TaskGroup() as group:
            group.create_task(charge(kind), name="charge")
        return
    task = asyncio.create_task(charge(kind), name="charge")
    if kind == "gather":
        await asyncio.gather(task, asyncio.sleep(0.1))
    elif kind == "several":
        await asyncio.gather(wait_for(task), wait_for(task), wait_for(task))
    else:
        await task


async def order(kind):
    await collect(kind)


async def front(kind):
    asyncio.current_task().set_name("größe" if kind == "alone" else "front")
    if kind == "unnamed":
        await asyncio.create_task(order(kind))
    elif kind == "alone":
        await pay(kind)
    else:
        await asyncio.create_task(order(kind), name="order")


if sys.argv[1] == "work":
    # The module is there only then.
    burn(0.2)
import asyncio

asyncio.run(front(sys.argv[2] if sys.argv[1] == "stop" else "work"))
