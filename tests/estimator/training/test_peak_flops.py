"""The peak that a run is counted against, and devices that lack its format."""

import pytest

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training.speed import peak_flops


@pytest.mark.parametrize(
    ("device", "compute"), [("a100-80gb-sxm", "fp8"), ("a100-80gb-sxm", "mxfp8"), ("h100-sxm", "nvfp4")]
)
def test_a_format_that_the_device_lacks_is_refused(catalog: Catalog, device: str, compute: str) -> None:
    accelerator = catalog.inventory.accelerators[device]
    with pytest.raises(InputError, match=f"{accelerator.name} has no {compute} matrix products"):
        peak_flops(TrainingWorkload(compute=compute), accelerator)


def test_the_peak_is_the_datasheets(catalog: Catalog) -> None:
    """H100 SXM: 989.4 dense TFLOPS at 16 bit, 66.9 at 32."""
    device = catalog.inventory.accelerators["h100-sxm"]
    assert peak_flops(TrainingWorkload(), device) == pytest.approx(989.4e12, rel=0.001)
    assert peak_flops(TrainingWorkload(compute="fp8"), device) == pytest.approx(989.4e12, rel=0.001)
    assert peak_flops(TrainingWorkload(compute="fp32"), device) == device.fp32_flops > 5e13
