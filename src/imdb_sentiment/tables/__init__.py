"""Tables of reviews: found out, read row by row in bounded memory, and written with more columns."""
