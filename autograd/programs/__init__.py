"""Programs: a graph as straight-line code, traced, simplified, lowered, saved, written out."""
