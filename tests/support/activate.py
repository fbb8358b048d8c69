# SPDX-License-Identifier: Apache-2.0
"""Becomes a program as systemd starts it from socket units: activate.py NAMES FD,FD,… PROGRAM ARGUMENTS…
The descriptors become 3, 4, … of the very process that LISTEN_PID names; NAMES "-": without LISTEN_FDNAMES."""
import os
import sys

FIRST = 3


def main():
    names, wanted, program = sys.argv[1], [int(word) for word in sys.argv[2].split(",")], sys.argv[3:]
    high = [os.dup2(fd, 100 + at) for at, fd in enumerate(wanted)]  # out of the way of their new places
    for at, fd in enumerate(high):
        os.dup2(fd, FIRST + at)
    os.closerange(FIRST + len(high), 200)
    os.environ["LISTEN_PID"] = os.environ.get("MASQUES_TEST_LISTEN_PID", str(os.getpid()))
    os.environ["LISTEN_FDS"] = str(len(high))
    if names != "-":
        os.environ["LISTEN_FDNAMES"] = names
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
