"""The entry point: imports without garbage collection, which is a tenth of the start-up time."""

import gc


def main() -> None:
    """Import the command line and run it; ``process.connected`` turns the collector on again."""
    gc.disable()
    from orrery.platform import cli

    cli.main()


if __name__ == "__main__":
    main()
