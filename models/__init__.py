"""Models built on the engine; the first is the assignment's computation graph."""

from models.assignment.data import load_assignment_data

__all__ = ["load_assignment_data"]
