"""Run the command line as ``python -m simulacra``."""

from simulacra.cli import main

if __name__ == "__main__":
    main()
