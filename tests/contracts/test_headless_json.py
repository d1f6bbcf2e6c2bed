"""The headless contract: keys, types and exit statuses of docs/interface.md."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.json_keys import rewritten
from tui.cli import main
from tui.cli.json_output import SCHEMA
from tui.options.options import OPTIONS
from tui.verbs import VERBS

BAND = {"low", "typical", "high"}
KEYS: dict[str, Any] = {
    "instance": str,
    "machines": int,
    "accelerator": str,
    "accelerators": (int, float),
    "layout": {"tp": int, "pp": int, "ep": int, "dp": int},
    "replicas": int,
    "verdict": str,
    "reason": (str, type(None)),
    "confidence": str,
    "memory": {
        "device_bytes": int,
        "usable_bytes": int,
        "weights_bytes": int,
        "kv_cache_bytes": int,
        "activation_bytes": int,
        "runtime_bytes": int,
        "cuda_graph_bytes": int,
        "utilization": (int, float),
        "kv_capacity_tokens": int,
        "max_concurrency": (int, float),
        "max_context_tokens": int,
    },
    "performance": {
        "ttft_s": BAND,
        "tpot_s": BAND,
        "request_latency_s": BAND,
        "tokens_per_s_per_user": BAND,
        "output_tokens_per_s_per_replica": BAND,
        "output_tokens_per_s": BAND,
        "total_tokens_per_s": BAND,
        "requests_per_s": BAND,
        "prefill_bound": str,
        "decode_bound": str,
        "utilization": (int, float),
        "meets_service_level": bool,
        "holds_load": bool,
        "overloaded": bool,
        "max_users": int,
    },
    "cost": {
        "price_state": str,
        "price_usd_per_hour": (int, float),
        "price_low_usd_per_hour": (int, float, type(None)),
        "price_high_usd_per_hour": (int, float, type(None)),
        "price_kind": str,
        "price_as_of": str,
        "usd_per_1m_tokens": BAND,
        "usd_per_1m_input_tokens": BAND,
        "usd_per_1m_output_tokens": BAND,
        "usd_per_request": BAND,
        "usd_per_month": (int, float),
        "usd_per_hour_per_gb": (int, float),
    },
    "training": type(None),
}
MODEL = ["schema", "model", "status", "reason", "architecture", "parameters", "kv_cache"]
PARAMETERS = {
    "text", "active", "mtp", "vision", "total", "embedding", "lm_head", "attention", "mlp", "experts",
}  # fmt: skip
KV_CACHE = {
    "bytes_per_token", "window_bytes_per_token", "window_tokens", "indexer_bytes_per_token",
    "cross_bytes_per_source_token", "state_elements_per_sequence", "conv_state_elements_per_sequence",
}  # fmt: skip


class Answer:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Ask:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *argv: str) -> Answer:
        status = main(argv)
        captured = self.capsys.readouterr()
        return Answer(status, captured.out, captured.err)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    return Ask(capsys)


def assert_shape(value: Any, shape: Any, where: str = "") -> None:
    if isinstance(shape, dict):
        assert set(shape) <= set(value), where  # a new key is no break
        for key, inner in shape.items():
            assert_shape(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, set):
        assert set(value) == shape, where
        assert value["low"] <= value["typical"] <= value["high"], where
    else:
        assert isinstance(value, shape), f"{where}: {value!r}"


def test_a_candidate_is_replayed_and_a_row_is_not(ask: Ask) -> None:
    load = ("--instance", "p5.48xlarge", "--requests-per-second", "3", "--format", "json")
    speed = ask("estimate", *load).json["performance"]
    assert list(speed["percentiles"]) == ["ttft_s", "tpot_s", "latency_s"]
    for figure in speed["percentiles"].values():
        assert list(figure) == ["p50", "p90", "p95", "p99"]
        assert list(figure.values()) == sorted(figure.values())
    assert speed["goodput_requests_per_s"] == pytest.approx(3, rel=0.1)
    (row,) = ask("rank", *load).json["rows"]
    assert row["performance"]["percentiles"] is row["performance"]["goodput_requests_per_s"] is None


def test_a_benchmark_that_ends_is_answered_with_its_opening(ask: Ask) -> None:
    burst = ("--instance", "p5.48xlarge", "--traffic", "burst", "--requests", "300", "--format", "json")
    asked = ask("estimate", *burst).json["performance"]
    ever = ask("estimate", "--instance", "p5.48xlarge", "--concurrency", "300", "--format", "json").json["performance"]
    assert asked["ttft_s"]["typical"] > 3 * ever["percentiles"]["ttft_s"]["p50"]
    assert asked["percentiles"]["ttft_s"]["p99"] > asked["ttft_s"]["typical"]


def test_a_level_on_percentiles_is_judged_by_the_replay(ask: Ask) -> None:
    one = ("--instance", "p5.48xlarge", "--machines", "1", "--tp", "8")
    load = (*one, "--requests-per-second", "3", "--format", "json")
    speed = ask("estimate", *load).json["performance"]["percentiles"]
    for name in ("ttft", "tpot", "latency"):
        seen = speed[f"{name}_s"]["p95"]
        kept = ask("estimate", *load, f"--{name}", f"{seen * 1.01}@p95")
        missed = ask("estimate", *load, f"--{name}", f"{seen * 0.99}@p95")
        assert (kept.status, missed.status) == (0, 1), name
        assert kept.json["performance"]["meets_service_level"] > missed.json["performance"]["meets_service_level"]


def test_an_overload_is_never_a_pass(ask: Ask) -> None:
    one = ("--instance", "p5.48xlarge", "--machines", "1")
    answer = ask("estimate", *one, "--requests-per-second", "600", "--format", "json")
    assert answer.status == 1
    assert re.match(r"overloaded: 600/s asked, [\d.]+/s possible", answer.json["reason"])
    speed = answer.json["performance"]
    assert speed["overloaded"]
    assert not speed["holds_load"]
    assert speed["percentiles"] is None


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--traffic", "burst"), "--traffic: a burst says how many requests it sends"),
        (("--traffic", "rate"), "--traffic: a rate says how many requests-per-second come"),
        (("--traffic", "closed", "--requests-per-second", "3"), "--traffic: users in a closed loop send at no rate"),
        (("--traffic", "trace"), "--traffic: a trace is read from a file"),
        (("--traffic", "flood"), "--traffic: 'flood' is not known"),
        (("--requests-per-second", "0"), "--requests-per-second: 0"),
        (("--trace", "/nowhere.csv"), "--trace: '/nowhere.csv': no such file"),
    ],
)
def test_a_traffic_that_can_not_be_sent_is_one_line(ask: Ask, options: tuple[str, ...], complaint: str) -> None:
    answer = ask("estimate", *options)
    assert answer.status == 2
    assert complaint in answer.err
    assert answer.err.count("\n") == 1


def test_estimate_keeps_these_keys(ask: Ask) -> None:
    answer = ask("estimate", "--instance", "p5.48xlarge", "--format", "json")
    assert answer.status == 0
    assert_shape(answer.json, KEYS)
    assert answer.json["schema"] == SCHEMA == next(iter(answer.json.values()))
    assert answer.json["instance"] == "p5.48xlarge"
    assert answer.json["cost"]["price_usd_per_hour"] == 55.04


def test_every_key_of_an_answer_stands_on_the_page_of_the_interface(ask: Ask) -> None:
    page = (Path(__file__).parents[2] / "docs" / "interface.md").read_text()
    assert rewritten(page) == page, "run `make docs`"
    serving = ask("estimate", "--instance", "p5.48xlarge", "--format", "json").json
    training = ask("estimate", "--train", "lora", "--model", "8B", "--format", "json").json["training"]
    answers = (serving["memory"], serving["performance"], serving["cost"], training, training["memory"])
    assert [key for answer in answers for key in answer if not re.search(rf"[`\"]{key}[`\"]", page)] == []


def test_rank_is_the_scenario_and_the_same_objects_in_order(ask: Ask) -> None:
    answer = ask("rank", "--format", "json")
    assert answer.status == 0
    assert list(answer.json) == ["schema", "scenario", "rows"]
    assert answer.json["scenario"]["model"] == "meta-llama/Llama-3.3-70B-Instruct"
    verdicts = [row["verdict"] for row in answer.json["rows"]]
    assert verdicts == sorted(verdicts, key=["fits", "does_not_fit", "not_supported"].index)
    fitting = [row for row in answer.json["rows"] if row["verdict"] == "fits"]
    for row in fitting:
        if row["cost"]["price_state"] == "priced":
            assert_shape(row, KEYS)
    for row in answer.json["rows"]:
        assert set(KEYS) <= set(row)
        assert row["verdict"] == "fits" or row["reason"]


def test_the_default_scenario_is_the_documented_one(ask: Ask) -> None:
    said = {
        "model": "meta-llama/Llama-3.3-70B-Instruct",
        "weights": "fp8",
        "kv": "bf16",
        "input_tokens": 2048,
        "output_tokens": 512,
        "concurrency": 16,
        "region": "us-east-1",
        "price_terms": "on-demand",
        "engine": "vllm",
    }
    scenario = ask("rank", "--limit", "1", "--format", "json").json["scenario"]
    assert {name: scenario[name] for name in said} == said


def test_one_row_for_each_instance_and_more_with_all(ask: Ask) -> None:
    best = ask("rank", "--format", "json").json["rows"]
    every = ask("rank", "--all", "--format", "json").json["rows"]
    assert len({row["instance"] for row in best}) == len(best) < len(every)
    assert len(ask("rank", "--limit", "3", "--format", "json").json["rows"]) == 3


def test_unit_costs_times_volumes_are_the_bill(ask: Ask) -> None:
    row = ask("estimate", "--instance", "p5.48xlarge", "--format", "json").json
    requests_per_hour = row["performance"]["requests_per_s"]["typical"] * 3600
    cost = row["cost"]
    tokens = 2048 * cost["usd_per_1m_input_tokens"]["typical"] + 512 * cost["usd_per_1m_output_tokens"]["typical"]
    assert requests_per_hour * tokens / 1e6 == pytest.approx(cost["price_usd_per_hour"])
    assert cost["usd_per_request"]["typical"] * requests_per_hour == pytest.approx(55.04)
    assert cost["usd_per_month"] == pytest.approx(55.04 * 730)


def test_rank_as_csv_and_markdown(ask: Ask) -> None:
    header, *rows = ask("rank", "--limit", "2", "--format", "csv").out.splitlines()
    assert header.startswith("instance,machines,accelerator")
    assert len(rows) == 2
    assert ask("rank", "--limit", "2", "--format", "markdown").out.startswith("| # | instance |")


def test_model_has_exactly_these_keys_and_refusals_keep_them(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "unknown.json").write_text('{"architectures": ["Mystery\\u001b[2JForCausalLM"], "hidden_size": 8}')
    (tmp_path / "broken.json").write_text("{")
    names = ("deepseek-ai/DeepSeek-V3", str(tmp_path / "unknown.json"), str(tmp_path / "broken.json"))
    answer = ask("model", *names, "--format", "json")
    assert answer.status == 1
    good, unknown, broken = answer.json
    for page in answer.json:
        assert list(page) == MODEL
    assert set(good["parameters"]) == PARAMETERS
    assert set(good["kv_cache"]) == KV_CACHE
    assert (good["status"], good["kv_cache"]["bytes_per_token"]) == ("ok", 70272)
    assert (unknown["status"], broken["status"]) == ("unsupported", "invalid")
    assert "Mystery" in unknown["architecture"]
    assert "\x1b" not in answer.out + unknown["reason"]


def test_a_config_file_may_hold_the_architecture_fields_alone(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "acme__tiny.json"
    path.write_text(
        json.dumps(
            {
                "architectures": ["LlamaForCausalLM"],
                "num_hidden_layers": 32,
                "hidden_size": 4096,
                "intermediate_size": 14336,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "vocab_size": 128256,
                "max_position_embeddings": 131072,
                "tie_word_embeddings": False,
            }
        )
    )
    (page,) = ask("model", str(path), "--format", "json").json
    assert page["parameters"]["text"] == 8_030_261_248
    assert page["kv_cache"]["bytes_per_token"] == 131_072


def test_nothing_fits_is_status_1_with_the_answer_on_stdout(ask: Ask) -> None:
    answer = ask("estimate", "--model", "deepseek-ai/DeepSeek-V3", "--instance", "g4dn.xlarge", "--format", "json")
    assert answer.status == 1
    assert answer.json["verdict"] != "fits"
    assert answer.json["reason"]


def test_a_service_level_that_can_not_be_met_is_status_1(ask: Ask) -> None:
    assert ask("estimate", "--instance", "p5.48xlarge", "--tpot", "0.1ms", "--format", "json").status == 1


def test_sagemaker_names_and_sessions_are_understood(ask: Ask, tmp_path: Path) -> None:
    session = tmp_path / "session.yaml"
    session.write_text("model: meta-llama/Llama-3.1-8B\ninput_tokens: 100\nengine: vllm@0.18\nsort: price\n")
    row = ask("estimate", str(session), "--instance", "ml.g5.12xlarge", "--format", "json").json
    assert row["instance"] == "g5.12xlarge"
    scenario = ask("rank", str(session), "--input-tokens", "200", "--limit", "1", "--format", "json").json["scenario"]
    assert (scenario["model"], scenario["input_tokens"]) == ("meta-llama/Llama-3.1-8B", 200)
    assert scenario["engine"] == "vllm@0.18"


def test_owned_hardware_is_ranked_by_what_it_costs_to_own(ask: Ask) -> None:
    local = ask("rank", "--deployment", "local", "--format", "json").json["rows"]
    assert {"2xrtx4090", "rtx4090"} <= {row["instance"] for row in local}
    dear = ask(
        "estimate", "--accelerator", "rtx4090", "--count", "4", "--hardware-usd", "3000", "--format", "json"
    ).json
    cheap = ask(
        "estimate", "--accelerator", "rtx4090", "--count", "4", "--hardware-usd", "1500", "--format", "json"
    ).json
    assert 0 < cheap["cost"]["price_usd_per_hour"] < dear["cost"]["price_usd_per_hour"]
    edge = ask("rank", "--deployment", "edge", "--format", "json").json["rows"]
    assert {row["accelerators"] for row in edge} == {1}


def test_plan_sizes_a_fleet(ask: Ask) -> None:
    argv = (
        "plan",
        "--preset",
        "chatbot",
        "--requests-per-second",
        "20",
        "--instance",
        "p5.48xlarge",
        "--format",
        "json",
    )
    answer = ask(*argv)
    assert answer.status == 0
    (plan,) = answer.json["plans"]
    assert list(plan) == ["copies", "base_copies", "machines", "replicas", "usd_per_month", "mixes", "copy"]
    assert_shape(plan["copy"], KEYS)
    assert plan["usd_per_month"] == plan["mixes"][0]["usd_per_month"]
    assert ask(*argv, "--tpot", "0.001ms").status == 1


def test_plan_says_what_to_run_at_each_hour_and_on_which_terms(ask: Ask) -> None:
    load = ("--input-tokens", "1000", "--output-tokens", "300", "--ttft", "1s", "--region", "eu-west-1")
    asked = ("plan", "--model", "8B", "--requests-per-hour", "72_000", "--day", "office", "--spare", "1", *load)
    page = ask(*asked, "--format", "json").json
    assert [row["hour"] for row in page["hours"]] == list(range(24))
    assert max(row["load"] for row in page["hours"]) == 20
    assert sum(line["usd"] for line in page["mix"]) == pytest.approx(page["usd_per_month"]["typical"])
    assert all(line["why"] and not line["price_stale"] for line in page["mix"])
    assert page["runner_up"]["usd_per_month"]["typical"] >= page["usd_per_month"]["typical"]
    assert page["autoscaling"]["cold_start_s"] == pytest.approx(sum(page["autoscaling"]["cold_start"].values()))
    costs = [at["usd_per_1m_tokens"]["typical"] for at in page["usd_per_1m_tokens_at"]]
    assert costs == sorted(costs)
    assert ask(*asked, "--budget", "1").status == 1
    assert ask(*asked, "--budget", "1", "--format", "json").json["mix"] is None


def test_pools_of_a_plan_say_what_each_runs_on_and_the_blend(ask: Ask) -> None:
    load = ("--requests-per-second", "20", "--input-tokens", "1000", "--output-tokens", "300", "--ttft", "1s")
    pools = ("--pool", "realtime=70%", "--pool", "batch=20%", "--pool", "long=10%,input-tokens=8k,ttft=5s")
    asked = ("plan", "--model", "8B", "--instance", "g6e.xlarge", "--day", "office", *load)
    page = ask(*asked, *pools, "--format", "json").json
    assert [each["pool"] for each in page["pools"]] == ["realtime", "batch", "long"]
    assert sum(each["share_of_cost"] for each in page["pools"]) == pytest.approx(1)
    months = [each["usd_per_month"]["typical"] for each in page["pools"]]
    assert sum(months) == pytest.approx(page["usd_per_month"]["typical"])
    assert [hour["load"] for hour in page["pools"][1]["hours"]] == pytest.approx([4 * 0.45] * 24, rel=0.02)
    assert page["plans"] == []
    assert page["mix"] is None
    assert "blended: $" in ask(*asked, *pools).out
    dear = ask(*asked, *pools, "--budget", "1")
    assert dear.status == 1
    assert "the pools ask $" in dear.out
    short = ask(*asked, "--pool", "all=100%,tpot=0.001ms")
    assert short.status == 1
    assert "no priced machine carries the pool all" in short.out
    assert ask(*asked, *pools, "--format", "csv").out.count("g6e.xlarge") >= 3
    assert ask(*asked, *pools, "--format", "markdown").out.startswith("| pool |")
    assert ask(*asked, "--pool", "realtime=70%").status == 2
    assert ask(*asked, "--format", "json").json["pools"] is None


def test_a_plan_takes_the_hours_of_a_recorded_day(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    lines = [f"{3600 * hour + 60 * at},800,200" for hour in range(24) for at in range(30 if 8 <= hour < 20 else 10)]
    path.write_text("\n".join(["seconds,input_tokens,output_tokens", *lines]))
    asked = ("plan", "--model", "8B", "--traffic", "trace", "--trace", str(path), "--format", "json")
    page = ask(*asked, "--requests-per-second", "50").json
    loads = [row["load"] for row in page["hours"]]
    assert loads[:8] == pytest.approx([loads[8] / 3] * 8)
    assert sum(loads) / 24 == pytest.approx(50)
    even = ask(*asked, "--day", "steady").json
    assert len({row["load"] for row in even["hours"]}) == 1


def test_a_preset_that_is_longer_than_the_model_is_cut_and_says_so(ask: Ask) -> None:
    answer = ask("rank", "--preset", "rag", "--model", "meta-llama/Llama-2-7b-hf", "--limit", "1", "--format", "json")
    assert answer.json["scenario"]["input_tokens"] == 4096 - 512
    assert "cut from 8,192 to 3,584 input tokens" in answer.err
    assert ask("rank", "--model", "meta-llama/Llama-2-7b-hf", "--input-tokens", "8192").status == 2


def test_recommend_decides_by_stage_by_use_and_by_size(ask: Ask) -> None:
    page = ask("recommend", "--use-case", "chatbot", "--requests-per-day", "50000", "--format", "json").json
    assert page["tier"]["name"] == "mvp"
    assert page["tier"]["contradiction"] is None or "today" in page["tier"]["contradiction"]
    assert page["use_case"]["model"] == "meta-llama/Llama-3.1-8B-Instruct"
    several = [*page["single_accelerator"], *page["several_accelerators"]]
    known = [row["cost"]["usd_per_month"] for row in several if row["confidence"] != "C"]
    assert page["use_case"]["usd_per_month"] == min(known)
    assert 8e9 < page["needed_memory_bytes"] < 80e9
    rows = [*page["single_accelerator"], *page["several_accelerators"]]
    assert all(row["cost"]["price_stale"] is False for row in rows)
    named = [row for row in rows if row["sagemaker_usd_per_hour"]]
    assert all(row["sagemaker_usd_per_hour"] > row["cost"]["price_usd_per_hour"] for row in named)
    sizes = ask("recommend", "--sizes", "--input-tokens", "512", "--format", "json").json["sizes"]
    assert {"7B", "13B", "70B", "175B"} <= {row["size"] for row in sizes}
    prices = [row["cost"]["price_usd_per_hour"] for row in sizes if row["size"] in ("7B", "70B", "175B")]
    assert prices == sorted(prices)
    assert ask("recommend", "--use-case", "poetry").status == 2


def test_breakeven_is_where_the_api_costs_as_much_as_the_rent(ask: Ask) -> None:
    typed = ("--api", "mine", "--api-usd-per-1m-input", "5", "--api-usd-per-1m-output", "25")
    page = ask("breakeven", "--instance", "p5.48xlarge", "--concurrency", "256", *typed, "--format", "json").json
    (api,) = page["api"]
    assert api["breakeven_requests_per_month"] * api["api_usd_per_request"] == pytest.approx(api["rent_usd_per_month"])
    assert page["buying"]["months"] > 0
    assert {each["terms"] for each in page["terms"]} <= {"reserved-1y", "reserved-3y", "savings-1y", "savings-3y"}
    assert len(ask("breakeven", "--instance", "p5.48xlarge", "--format", "json").json["api"]) > 5


def test_command_is_a_line_with_reasons(ask: Ask) -> None:
    page = ask("command", "--instance", "p5.48xlarge", "--tp", "4", "--format", "json").json
    assert list(page) == ["schema", "instance", "command", "arguments", "notes"]
    assert all(argument["text"] in page["command"] and argument["why"] for argument in page["arguments"])
    nothing = ask("command", "--instance", "g5.xlarge", "--format", "json")
    assert (nothing.status, nothing.json) == (1, None)


def test_accuracy_of_a_case_file(ask: Ask, tmp_path: Path) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text(
        "case_id,kind,engine,engine_version,model_id,base_model_id,weight_format,accelerator_id,accelerator_count,tp,"
        "input_tokens,output_tokens,concurrency,tpot_ms,ttft_ms\n"
        "a,serving_concurrency,vLLM,0.18,meta-llama/Llama-3.1-8B,,bf16,h100-sxm,1,1,1024,256,8,8.0,\n"
        "b,serving_concurrency,vLLM,0.18,acme/unheard-of,,bf16,h100-sxm,1,1,1024,256,8,8.0,\n"
    )
    answer = ask("accuracy", "--cases", str(cases), "--format", "json")
    assert list(answer.json) == ["schema", "cases", "summary"]
    known, unknown = answer.json["cases"]
    assert list(known) == ["case_id", "metric", "measured", "predicted", "low", "high", "status", "reason"]
    assert (known["metric"], known["measured"], known["status"]) == ("tpot_ms", 8.0, "scored")
    assert (unknown["status"], unknown["predicted"]) == ("unsupported", None)
    assert unknown["reason"]
    summary = answer.json["summary"][0]
    assert list(summary) == [
        "metric", "group", "cases", "mdape", "mape", "bias", "within_20_percent", "band_coverage",
    ]  # fmt: skip


@pytest.mark.parametrize("version", ["99", "9" * 5000])
def test_a_version_after_the_newest_is_answered_as_the_newest_and_says_so(ask: Ask, version: str) -> None:
    answer = ask("estimate", "--engine", f"vllm@{version}", "--instance", "g7e.2xlarge", "--format", "json")
    newest = ask("estimate", "--instance", "g7e.2xlarge", "--format", "json")
    assert answer.json["memory"] == newest.json["memory"]
    assert "is newer than what is known here; answered as 0." in answer.err
    assert newest.err == ""
    assert ask("estimate", "--engine", "vllm@0.11", "--instance", "g7e.2xlarge").err == ""


WRONG = (
    ("rank", "--model", "no-such-model"),
    ("rank", "--model", ""),
    ("rank", "--input-tokens", "-5"),
    ("rank", "--input-tokens", "1e30"),
    ("rank", "--input-tokens", "nan"),
    ("rank", "--input-tokens", "9" * 5000),
    ("rank", "--requests-per-second", "inf"),
    ("rank", "--memory-utilization", "1.5"),
    ("estimate", "--instance", "p5.48xlarge", "--tp", "3"),
    ("estimate", "--instance", "p5.48xlarge", "--region", "af-south-1"),
    ("estimate", "--instance", "p9.48xlarge"),
    ("estimate", "--instance", "p5.48xlarge", "--accelerator", "h100-sxm"),
    ("rank", "--region", "mars-north-1"),
    ("rank", "--weights", "int3"),
    ("rank", "--engine", "vllm@banana"),
    ("rank", "--lora-rank", "8"),
    ("rank", "--count", "8"),
    ("plan", "--train", "lora"),
    ("plan", "--headroom", "1"),
    ("plan", "--day", "lunch"),
    ("plan", "--day", "office", "--peak-hours", "8"),
    ("plan", "--requests-per-hour", "0"),
    ("plan", "--requests-per-hour", "10", "--tokens-per-day", "1000"),
    ("plan", "--budget", "much"),
    ("plan", "--budget", "2,5"),
    ("plan", "--limit", "0"),
    ("breakeven", "--api", "nobody"),
    ("breakeven", "--api-usd-per-1m-input", "1"),
    ("breakeven", "--train", "lora"),
    ("rank", "--no-such-option"),
    ("rank", "--limit", "0"),
    ("rank", "nowhere.yaml"),
    ("rank", "a\0b"),
    ("accuracy", "--cases", "nowhere.csv"),
    ("catalog", "show", "nothing"),
    ("serve", "--port", "0"),
    ("catalog", "refresh"),
    ("catalog", "refresh", "prices", "mars-north-1"),
    ("sing",),
    (),
)


@pytest.mark.parametrize("argv", WRONG, ids=lambda argv: " ".join(argv)[:40])
def test_wrong_input_is_one_line_and_status_2(ask: Ask, argv: tuple[str, ...]) -> None:
    answer = ask(*argv)
    assert (answer.status, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert line.startswith("llmcalc-tui: ")
    assert line.isprintable()
    assert "internal error" not in line


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("rank", "--decode-context-parallel", "3"), "--decode-context-parallel: "),
        (("rank", "--max-model-len", "5"), "--max-model-len: "),
        (("rank", "--weights", "fp9"), "--weights: unknown format 'fp9'; did you mean fp8,"),
        (("rank", "--accelerator", "cpu"), "; did you mean cpu-"),
        (("rank", "--accelerator", "h10"), "; did you mean h100-"),
        (("rank", "--engine", "vlm"), "; did you mean vllm"),
        (("rank", "--preset", "chat"), "; did you mean chatbot?"),
        (("rank", "--ttft", "5parsecs"), "--ttft: '5parsecs' is not a time, expected seconds (0.8) or 800ms"),
        (("rank", "--model", "qqqq"), "a Hub id is org/name"),
    ],
    ids=lambda each: " ".join(each)[:40] if isinstance(each, tuple) else "",
)
def test_a_complaint_names_the_option_as_it_was_typed_and_the_way_on(
    ask: Ask, argv: tuple[str, ...], said: str
) -> None:
    assert said in ask(*argv).err


def test_the_table_counts_users_and_memory_as_the_screen_does(ask: Ask) -> None:
    said = ("rank", "--input-tokens", "8192", "--concurrency", "50", "--instance", "g7e.24xlarge")
    (row,) = (line for line in ask(*said).out.splitlines() if "g7e.24xlarge" in line)
    assert "TP2x2" in row
    assert "  76  73%" in row  # 38 requests on each replica; weights, buffers and the 50 requests in flight
    (row,) = (line for line in ask(*said, "--ttft", "1").out.splitlines() if "g7e.24xlarge" in line)
    assert "  0  73%" in row  # not even one user sees the level
    assert row.endswith("> 1s")
    assert "misses" not in ask("rank", "--model", "deepseek-ai/DeepSeek-V3", "--instance", "g4ad.2xlarge").out


def test_what_has_no_price_says_why_and_what_gives_it_one(ask: Ask) -> None:
    mac = ("estimate", "--model", "meta-llama/Llama-3.1-8B", "--engine", "llamacpp", "--accelerator", "m2-ultra")
    mac += ("--weights", "gguf-q4_k_m")
    assert "no price: hardware-usd sets one" in ask(*mac).out
    assert "$/1M output tokens" in ask(*mac, "--hardware-usd", "6000").out
    committed = ask("rank", "--price-terms", "reserved-1y", "--instance", "p5en.48xlarge").out
    assert "no price on these terms" in committed


def test_an_explicit_layout_is_judged_and_never_another_in_its_place(ask: Ask) -> None:
    r1 = ("rank", "--model", "deepseek-ai/DeepSeek-R1", "--instance", "p5en.48xlarge")
    (row,) = ask(*r1, "--dp", "3", "--format", "json").json["rows"]
    assert (row["verdict"], row["layout"]["dp"], row["machines"]) == ("does_not_fit", 3, 1)
    assert "here 1; legal: 1\n" in ask(*r1, "--ep", "64").err


def test_a_broken_catalogue_file_is_named_beside_the_answer(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "llmcalc-tui" / "catalog"
    folder.mkdir(parents=True)
    (folder / "accelerators.yaml").write_text("mine: [open\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    answer = ask("rank", "--limit", "1", "--format", "json")
    assert answer.status == 0
    assert len(answer.json["rows"]) == 1
    (line,) = answer.err.splitlines()
    assert line.startswith("llmcalc-tui: left out: ")
    assert "accelerators.yaml:2: " in line


def test_numbers_are_written_as_in_the_form(ask: Ask) -> None:
    assert (
        ask("rank", "--input-tokens", "8k", "--limit", "1", "--format", "json").json["scenario"]["input_tokens"] == 8192
    )
    assert ask("rank", "--memory-utilization", "90%", "--limit", "1").status == 0


def test_tp_3_on_32_heads_names_what_is_legal(ask: Ask) -> None:
    answer = ask("estimate", "--model", "meta-llama/Llama-3.1-8B", "--instance", "p5.48xlarge", "--tp", "3")
    assert "legal: 1, 2, 4, 8" in answer.err


def test_an_explicit_tp_leaves_out_machines_that_are_too_small(ask: Ask) -> None:
    rows = ask("rank", "--tp", "8", "--format", "json").json["rows"]
    verdicts = {row["instance"]: row["verdict"] for row in rows}
    assert verdicts["p5.48xlarge"] == "fits"
    assert verdicts["g5.xlarge"] == "not_supported"


def test_an_explicit_layout_of_a_run_leaves_out_machines_that_are_too_small(ask: Ask) -> None:
    run = ("--train", "lora", "--framework", "automodel", "--model", "meta-llama/Llama-3.1-8B", "--format", "json")
    for layout in (("--tp", "8"), ("--pp", "8")):
        rows = ask("rank", *layout, *run).json["rows"]
        verdicts = {row["instance"]: row["verdict"] for row in rows}
        assert (verdicts["p5.48xlarge"], verdicts["g5.xlarge"]) == ("fits", "not_supported")
        assert ask("estimate", "--instance", "g5.xlarge", *layout, *run).status == 2


def test_explicit_stages_may_stand_on_several_machines(ask: Ask) -> None:
    argv = ("estimate", "--instance", "p5.48xlarge", "--machines", "2", "--tp", "8", "--pp", "2", "--format", "json")
    row = ask(*argv).json
    assert (row["layout"]["pp"], row["machines"], row["accelerators"], row["replicas"]) == (2, 2, 16, 1)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("model: [a\n", 2),
        ("model: meta-llama/Llama-3.1-8B\ninput-tokens: -3\n", 2),
        ("tpot: .nan\n", 1),
        ("a: b: c\n", 1),
        ("- 1\n", 1),
        ("colour: red\n", 1),
        ("model: {a: 1}\n", 1),
        ("x: &a [*a]\n", 1),
    ],
)
def test_a_malformed_session_is_named_with_its_line(ask: Ask, tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "session.yaml"
    path.write_text(text)
    answer = ask("rank", str(path))
    assert answer.status == 2
    assert f"session.yaml:{line}" in answer.err
    assert len(answer.err.splitlines()) == 1


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(ask: Ask, verb: str) -> None:
    answer = ask(verb, "--help")
    assert answer.status == 0
    assert f"llmcalc-tui {verb}" in answer.out


def test_every_option_stands_on_the_page_of_the_interface() -> None:
    page = (Path(__file__).parents[2] / "docs" / "interface.md").read_text()
    assert [name for name in OPTIONS if not re.search(rf"--{name}\b(?!-)", page)] == []
