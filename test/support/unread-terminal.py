"""Runs a command whose standard error is a terminal that nobody reads: unread-terminal.py COMMAND...

When standard input ends, the terminal is read, and what it shows goes to standard error.
"""

import os
import pty
import subprocess
import sys
import threading

terminal, stderr = pty.openpty()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stderr=stderr)
os.close(stderr)
print(process.pid, file=sys.stderr, flush=True)


def read():
    sys.stdin.read()
    try:
        while output := os.read(terminal, 65536):
            os.write(2, output)
    except OSError:  # Linux reports the end of a pseudo-terminal as EIO.
        pass


threading.Thread(target=read, daemon=True).start()
sys.exit(process.wait())
