"""`ar`, `autoresearch` and `python -m autoresearch`. Nothing heavy is imported before the archiver had its turn."""

from __future__ import annotations

import os
import sys

from autoresearch.archiver import hand_over


def main() -> None:
    """Run the command line."""
    hand_over(sys.argv[1:])
    try:
        from autoresearch.cli.app import main as run
    except KeyboardInterrupt:
        os._exit(130)
    run()


if __name__ == "__main__":
    main()
