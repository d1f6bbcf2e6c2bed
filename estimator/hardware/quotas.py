"""EC2's quota for accelerated instances: how many vCPUs of a kind of family an account may run in one region."""

from estimator.hardware.devices import Machine

BUCKETS = (("inf", "Inf"), ("trn", "Trn"), ("dl", "DL"), ("g", "G and VT"), ("vt", "G and VT"), ("p", "P"))
"""Beginning of a family's name and its quota (`Running On-Demand P instances`), by AWS' "EC2 instance type quotas"."""
OTHERS = "Standard"


def quota_bucket(machine: Machine) -> str:
    """The quota that an instance type counts in, by its vCPUs; empty for hardware of one's own."""
    if machine.kind == "device":
        return ""
    return next((bucket for start, bucket in BUCKETS if machine.family.startswith(start)), OTHERS)
