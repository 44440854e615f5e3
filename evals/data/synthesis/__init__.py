"""Makers of labelled pictures: forgeries, morphs, recaptures and degradations whose truth is known.

Evaluation and training import them from here. Every maker works on arrays, takes a ``numpy.random.Generator`` and gives
the same result for the same generator state. No module here reads a data set or runs a detector.
"""
