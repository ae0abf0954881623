"""A Ray cluster of two nodes on this machine's loopback address, in a process of its own; run as a program, it is it.

It says its address, and obeys one word per line: `kill` ends the second node as a power cut would, `add` starts
another. At the end of its input it ends everything.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
"""With the first, Ray takes 127.0.0.1 for the machine's address; who connects has to see it the same way."""

FIRST, SECOND = {"num_cpus": 2, "num_gpus": 1}, {"num_cpus": 2, "num_gpus": 2}
"""What the nodes have, as far as Ray knows: nobody looks for the GPUs."""


class TwoNodes:
    """The driver's end of the pipe."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.address = self._heard()

    def tell(self, word: str) -> None:
        """Returns when it is done."""
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        assert self._heard() == word

    def _heard(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the cluster ended"
        return line.strip()


@contextmanager
def two_nodes(folder: Path, **environment: str) -> Iterator[TwoNodes]:
    """`environment` is what the nodes have besides ours; `folder` gets what Ray prints."""
    with (
        (folder / "cluster.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **LOOPBACK, **environment},
            start_new_session=True,
        ) as process,
    ):
        try:
            yield TwoNodes(process)
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(60)


def main() -> None:
    from ray.cluster_utils import Cluster

    # Ray prints there as it likes.
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # A short name, for the sockets in it.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        serve(Cluster, folder, said)


def serve(cluster_of: Any, folder: str, said: TextIO) -> None:
    cluster = cluster_of(initialize_head=True, head_node_args={**FIRST, "temp_dir": folder, "include_dashboard": False})
    second = cluster.add_node(**SECOND)
    print(cluster.address, file=said, flush=True)
    for line in sys.stdin:
        if line.strip() == "kill":
            cluster.remove_node(second, allow_graceful=False)
        else:
            second = cluster.add_node(**SECOND)
        print(line.strip(), file=said, flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
