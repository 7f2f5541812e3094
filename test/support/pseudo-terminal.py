"""Runs a command on a pseudo-terminal: pseudo-terminal.py COLUMNS ROWS COMMAND...

Its output goes to standard output. Standard input takes one JSON object per line:
{"type": "text"} is typed on the terminal, {"resize": [columns, rows]} resizes it.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


columns, rows, *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    resize(0, int(columns), int(rows))
    os.execvp(command[0], command)

inputs = [terminal, sys.stdin.fileno()]
buffered = b""
while terminal in inputs:
    readable, _, _ = select.select(inputs, [], [])
    if terminal in readable:
        try:
            output = os.read(terminal, 65536)
        except OSError:  # Linux reports the end of a pseudo-terminal as EIO.
            output = b""
        if output == b"":
            inputs.remove(terminal)
        while output:
            output = output[os.write(1, output) :]
    if sys.stdin.fileno() in readable:
        received = os.read(sys.stdin.fileno(), 65536)
        if received == b"":
            inputs.remove(sys.stdin.fileno())
        *lines, buffered = (buffered + received).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "type" in message:
                os.write(terminal, message["type"].encode())
            if "resize" in message:
                resize(terminal, *message["resize"])

sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
