"""Primitives: IEEE 754 arithmetic, what a primitive is, and the table of the library's own."""
