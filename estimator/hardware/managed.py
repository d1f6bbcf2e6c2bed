"""What a managed service asks for machines that EC2 rents as well."""

from dataclasses import field

from estimator.records import record


@record(frozen=True, slots=True)
class ManagedPrices:
    """Prices of managed hosting [USD/h] by machine type, in one region, on one day."""

    region: str
    as_of: str
    source: str
    usd_per_hour: dict[str, float] = field(default_factory=dict)
