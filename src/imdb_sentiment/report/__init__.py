"""The pages that show a run: the HTML report and the model card."""
