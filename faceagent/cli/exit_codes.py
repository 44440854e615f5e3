"""Exit codes of the command line."""

OK, ERROR, USAGE, REFUSED, PARTIAL, FLAGGED, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 4, 5, 130, 143
"""Done; error; wrong usage; refused by policy; some pictures could not be analysed; a line of
--fail-on was met; ended by Ctrl-C; by SIGTERM."""
