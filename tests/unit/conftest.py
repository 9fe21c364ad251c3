"""What the tests of configs share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.two_sites import TWO_SITES


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Path]:
    """Write a config file."""

    def write(text: str | bytes = TWO_SITES) -> Path:
        path = tmp_path / "site.yml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
