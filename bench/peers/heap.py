"""The peak of the native heap, by looking often: glibc tells what is in use, not what was."""

import ctypes
import threading
import time


class _MallInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]


_libc = ctypes.CDLL(None)
_libc.mallinfo2.restype = _MallInfo


def in_use():
    """Bytes in use: the main arena's and those mapped by themselves."""
    info = _libc.mallinfo2()
    return info.uordblks + info.hblkhd


def peak_of(run):
    """The most bytes in use while run() runs, above those in use before."""
    before, peak, done = in_use(), [0], threading.Event()

    def watch():
        while not done.is_set():
            peak[0] = max(peak[0], in_use())
            time.sleep(0.0002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        run()
    finally:
        done.set()
        watcher.join()
    return max(0, peak[0] - before)
