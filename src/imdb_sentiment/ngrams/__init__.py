"""What words and phrases say: NB-SVM, and the polarity of n-grams."""
