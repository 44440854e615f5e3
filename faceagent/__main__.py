"""``python -m faceagent`` is the command line."""

from faceagent.cli.main import main

if __name__ == "__main__":
    main()
