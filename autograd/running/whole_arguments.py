"""What was traced for arrays of one length and serves those of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.graph.trees import Structure
from autograd.running.recording import PLAIN
from autograd.running.store import Bounded

__all__ = ["GeneralStructures", "examples"]


class GeneralStructures:
    """Finds what is kept for a structure, or for a more general one.

    A structure of arguments in which the first axes of whole arrays may have any length is more general.
    What axes these are is known of the last structure that was traced and is like it but for lengths.
    """

    def __init__(self) -> None:
        self._general: dict[Any, Structure] = {}

    def get(self, kept: Bounded[Any, Any], structure: Structure, settings: Any) -> Any:
        """What is kept for a structure with settings, or for a more general one; None where nothing is."""
        entry = kept.get((structure, settings))
        if entry is None and structure.wholes:
            general = self._general.get((structure.of_any_length(), settings))
            if general is not None:
                entry = kept.get((structure.as_general_as(general), settings))
        return entry

    def keep(self, kept: Bounded[Any, Any], structure: Structure, settings: Any, entry: Any) -> None:
        """Keep something for a general structure, too."""
        if structure.wholes:
            self._general[structure.of_any_length(), settings] = structure
            kept.keep((structure, settings), entry)


def examples(scalars: Sequence[Any]) -> list[Any]:
    """The numbers, and arrays of them, that scalars stand for."""
    return [scalar if type(scalar) in PLAIN else scalar._number for scalar in scalars]
