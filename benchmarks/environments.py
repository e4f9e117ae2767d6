"""Environments for the peers, one each: some share a name with our package, all bring much of their own.

``python -m benchmarks.environments`` makes those that are missing in ``.venv-peers``; with names, only
these. A peer that cannot be installed is named and left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["PEERS", "python_of"]

FOLDER = Path(__file__).resolve().parents[1] / ".venv-peers"

PEERS = {
    "jax": ("jax", "jaxlib"),
    "torch": ("torch==2.13.0", "numpy"),
    "casadi": ("casadi", "numpy"),
    "autograd": ("autograd", "numpy"),
    "micrograd": ("micrograd==0.1.0",),
}


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment, whether it is there or not."""
    return FOLDER / peer / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make(peer: str) -> bool:
    """Make a peer's environment unless it is complete; whether there is one."""
    complete = FOLDER / peer / "complete"
    if complete.exists() and complete.read_text().split() == list(PEERS[peer]):
        return True
    print(f"installing {peer} in {FOLDER.name}/{peer}", flush=True)
    venv.create(FOLDER / peer, with_pip=True, clear=True)
    pip = [str(python_of(peer)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, *PEERS[peer]]).returncode:
        print(f"{peer} could not be installed and will be skipped")
        return False
    complete.write_text("\n".join(PEERS[peer]))
    return True


def main() -> None:
    """Make the environments of the peers that are named, by default of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.environments", description=__doc__)
    parser.add_argument("peers", nargs="*", help=f"any of {', '.join(PEERS)}")
    for peer in parser.parse_args().peers or PEERS:
        if peer not in PEERS:
            sys.exit(f"there is no peer {peer!r}: {', '.join(PEERS)}")
        make(peer)


if __name__ == "__main__":
    main()
