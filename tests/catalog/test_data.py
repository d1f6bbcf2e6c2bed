"""What the packaged catalogue says, held against datasheets, price lists and itself."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from catalog import cache, listing
from catalog.load import Catalog
from catalog.shapes import is_date
from estimator.errors import InputError
from estimator.hardware.elsewhere import cheapest_elsewhere
from estimator.units import GB, GIB, MIB, TERA


def test_every_packaged_file_is_valid(catalog: Catalog) -> None:
    assert catalog.problems == ()


def test_sizes_of_the_catalogue(catalog: Catalog) -> None:
    kinds = [machine.kind for machine in catalog.inventory.machines.values()]
    assert kinds.count("cloud") == 91
    assert kinds.count("host") == 129
    assert kinds.count("device") > 30
    assert len(catalog.inventory.accelerators) >= 64
    assert len(catalog.regions) == 31
    assert len(catalog.models) >= 100


@pytest.mark.parametrize(
    ("instance", "usd_per_hour"),
    [
        ("p5.48xlarge", 55.04),
        ("p4d.24xlarge", 21.957642),
        ("p4de.24xlarge", 27.44705),
        ("p5en.48xlarge", 63.296),
        ("p6-b200.48xlarge", 113.9328),
        ("p6-b300.48xlarge", 142.416),
        ("g5.xlarge", 1.006),
        ("c7a.2xlarge", 0.41056),
    ],
)
def test_on_demand_prices_of_us_east_1(catalog: Catalog, instance: str, usd_per_hour: float) -> None:
    quote = catalog.prices("us-east-1").quotes[instance].on_demand
    assert quote is not None
    assert (quote.usd_per_hour, quote.kind, quote.as_of) == (usd_per_hour, "list", "2026-07-20")


def test_p4d_holds_eight_accelerators_of_40_gb(catalog: Catalog) -> None:
    machine = catalog.inventory.machines["p4d.24xlarge"]
    accelerator = catalog.inventory.accelerators[machine.accelerator]
    assert (machine.count, accelerator.memory_sold_gb) == (8, 40)
    assert accelerator.memory_usable_bytes == 40960 * MIB


def test_fractional_machines_hold_parts_of_an_l4(catalog: Catalog) -> None:
    machines = catalog.inventory.machines
    assert [machines[f"g6f.{size}"].count for size in ("large", "xlarge", "2xlarge", "4xlarge")] == [
        0.125,
        0.125,
        0.25,
        0.5,
    ]
    assert machines["gr6f.4xlarge"].count == 0.5


def test_p5_holds_h100_and_p5e_holds_h200(catalog: Catalog) -> None:
    machines = catalog.inventory.machines
    assert machines["p5.4xlarge"].accelerator == machines["p5.48xlarge"].accelerator == "h100-sxm"
    assert machines["p5.4xlarge"].count == 1
    assert machines["p5e.48xlarge"].accelerator == machines["p5en.48xlarge"].accelerator == "h200-sxm"


def test_peaks_are_dense(catalog: Catalog) -> None:
    """NVIDIA prints sparse figures: H100 1979 bf16, L4 242 bf16, RTX 5090 3352 AI TOPS."""
    accelerators = catalog.inventory.accelerators
    assert accelerators["h100-sxm"].bf16_flops == pytest.approx(989.5 * TERA)
    assert accelerators["l4"].bf16_flops == 121 * TERA
    assert accelerators["rtx5090"].fp4_flops == 1676 * TERA
    assert accelerators["a10g"].bf16_flops == 70 * TERA
    assert accelerators["b300-sxm"].int8_flops < accelerators["b300-sxm"].bf16_flops


def test_turing_and_volta_have_no_bf16_and_ampere_no_fp8(catalog: Catalog) -> None:
    accelerators = catalog.inventory.accelerators
    assert accelerators["t4"].bf16_flops == accelerators["v100-32gb"].bf16_flops == 0
    assert accelerators["a100-80gb-sxm"].fp8_flops == accelerators["a10g"].fp8_flops == 0
    assert accelerators["l4"].fp8_flops > 0


def test_accelerators_are_complete(catalog: Catalog) -> None:
    for accelerator in catalog.inventory.accelerators.values():
        assert accelerator.source, accelerator.id
        assert is_date(accelerator.as_of), accelerator.id
        assert accelerator.fabric in catalog.inventory.fabrics, accelerator.id
        if accelerator.kind == "cpu":
            continue
        assert 0 < accelerator.memory_usable_bytes <= accelerator.memory_sold_gb * 1.03 * GIB, accelerator.id
        assert accelerator.matrix_flops > 0 or "no-llm-stack" in accelerator.tags, accelerator.id


def test_machines_name_what_exists(catalog: Catalog) -> None:
    for machine in catalog.inventory.machines.values():
        assert machine.accelerator in catalog.inventory.accelerators, machine.id
        assert machine.fabric in catalog.inventory.fabrics, machine.id
        assert machine.source, machine.id
        assert (machine.fabric == "none") == (machine.count <= 1 or machine.kind == "host"), machine.id


def test_machines_without_nvlink_share_no_fast_domain(catalog: Catalog) -> None:
    machines = catalog.inventory.machines.values()
    assert {machine.fast_domain for machine in machines if machine.family.startswith("g")} == {1}
    assert {machine.fast_domain for machine in machines if machine.family in ("p4d", "p5", "p5en", "p6-b200")} == {1, 8}


def test_boards_for_work_reach_each_other_and_those_for_games_do_not(catalog: Catalog) -> None:
    """Peer-to-peer over PCIe is switched off in GeForce's driver. Eight A6000 serve Llama-3-70B's prompts of 236 tokens
    in 158 ms (AccelMark), through host memory it would be 730.
    """
    fabrics = {each.id: each.fabric for each in catalog.inventory.accelerators.values()}
    for board in ("a6000", "a40", "a100-80gb-pcie", "h100-pcie", "l40s", "rtx6000-ada", "v100-32gb-pcie"):
        assert fabrics[board].endswith("-p2p"), board
    for board in ("rtx3090", "rtx4090", "rtx5090", "rtx3060", "rtx5060-ti-16gb"):
        assert not fabrics[board].endswith("-p2p"), board


def test_cpu_hosts_share_their_sockets_bandwidth(catalog: Catalog) -> None:
    """c7a.24xlarge is one socket of twelve DDR5-4800 channels."""
    machines = catalog.inventory.machines
    assert machines["c7a.24xlarge"].memory_bandwidth_bytes_per_s == pytest.approx(460.8 * GB)
    assert machines["c7a.2xlarge"].memory_bandwidth_bytes_per_s == pytest.approx(38.4 * GB, rel=1e-4)


def test_all_reduce_constants_are_positive(catalog: Catalog) -> None:
    for fabric in catalog.inventory.fabrics.values():
        assert fabric.source
        for constants in fabric.all_reduce.values():
            assert constants.alpha_s < 1e-3
            assert constants.bandwidth_bytes_per_s < 1.2 * fabric.link_bytes_per_s


def test_quotes_are_positive_dated_and_sourced(catalog: Catalog) -> None:
    for region in catalog.regions:
        for name, quotes in catalog.prices(region).quotes.items():
            assert name in catalog.inventory.machines
            for quote in quotes[:7]:
                if quote is None:
                    continue
                assert quote.usd_per_hour > 0
                assert is_date(quote.as_of)
                assert quote.source
                assert quote.kind in ("list", "derived", "snapshot", "estimate")
                if quote.low is not None and quote.high is not None:
                    assert quote.low <= quote.usd_per_hour <= quote.high


def test_commitments_cost_less_than_on_demand(catalog: Catalog) -> None:
    for region in catalog.regions:
        for name, quotes in catalog.prices(region).quotes.items():
            if quotes.on_demand:
                for quote in (quotes.spot, quotes.reserved_1y, quotes.reserved_3y, quotes.savings_3y):
                    assert quote is None or quote.usd_per_hour <= quotes.on_demand.usd_per_hour, (region, name)


def test_g_families_share_one_ratio_per_region(catalog: Catalog) -> None:
    """g5, g6 and g6e are priced by one factor over us-east-1 in every region."""
    home = catalog.prices("us-east-1").quotes
    for region in catalog.regions:
        ratios = [
            quotes.on_demand.usd_per_hour / there.usd_per_hour
            for name, quotes in catalog.prices(region).quotes.items()
            if name.split(".")[0] in ("g5", "g6", "g6e") and quotes.on_demand and (there := home[name].on_demand)
        ]
        if ratios:
            assert max(ratios) / min(ratios) < 1.001, region


@pytest.mark.parametrize("region", ["us-east-2", "us-west-2"])
def test_three_us_regions_cost_the_same(catalog: Catalog, region: str) -> None:
    home = catalog.prices("us-east-1").quotes
    for name, quotes in catalog.prices(region).quotes.items():
        there = home.get(name)
        if quotes.on_demand and there and there.on_demand:
            assert quotes.on_demand.usd_per_hour == pytest.approx(there.on_demand.usd_per_hour, rel=1e-4)


def test_no_price_is_told_from_not_offered_and_capacity_blocks(catalog: Catalog) -> None:
    quotes = catalog.prices("us-east-1").quotes
    assert "p4de.24xlarge" not in catalog.prices("eu-west-3").quotes
    trainium = catalog.prices("us-east-2").quotes["trn2.48xlarge"]
    assert trainium.on_demand is None
    assert trainium.capacity_block is not None
    unpriced = catalog.prices("eu-central-1").quotes["c7a.2xlarge"]
    assert all(quote is None for quote in unpriced[:7])
    assert quotes["rtx4090"].on_demand is None


def test_savings_plans_stand_in_reserved_prices(catalog: Catalog) -> None:
    """EC2 Instance Savings Plans cost what standard reserved instances of the term do; not so after the P4/P5 cut."""
    g5 = catalog.prices("us-east-1").quotes["g5.xlarge"]
    assert g5.savings_1y is not None
    assert g5.reserved_1y is not None
    assert (g5.savings_1y.usd_per_hour, g5.savings_1y.kind) == (g5.reserved_1y.usd_per_hour, "derived")
    assert catalog.prices("us-east-1").quotes["p5.48xlarge"].savings_3y is None


@pytest.mark.parametrize(
    ("printed", "accelerator"),
    [
        ("H100-80GB-HBM3", "h100-sxm"),
        ("NVIDIA A10G", "a10g"),
        ("A100-SXM4-80G", "a100-80gb-sxm"),
        ("A100-PCIE-40GB", "a100-40gb-pcie"),
        ("NVIDIA A100 80GB PCIe", "a100-80gb-pcie"),
        ("NVIDIA GeForce RTX 4090", "rtx4090"),
        ("RTX3090-24G", "rtx3090"),
        ("Tesla V100 32GB", "v100-32gb"),
        ("NVIDIA RTX A6000", "a6000"),
        ("H100 (79.18 GiB)", "h100-sxm"),
        ("Apple M2ultra 192GB", "apple-m2-ultra"),
        ("Trainium1 chip (trn1.32xlarge)", "trainium1"),
    ],
)
def test_accelerators_by_printed_name(catalog: Catalog, printed: str, accelerator: str) -> None:
    assert catalog.inventory.accelerator(printed).id == accelerator


def test_names_are_unambiguous(catalog: Catalog) -> None:
    for accelerator in catalog.inventory.accelerators.values():
        for name in (*accelerator.aliases, accelerator.label, accelerator.name):
            assert catalog.inventory.accelerator(name) is accelerator, name


def test_an_unknown_name_suggests_a_known_one(catalog: Catalog) -> None:
    with pytest.raises(InputError, match=r"accelerator: unknown accelerator 'h101-sxm'; did you mean h100-sxm"):
        catalog.inventory.accelerator("h101-sxm")
    with pytest.raises(InputError, match=r"instance: .*p5\.48xlarge"):
        catalog.inventory.machine("p5.49xlarge")
    with pytest.raises(InputError, match=r"region: .*us-east-1"):
        catalog.prices("us-east1")
    with pytest.raises(InputError, match=r"model: .*meta-llama/Llama-3.1-8B"):
        catalog.model_id("meta-llama/Llama-3.1-8")


def test_models_by_id_alias_and_short_name(catalog: Catalog) -> None:
    assert catalog.model_id("META-LLAMA/llama-3.1-8b") == "meta-llama/Llama-3.1-8B"
    assert catalog.model_id("Llama-3.1-8B") == "meta-llama/Llama-3.1-8B"
    assert catalog.model_id("deepseek-ai/DeepSeek-V3-Base") == "deepseek-ai/DeepSeek-V3"
    assert catalog.model("llama-3.1-8b") is catalog.model("meta-llama/Llama-3.1-8B")
    assert catalog.model("Llama-3.1-8B").architecture.hidden == 4096


def test_a_card_of_ones_own_joins_the_inventory(catalog: Catalog) -> None:
    card = replace(catalog.inventory.accelerators["rtx4090"], id="rtx4090-48gb", memory_usable_bytes=48 * GIB)
    desk = replace(catalog.inventory.machines["rtx5090"], id="desk", accelerator=card.id, count=2)
    inventory = replace(
        catalog.inventory,
        accelerators={**catalog.inventory.accelerators, card.id: card},
        machines={**catalog.inventory.machines, desk.id: desk},
    )
    assert inventory.accelerator("rtx4090-48gb") is card
    assert inventory.machine("desk").count == 2
    assert "desk" not in catalog.inventory.machines


def test_no_file_repeats_an_entry() -> None:
    """Two families in two files may not claim one instance type."""
    names: list[str] = []
    for path in (cache.DATA / "instances").glob("*.yaml"):
        for family in yaml.safe_load(path.read_text()).values():
            names += family["sizes"]
    assert len(names) == len(set(names))


def test_every_entry_is_listed_and_shown(catalog: Catalog) -> None:
    rows = list(listing.rows(catalog))
    assert {row.kind for row in rows} >= {"accelerator", "instance", "host", "device", "model", "fabric", "region"}
    for row in rows[:: len(rows) // 40]:
        assert listing.show(catalog, row.id)
    assert listing.show(catalog, "p5.48xlarge")["on_demand_usd_per_hour"]["us-east-1"] == 55.04
    assert all(re.fullmatch(r"[\w./@+: -]+", row.id) for row in rows)


def test_a_model_that_predicts_tokens_says_in_how_many_modules(catalog: Catalog) -> None:
    """Whether a model drafts for itself is asked of either."""
    architectures = [catalog.model(name).architecture for name in catalog.model_ids]
    predicting = [each for each in architectures if each.mtp]
    assert len(predicting) >= 20
    assert all(bool(each.mtp) == (each.mtp_layers > 0) for each in architectures)


def test_other_clouds_are_a_reference_with_date_and_source(catalog: Catalog) -> None:
    """Eight H100 for $18.32 an hour at Verda, $23.60 at Nebius, $31.20 at Crusoe (snapshots of 2026)."""
    assert len(catalog.elsewhere) >= 30
    assert all(is_date(each.as_of) and each.source and each.provider for each in catalog.elsewhere)
    found = cheapest_elsewhere(catalog.elsewhere, "h100-sxm")
    asked = [(each.provider, each.usd_per_device_hour * 8) for each in found]
    assert asked == [("Verda", pytest.approx(18.32)), ("Nebius", 23.6), ("Crusoe", pytest.approx(31.2))]
    assert cheapest_elsewhere(catalog.elsewhere, "inferentia2") == ()
    page = listing.show(catalog, "p5.48xlarge")
    assert page["elsewhere_usd_per_hour"] == {"Verda, 2026": 18.32, "Nebius, 2026": 23.6, "Crusoe, 2026-10": 31.2}


def test_another_cloud_with_an_unknown_accelerator_is_named(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.yaml"
    rental = "provider: X, accelerator: h1000, count: 8, usd_per_hour: 2, as_of: '2026', source: y"
    file.write_text(f"- {{{rental}}}\n")
    (problem,) = listing.check(catalog, file)
    assert "h1000" in problem
    assert "elsewhere.yaml:1" in problem
