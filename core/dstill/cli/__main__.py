"""``python -m dstill.cli``: the same as ``dstill``."""

from dstill.cli import main

if __name__ == "__main__":
    main()
