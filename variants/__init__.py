"""Named variants of params.yaml, each run in a workspace of its own: `python -m variants demo`."""
