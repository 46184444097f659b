"""`python -m alignkit`, as launchers of several processes call it."""

from alignkit.cli import run

if __name__ == "__main__":
    run()
