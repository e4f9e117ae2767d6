"""Arrays as nodes of a graph and slots of code, and loops: operations that hold code."""
