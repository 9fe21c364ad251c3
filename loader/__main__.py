"""`python -m loader`: the same as `chameleon-usage extract`, with the same flags."""

import sys

from loader.cli import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    flags = arguments[1:] if arguments[:1] == ["extract"] else arguments
    main(["extract", *flags], prog_name="python -m loader")
