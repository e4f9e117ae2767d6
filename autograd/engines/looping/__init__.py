"""Code with arrays and loops in it: what engines share that run it."""
