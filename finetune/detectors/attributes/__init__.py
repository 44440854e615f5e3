"""The head for age bands and gender: linear on frozen features."""
