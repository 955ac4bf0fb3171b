"""From the trained model to the folder that prediction reads."""
