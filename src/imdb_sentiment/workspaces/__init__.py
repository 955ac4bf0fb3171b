"""Runs of the whole pipeline apart from the project's own: a DVC project in a folder of its own."""
