"""The papers' figures from our runs: a report in HTML, each figure as SVG and CSV beside it."""

from avexplore.reporting.contents import FIGURES, needed
from avexplore.reporting.page import write_report

__all__ = ["FIGURES", "needed", "write_report"]
