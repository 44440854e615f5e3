"""The head that detects generated faces: linear on frozen features."""
