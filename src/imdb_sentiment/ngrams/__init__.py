"""Linear models of words and phrases: NB-SVM, and the polarity of n-grams."""
