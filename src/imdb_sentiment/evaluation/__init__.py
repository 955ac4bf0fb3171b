"""What is measured of any classifier, whatever it is built with."""
