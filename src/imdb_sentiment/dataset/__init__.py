"""From the table of reviews to padded token ids, split into train, validation and test."""
