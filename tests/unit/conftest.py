"""The packaged catalogue, without the user's own files and with a cache of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.load import Catalog, load


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(home / name))
        yield home


@pytest.fixture(scope="session")
def catalog(empty_home: Path) -> Catalog:
    return load()
