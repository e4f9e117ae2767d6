"""Nothing in this folder is a test, and what it imports is an extra of its own."""

collect_ignore_glob = ["*.py"]
