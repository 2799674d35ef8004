"""Run a command that gets SIGTERM when its parent dies, however it dies: python -IS die_with_parent.py COMMAND ...

So nothing is left behind that holds the port or the database when somebody kills the process above it.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2), Linux only

prctl = getattr(ctypes.CDLL(None), "prctl", None)
if prctl:
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
signal.pthread_sigmask(signal.SIG_SETMASK, [])  # manimod.local blocks what asks it to stop
os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - our own programs
