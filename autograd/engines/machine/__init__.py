"""Machine code: what the engines share that compile by LLVM."""
