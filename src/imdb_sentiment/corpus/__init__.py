"""From the archive or folder of review files to one table of reviews."""
