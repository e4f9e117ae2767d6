"""SciPy's solvers, fed by exact derivatives: `minimize`, `least_squares`, `curve_fit`."""
