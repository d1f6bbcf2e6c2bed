"""The rule of thumb that early calculators used, so that their figures can be compared.

Full training is 16 bytes a parameter (fp32 weights, gradients and two Adam moments); adapters are the 16-bit weights
and a small buffer; overhead is 2 GB or a tenth, whichever is more. Activations are not counted.
"""

from estimator.models.architecture import Architecture
from estimator.scenario.training_workload import TrainingWorkload
from estimator.units import GB

BUFFER = 0.05
"""Share of the weights that adapters and their states take, by the rule of thumb."""
LEAST_OVERHEAD = 2.0 * GB
"""Bytes; by the rule of thumb."""
OVERHEAD = 0.10
"""Share of everything counted, by the rule of thumb."""


def parts(architecture: Architecture, workload: TrainingWorkload, devices: int) -> dict[str, float]:
    """Memory of a run by the old rule of thumb, in bytes per device by part."""
    parameters = architecture.text_parameters / devices
    if workload.adapters:
        weights = 2.0 * parameters
        counted = {"weights_bytes": weights, "adapters_bytes": BUFFER * weights}
    else:
        counted = {
            "weights_bytes": 4.0 * parameters,
            "gradients_bytes": 4.0 * parameters,
            "optimizer_bytes": 8.0 * parameters,
        }
    return counted | {"overhead_bytes": max(LEAST_OVERHEAD, OVERHEAD * sum(counted.values()))}
