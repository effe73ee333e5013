"""`python -m textmill` is the `textmill` command."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from textmill.cli import main
    except KeyboardInterrupt:  # before main() could say so
        sys.exit(130)
    sys.exit(main())
