"""Arrays of any rank: what is done with them whole."""
