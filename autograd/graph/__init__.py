"""The graph of Values: recording, walks, contexts, scopes, nested arguments."""
