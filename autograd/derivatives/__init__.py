"""Derivatives of every order: sweeps over a graph, and the transforms made of them."""
