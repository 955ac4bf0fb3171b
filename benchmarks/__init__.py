"""Measurements: a command for each claim of the documentation. Each writes one JSON file in metrics/."""
