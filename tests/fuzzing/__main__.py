"""Fuzz a reader of foreign bytes, guided by coverage: ``python -m tests.fuzzing data --minutes 10``.

It ends with an error at the first crash, hang or broken promise, and leaves the bytes in the folder.
They belong into ``tests/fuzzing/finds`` then, named after the reader: the test suite reads those.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> None:
    """Run the fuzzer."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("reader", choices=["data", "programs", "checkpoints"])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--folder", type=Path, default=Path("out/fuzzing"), help="its corpus (%(default)s)")
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        parser.error("atheris is not installed: run  pip install atheris")
    with atheris.instrument_imports(
        include=["autograd.programs", "autograd.support", "models.assignment.reading", "optim"]
    ):
        from tests.fuzzing.readers import MEMORY, READERS

    reader = READERS[options.reader]
    corpus = options.folder / options.reader
    corpus.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(reader.seeds()):
        (corpus / f"seed-{i}").write_bytes(seed)
    # The reader itself asserts its limits. These end a process that hangs, or has too much at this moment.
    limits = ["-timeout=5", f"-rss_limit_mb={MEMORY}", "-max_len=4096", f"-artifact_prefix={options.folder}/"]
    arguments = [f"-max_total_time={round(options.minutes * 60)}", *limits, "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], reader.read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
