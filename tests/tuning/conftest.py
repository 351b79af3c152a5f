from __future__ import annotations

import pytest
from tuned_run import Tiny, train_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Trained once."""
    return train_tiny(tmp_path_factory.mktemp("tuned"), tmp_path_factory.mktemp("nothing"))
