"""Evaluation: what the product reaches, measured through its public names. Never imported by ``faceagent``."""
