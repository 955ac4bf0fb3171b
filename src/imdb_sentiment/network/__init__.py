"""The LSTM classifiers: layers, the LSTM kernel, saving and loading, prediction."""
