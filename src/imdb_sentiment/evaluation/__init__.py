"""The measurements of any classifier, whatever it is built with."""
