"""Where the process begins; it imports nothing before Ctrl-C is listened for, since imports take their time."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C is exit code 130, as a shell expects."""
    try:
        from hipaa_pipeline import cli

        cli.main()
    except KeyboardInterrupt:
        sys.stderr.write("\nerror: Stopped: nothing more was done.\n")  # the terminal has written ^C
        sys.exit(130)


if __name__ == "__main__":
    main()
