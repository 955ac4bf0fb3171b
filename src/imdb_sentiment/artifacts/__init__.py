"""The files between the stages, one module a file: its schema, reading and writing."""
