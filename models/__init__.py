"""Models built on the engine, losses for them and data; the first is the assignment's graph."""

from models.assignment.data import load_assignment_data
from models.datasets import circles, spirals
from models.losses import cross_entropy, hinge, logistic, squared_error
from models.mlp import MLP, Layer, Module, Neuron

# The two moons are at `models.datasets.moons`: here the name is that of the program `models.moons`.
__all__ = [
    "MLP", "Layer", "Module", "Neuron", "circles", "cross_entropy", "hinge", "load_assignment_data",
    "logistic", "spirals", "squared_error",
]  # fmt: skip
