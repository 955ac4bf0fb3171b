"""The LSTM classifiers: their layers, the LSTM kernel, saving and loading, predicting."""
