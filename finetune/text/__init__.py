"""Text generation: training samples for vision-language models, the same for the same seed."""
