"""How long a list of recommendations is and how much its colour counts; said once, for report, shop and command."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fashion.core.errors import SettingsError

if TYPE_CHECKING:
    from fashion.core.workspace import Workspace


#: Recommendations for each item where the user asks for no other number.
LIST_LENGTH = 6

#: Share of the colour in the similarity where the user asks for none.
COLOUR_WEIGHT = 0.5


@dataclass(frozen=True)
class Preferences:
    """What a report was made with, and shop and command answer with where nothing else is asked for.

    Attributes
    ----------
    k : int
        Recommendations for each item, at least 1.
    colour_weight : float
        Share of the colour in the similarity, 0 (looks alone) to 1 (colour alone).

    Raises
    ------
    SettingsError
        For a number outside its range.
    """

    k: int = LIST_LENGTH
    colour_weight: float = COLOUR_WEIGHT

    def __post_init__(self) -> None:
        if self.k < 1:
            raise SettingsError(f"expected at least one recommendation, k >= 1; found {self.k}")
        if not 0 <= self.colour_weight <= 1:
            raise SettingsError(f"expected a colour weight from 0 to 1; found {self.colour_weight}")

    @classmethod
    def of_report(cls, workspace: Workspace) -> Preferences:
        """A report's own, as notebook 04 wrote them; the defaults for a report that is older than the file."""
        if not workspace.path("recommendation.json").is_file():
            return cls()
        return cls(**workspace.json("recommendation"))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
