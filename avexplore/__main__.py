"""`python -m avexplore` is the command line."""

import sys


def main() -> None:
    """Run the command line."""
    from avexplore.cli import main

    sys.exit(main())


if __name__ == "__main__":
    main()
