"""EC2's vCPU quotas by family."""

import pytest

from catalog.load import load
from estimator.hardware.quotas import quota_bucket
from estimator.scenario.placement import devices

INVENTORY = load().inventory


@pytest.mark.parametrize(
    ("name", "bucket"),
    [
        ("g6e.xlarge", "G and VT"),
        ("p5.48xlarge", "P"),
        ("inf2.xlarge", "Inf"),
        ("trn1.2xlarge", "Trn"),
        ("dl1.24xlarge", "DL"),
        ("c7i.4xlarge", "Standard"),
    ],
)
def test_the_quota_of_a_family(name: str, bucket: str) -> None:
    assert quota_bucket(INVENTORY.machines[name]) == bucket


def test_hardware_of_ones_own_counts_in_no_quota() -> None:
    assert quota_bucket(devices("rtx4090", 1, INVENTORY)) == ""
