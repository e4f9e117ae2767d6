"""Control flow: operations that decide, by a number, which of their code runs and how often."""
