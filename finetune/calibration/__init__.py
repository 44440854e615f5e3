"""Calibrations: Platt fits, temperatures and tables, from scores to the JSON records that the judge reads."""
