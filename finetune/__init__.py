"""Training of what the product ships: detector heads, calibrations, and vision-language model adapters.

May import ``faceagent`` and ``evals``; neither imports this package.
"""
