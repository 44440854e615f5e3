"""From which heat a region of a face stands out, and up to which it is quiet; the one place that says so.

The heat of a region is the mean of its hottest patches, a probability that is not calibrated. Whatever speaks of a
region (explanations and their check, the summary, the report's map, the chat) uses these lines.

``HOT`` was chosen on 30 spliced training faces of held-out people and the 30 photographs that they were made from. A
region passed .3, .4, .5, .6 in 18, 12, 6, 4 of the photographs. In the splices 81, 74, 72, 63 altered regions passed
it, and 13, 11, 9, 9 that were as before.
"""

HOT, COLD = 0.5, 0.3
"""Heat from which a region stands out, and heat up to which it is quiet."""
