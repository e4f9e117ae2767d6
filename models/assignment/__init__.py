"""The assignment: a graph of nine weights, its data set, its graders and its training."""

from models.assignment.data import load_assignment_data
from models.assignment.graph import Forward, forward, hand_gradients, loss

__all__ = ["Forward", "forward", "hand_gradients", "load_assignment_data", "loss"]
