"""``python -m dstill``: the command line, also where the script ``dstill`` is not on the path."""

from dstill.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
