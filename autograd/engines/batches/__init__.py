"""Batches in chunks, on all cores: what engines share that run over many samples."""
