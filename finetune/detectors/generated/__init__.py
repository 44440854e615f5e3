"""The head that detects faces generated as a whole: linear on frozen features."""
