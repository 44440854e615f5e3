"""From which heat a region of a face stands out, and up to which it is quiet; the one place that says so.

The heat of a region is the mean of its hottest patches, a probability that is not calibrated. Whatever speaks of a
region (explanations and their check, the summary, the report's map, the chat) uses these lines.
"""

HOT, COLD = 0.5, 0.3
"""Heat from which a region stands out, and heat up to which it is quiet."""
