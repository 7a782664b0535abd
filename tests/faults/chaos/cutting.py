"""Cuts a TCP connection of another process, from outside and without root.

The kernel lends us the process's socket (`pidfd_getfd`), and we shut it: both ends see the
connection end, in the middle of whatever was under way.
"""

from __future__ import annotations

import ctypes
import os
import random
import socket
from typing import Final

import psutil

# The same number on every architecture of Linux.
PIDFD_GETFD: Final = 438


def cut_one(pid: int, dice: random.Random) -> bool:
    """Cut one established connection of the process; return False if it has none.

    Raises:
        OSError: the kernel does not lend us the socket, or the process has just ended.
    """
    try:
        found = [
            each.fd
            for each in psutil.Process(pid).net_connections("tcp")
            if each.status == psutil.CONN_ESTABLISHED and each.fd >= 0
        ]
    except psutil.NoSuchProcess:
        return False
    if not found:
        return False
    process = os.pidfd_open(pid)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        lent = libc.syscall(PIDFD_GETFD, process, dice.choice(found), 0)
    finally:
        os.close(process)
    if lent < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    with socket.socket(fileno=lent) as borrowed:
        borrowed.shutdown(socket.SHUT_RDWR)
    return True
