#!/usr/bin/python3
"""The PyTorch side of the paired benches: answers each line of JSON on standard input with one on standard output.

Asked {"threads": 2, "work": {"kind": "conv", ...}, "part": "forward", "seconds": 0.1} it runs that part again and again for that long
and answers {"wall_ms": ..., "cpu_ms": ...}: milliseconds of one run on average, and processor milliseconds of all threads; the first answer on a part
also has the peak of the native heap, where the work can tell. The kinds of work are the classes of works.py. The first line it prints tells its versions.
"""

import json
import sys
import time

sys.dont_write_bytecode = True

import environment
import torch

import works


def measure(run, seconds):
    runs, cpu, start = 0, time.process_time(), time.perf_counter()
    while True:
        run()
        runs += 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return 1000 * elapsed / runs, 1000 * (time.process_time() - cpu) / runs


def main():
    print(json.dumps({
        "pytorch": torch.__version__,
        "mkldnn": torch.backends.mkldnn.is_available(),
        **environment.SETTINGS,
    }), flush=True)
    key, work, looked = None, None, set()
    for line in sys.stdin:
        request = json.loads(line)
        asked = (request["threads"], json.dumps(request["work"]))
        if asked != key:
            work = None  # its memory first
            torch.set_num_threads(request["threads"])
            settings = dict(request["work"])
            work = works.KINDS[settings.pop("kind")](**settings)
            key, looked = asked, set()
        answer = {}
        if request["part"] not in looked:
            looked.add(request["part"])
            if hasattr(work, "peak_bytes"):
                answer["peak_bytes"] = work.peak_bytes(request["part"])
        wall, cpu = measure(work.part(request["part"]), request["seconds"])
        print(json.dumps({"wall_ms": wall, "cpu_ms": cpu, **answer}), flush=True)


if __name__ == "__main__":
    main()
