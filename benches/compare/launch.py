"""Starts a command and writes what it took, as JSON, to a file descriptor.

    python3 -I -S launch.py FD COMMAND …

A process's peak memory counts from before its exec, so it never reads lower than the size of whoever started it. This
starter is small: it imports next to nothing, and the run's own Python does not show in the figures.
"""

import os
import sys
import time

started = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - started
figures = (wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
os.write(int(sys.argv[1]), ('{"wall": %r, "cpu": %r, "peak_rss": %d}' % figures).encode())
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
