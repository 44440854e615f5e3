"""The branch of the spoof detector: recaptured faces as CLIP sees them, and its calibration."""
