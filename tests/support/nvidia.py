"""A program `nvidia-smi` that tells what a test wants, and the lines that the real one prints."""

from __future__ import annotations

from pathlib import Path

TELLS = """\
#!/bin/sh
cd "{folder}" || exit 1
case "$*" in
-L) cat parts ;;
*compute-apps*) cat holders ;;
-i*) grep "$2" alone ;;
*)
    # The first line of the file is told, and goes, as long as there is another one.
    read -r line < gpus
    [ "$(wc -l < gpus)" -gt 1 ] && sed -i 1d gpus
    echo "$line" | tr ';' '\\n' ;;
esac
"""
MIB = 81920
"""Of each GPU."""


def uuid(index: int) -> str:
    return f"GPU-{index}1a2b3c4-5d6e-7f80-91a2-b3c4d5e6f708"


def row(index: int, used: object = 4, name: str = "NVIDIA A100", total: object = MIB) -> str:
    return f"{index}, {uuid(index)}, {total}, {used}, {name}"


def holder(index: int, pid: object, used: object, path: str) -> str:
    return f"{uuid(index)}, {pid}, {used}, {path}"


class FakeSmi:
    """The program in a folder that can stand on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "bin" / "nvidia-smi"
        program.parent.mkdir(parents=True)
        program.write_text(TELLS.format(folder=folder))
        program.chmod(0o755)
        self.path = f"{program.parent}:/usr/bin:/bin"
        self.tell()

    def tell(self, *calls: list[str], holders: tuple[str, ...] = (), parts: str = "", alone: list[str] | None = None):
        """`calls`: the rows of all GPUs, call by call, the last ones again and again. `alone`: of one asked for by
        its UUID; else as in the last call.
        """
        lines = [";".join(rows) for rows in calls] or [""]
        (self.folder / "gpus").write_text("".join(f"{line}\n" for line in lines))
        (self.folder / "holders").write_text("".join(f"{line}\n" for line in holders))
        (self.folder / "parts").write_text(parts)
        rows = alone if alone is not None else (list(calls[-1]) if calls else [])
        (self.folder / "alone").write_text("".join(f"{line}\n" for line in rows))

    def left(self) -> int:
        """Answers that are still to be told, the last one included."""
        return len((self.folder / "gpus").read_text().splitlines())

    def breaks(self, script: str = "echo 'NVIDIA-SMI has failed'; exit 9") -> None:
        (self.folder / "bin" / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
