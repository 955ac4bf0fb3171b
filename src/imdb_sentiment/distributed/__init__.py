"""Classifying folders of Parquet files on many machines."""
