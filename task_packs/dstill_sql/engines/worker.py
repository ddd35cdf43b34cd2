"""The process that an engine runs in: dstill starts this file, and `dstill_sql.engines.process` talks to it.

    python -I -S worker.py '{"engine": "sqlite", "memory_mb": 1000, "folder": ""}'

It has the standard library and this folder, no dstill, no setting and no variable of the environment that could be a
secret, so it starts fast and holds nothing worth taking.
"""

from __future__ import annotations

import os
import sys
import types

if __name__ == "__main__":
    # The modules of the pack as such, without what `import dstill_sql` loads.
    package = types.ModuleType("dstill_sql")
    package.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    sys.modules["dstill_sql"] = package

    from dstill_sql.engines.serving import serve

    serve(sys.argv[1])
