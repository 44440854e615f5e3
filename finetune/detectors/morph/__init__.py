"""The single-image morph head, and the calibration of the differential morph detector."""
