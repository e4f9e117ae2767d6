"""Running functions as programs: `jit`, `vmap` and `scan`."""
