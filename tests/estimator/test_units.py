"""Sizes in words."""

import pytest

from estimator.units import GIB, MIB, size_text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(1.34 * GIB, "1.3 GiB"), (0.04 * GIB, "41 MiB"), (3 * MIB, "3 MiB")],
)
def test_a_size_is_never_nothing_where_something_is_missing(size_bytes, text):
    assert size_text(size_bytes) == text
