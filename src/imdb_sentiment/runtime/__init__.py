"""Errors, params, files, progress and the console: what every command shares, and nothing about reviews."""
