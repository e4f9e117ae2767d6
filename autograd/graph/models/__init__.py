"""Models of anyone's class: what is reached from them, and what of them is not their parameters."""
