"""
pyroute2: one call of IPRoute for each object.
    python3 pyroute2.py WHAT IFINDEX COUNT
"""

import json
import os
import resource
import subprocess
import sys
import time

# This file's folder would shadow the package of the same name.
sys.path.pop(0)
from pyroute2 import IPRoute  # noqa: E402

PROTOCOL = 78
RTMGRP_IPV4_ROUTE = 0x40
EVENTS_A_ROUND = 200


def dotted(n):
    return f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"


def destination(i):
    return dotted(0x0C000000 + i)


def endpoint(i):
    return dotted(0x0A400000 + i)


def mac(i):
    return f"02:00:{i >> 24:02x}:{i >> 16 & 255:02x}:{i >> 8 & 255:02x}:{i & 255:02x}"


def add_route(ip, i, ifindex, gateway, priority):
    ip.route(
        "add", dst=f"{destination(i)}/32", gateway=gateway, oif=ifindex, priority=priority, proto=PROTOCOL, flags=["onlink"]
    )


def monitor(ip, ifindex, count):
    spent = 0.0
    seen = 0
    ip.bind(groups=RTMGRP_IPV4_ROUTE)
    for at in range(0, count, EVENTS_A_ROUND):
        here = min(EVENTS_A_ROUND, count - at)
        subprocess.run(
            [os.environ["NBMA_BENCH_C"], "route-batch", str(ifindex), str(here), str(at)], stdout=subprocess.DEVNULL
        )
        start = time.monotonic()
        wanted = seen + here
        while seen < wanted:
            seen += sum(1 for message in ip.get() if message["proto"] == PROTOCOL)
        spent += time.monotonic() - start
    return spent, seen


def run(ip, what, ifindex, count):
    start = time.monotonic()
    applied = count
    if what in ("route-batch", "single"):
        for i in range(count):
            add_route(ip, i, ifindex, endpoint(i), 1000 + i)
    elif what == "route-one-gateway":
        for i in range(count):
            add_route(ip, i, ifindex, endpoint(0), 1000)
    elif what == "neighbour":
        for i in range(count):
            ip.neigh("add", dst=endpoint(i), lladdr=mac(i), ifindex=ifindex, state="permanent")
    elif what == "fdb":
        for i in range(count):
            ip.fdb("add", lladdr=mac(i), dst=endpoint(i), ifindex=ifindex)
    elif what == "delete":
        for i in range(count):
            ip.route("del", dst=f"{destination(i)}/32", priority=1000 + i)
    elif what == "dump":
        applied = sum(1 for route in ip.get_routes(family=2) if route["proto"] == PROTOCOL)
    elif what == "monitor":
        return monitor(ip, ifindex, count)
    else:
        sys.exit(2)
    return time.monotonic() - start, applied


with IPRoute() as ip:
    before = time.process_time()
    spent, applied = run(ip, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
cpu = time.process_time() - before
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"ms": spent * 1000, "cpu": cpu * 1000, "applied": applied, "peak": peak}))
