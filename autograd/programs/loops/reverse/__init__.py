"""The reverse of loops: what of the steps is kept, and in which of them there is a derivative."""
