"""The entry point: ``dstill`` and ``python -m dstill``.

It imports almost nothing outside of `main`, so that Ctrl-C during the imports of the command line also ends with one
line and exit code 130.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:
    # Python searches the current folder first. A click.py or a plugin's entry point that lies next to somebody's data
    # must not be loaded. --plugin loads a plugin from the current folder.
    del sys.path[0]

import json

from dstill.errors import Interrupted

__all__ = ["main"]


def main() -> None:
    """Run the command line. Exits with a code of `dstill.errors`."""
    try:
        from dstill import cli

        cli.main()
    except KeyboardInterrupt:  # before or after `dstill.cli.run`, which handles it otherwise
        problem = Interrupted("stopped", where="dstill", hint="run the same command again")
        print(f"error: {problem.what}", file=sys.stderr)
        if "--json" in sys.argv:
            print(json.dumps({"error": problem.as_json()}))
        sys.exit(problem.exit_code)


if __name__ == "__main__":
    main()
