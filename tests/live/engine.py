"""Start a real Elasticsearch or OpenSearch node for a person, until Ctrl-C.

python tests/live/engine.py elasticsearch --port 9200
→ Elasticsearch 9.2.0 at http://127.0.0.1:9200 (started in 4.1 s; Ctrl-C stops it)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from nodes import PRODUCTS, Failed, Missing, start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("product", choices=PRODUCTS)
    parser.add_argument("--version", help="a release that dstill's tests know; default: the newest that runs here")
    parser.add_argument("--port", type=int, default=9200, help="0 takes a free one")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="live-", ignore_cleanup_errors=True) as folder:
        try:
            node = start(chosen.product, Path(folder), version=chosen.version, port=chosen.port)
        except (Missing, Failed) as error:
            print(error, file=sys.stderr)
            return 7
        name = f"{node.release.product} {node.release.version}"
        print(f"{name} at {node.url} (started in {node.seconds:.1f} s; Ctrl-C stops it)", flush=True)
        try:
            return node.process.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            node.stop()


if __name__ == "__main__":
    sys.exit(main())
