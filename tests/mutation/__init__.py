"""Mutation testing of `autograd/`: small changes to the code, each of which the tests must notice."""
