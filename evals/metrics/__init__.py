"""The field's metrics in numpy. Every function weighs its samples, which is what makes the bootstrap fast.

Knows arrays only: no file, no tool, no task. See ``arrays`` for what all functions have in common.
"""
