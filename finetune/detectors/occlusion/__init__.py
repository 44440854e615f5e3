"""The occlusion head: which patches of a face something covers, trained on drawn objects."""
