"""What stands below everything and knows nothing of it: optional packages, files, the user's line."""
