"""The steps of a turn, one module each: understand, look, point, measure, weigh, explain, answer.

Like the pipeline's nodes they fetch nouns by key, call plain functions of the rooms, and store what these return; each
keeps the notebook before it tells, so that a process killed at any moment has lost nothing that was announced.
"""
