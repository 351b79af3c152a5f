"""Results by address: written whole or not at all, verified on reading, with where they come from."""

from avexplore.folders import app_folder, home, shipped_models
from avexplore.store.codec import Packing, file_digest
from avexplore.store.entries import Entry, SetAside, Store, Summary, Unlisted
from avexplore.store.leftovers import SavedState
from avexplore.store.provenance import Provenance, provenance

__all__ = [
    "Entry",
    "Packing",
    "Provenance",
    "SavedState",
    "SetAside",
    "Store",
    "Summary",
    "Unlisted",
    "app_folder",
    "file_digest",
    "home",
    "provenance",
    "shipped_models",
]
