"""What `benchmarks.speed` measures: a module a group, each contender a function that sets up and works once.

Imports, reading the inputs and a first small call that compiles are set-up, of ours and of the others.
"""
