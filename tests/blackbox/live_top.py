"""Runs `lensfeed top` on the terminal that it is started on, which then sends Ctrl-C to it."""

import fcntl
import os
import sys
import termios

if __name__ == "__main__":
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.execv(sys.executable, (sys.executable, "-m", "devmesh", "top", *sys.argv[1:]))  # noqa: S606 - our own command
