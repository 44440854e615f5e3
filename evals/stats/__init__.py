"""Statistics beside the metrics: trivial cues, paired comparison of runs, leaks between training and test."""
