"""`python -m avexplore` is the command line."""


def main() -> None:
    """Run the command line."""
    from avexplore.cli import app

    app()


if __name__ == "__main__":
    main()
