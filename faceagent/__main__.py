"""``python -m faceagent`` is the command line."""

from faceagent.cli.main import main

main()
