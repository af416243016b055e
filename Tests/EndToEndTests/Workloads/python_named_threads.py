"""Burns CPU in its main thread, in two threads with names, and in one of a child: 0.4 s each.

Usage: python_named_threads.py
"""

import os
import threading
import time


def burn():
    end = time.thread_time() + 0.4
    while time.thread_time() < end:
        sum(range(1000))


child = os.fork()
names = ["a worker with a long name", "ελληνικά"] if child else ["in the child"]
threads = [threading.Thread(target=burn, name=name) for name in names]
for thread in threads:
    thread.start()
if child:
    burn()
for thread in threads:
    thread.join()
if child:
    os.waitpid(child, 0)
