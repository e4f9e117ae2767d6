"""How many units in the last place our values and derivatives are off, beside peers.

``python -m benchmarks.accuracy`` measures and writes the tables.
"""
