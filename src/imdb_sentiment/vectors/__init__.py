"""Word vectors learned from the labelled and unlabelled training reviews."""
