"""From a review's text to its token ids: cleaning, tokenization, encoding."""
