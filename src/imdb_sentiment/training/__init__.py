"""Fitting the LSTM classifiers: epochs, checkpoints, calibration."""
