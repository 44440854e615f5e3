"""Exit codes of the command line."""

OK, ERROR, USAGE, REFUSED, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Done; error; wrong usage; refused by policy; some pictures could not be analysed; interrupted by Ctrl-C."""
