"""Sentiment of film reviews with LSTM networks: the work behind the stages of `dvc.yaml`."""
