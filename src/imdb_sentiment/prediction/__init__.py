"""Classifying and explaining texts with an exported model; needs neither TensorFlow nor DVC."""
