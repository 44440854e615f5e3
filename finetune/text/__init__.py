"""Text generation: training samples for vision-language models, reproducible by seed."""
