"""``python -m faceagent`` is the command line."""

from faceagent.cli import main

main()
