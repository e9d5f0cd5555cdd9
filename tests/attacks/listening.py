"""Which TCP ports the processes of a mesh listen on, and what each port is."""

import re
from collections.abc import Iterator

import psutil

_WEED_OPTION = re.compile(r"-([a-z0-9.]+\.port(?:\.[a-z]+)?)=(\d+)")


def ports_of(root: psutil.Process) -> dict[int, str]:
    """Return each port that a process or a descendant listens on, with what it is; `unknown …` where nothing says."""
    return {
        connection.laddr.port: _kind(each, connection.laddr.port)
        for each in [root, *root.children(recursive=True)]
        for connection in _listening(each)
    }


def _listening(process: psutil.Process) -> Iterator[psutil._ntuples.pconn]:
    try:
        yield from (each for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN)
    except psutil.Error:
        return


def _kind(process: psutil.Process, port: int) -> str:
    words, environment = process.cmdline(), _environment(process)
    for option, number in _WEED_OPTION.findall(" ".join(words)):
        if int(number) == port:
            return f"weed {option}"
    for setting in ("LENSFEED_LISTEN_ADDR", "LENSFEED_METRICS_ADDR", "LENSFEED_WEBHOOK_ADDR", "LENSFEED_EDGE_ADDR"):
        if environment.get(setting, "").endswith(f":{port}"):
            return setting
    if "valkey" in process.name():
        return "valkey"
    if "CassandraDaemon" in words[-1]:
        return "cassandra"
    return f"unknown: {process.name()} at {port}"


def _environment(process: psutil.Process) -> dict[str, str]:
    """Return a process's environment. Envoy's is that of the edge, which gives it no settings."""
    parent = process.parent() if process.name() == "envoy" else None
    return (parent or process).environ()
