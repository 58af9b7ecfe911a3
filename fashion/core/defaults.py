"""Defaults of the recommendations: the length of a list, and the weights of colour and looks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fashion.core.bounds import check_weight
from fashion.core.errors import SettingsError

if TYPE_CHECKING:
    from fashion.core.workspace import Workspace


#: Recommendations for each item where the user asks for no other number.
LIST_LENGTH = 6

#: Share of the colour in the similarity where the user asks for none.
COLOUR_WEIGHT = 0.5


#: Share of the looks in the similarity where no report has chosen one on its validation items.
LOOKS_WEIGHT = 0.3


@dataclass(frozen=True)
class Preferences:
    """A report's list length and weights: the defaults of shop and command.

    Attributes
    ----------
    k : int
        Recommendations for each item, at least 1.
    colour_weight : float
        Share of the colour where it stands beside the category, 0 (category alone) to 1 (colour alone).
    looks_weight : float
        Share of the looks in the similarity, 0 (words alone) to 1 (looks alone).

    Raises
    ------
    SettingsError
        For a number outside its range.
    """

    k: int = LIST_LENGTH
    colour_weight: float = COLOUR_WEIGHT
    looks_weight: float = LOOKS_WEIGHT

    def __post_init__(self) -> None:
        if self.k < 1:
            raise SettingsError(f"expected at least one recommendation, k >= 1; found {self.k}. Raise k.")
        for name, weight in (("colour", self.colour_weight), ("looks", self.looks_weight)):
            check_weight(name, weight)

    @classmethod
    def of_report(cls, workspace: Workspace) -> Preferences:
        """A report's own, as notebook 04 wrote them; the defaults for a report that is older than the file."""
        if not workspace.path("recommendation.json").is_file():
            return cls()
        return cls(**workspace.json("recommendation"))

    def as_dict(self) -> dict[str, Any]:
        """The same values as a dictionary, for JSON."""
        return asdict(self)
