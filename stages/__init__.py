"""The stages of `dvc.yaml`, a typer command each."""
