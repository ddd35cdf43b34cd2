"""The entry point: ``dstill`` and ``python -m dstill``.

It loads nothing before it can say that it was stopped: Ctrl-C while the command line's modules
load ends with one line and 130, as a later one does.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:
    # Python puts the current folder first: a click.py, or a plugin's entry point, that lies beside somebody's data
    # must not be loaded. A plugin in the current folder is loaded by --plugin.
    del sys.path[0]

import json

from dstill.errors import Interrupted

__all__ = ["main"]


def main() -> None:
    """Run the command line. Exits with one of the codes of `dstill.errors`."""
    try:
        from dstill import cli

        cli.main()
    except KeyboardInterrupt:  # outside of what `dstill.cli.run` sees to
        problem = Interrupted("stopped", where="dstill", hint="run the same command again")
        print(f"error: {problem.what}", file=sys.stderr)
        if "--json" in sys.argv:
            print(json.dumps({"error": problem.as_json()}))
        sys.exit(problem.exit_code)


if __name__ == "__main__":
    main()
