"""Whatever is typed ends in an answer or in one line: never a traceback, a NaN or a control character."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tui.cli import main
from tui.options.options import OPTIONS

numbers = st.one_of(
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from(
        ["0", "-1", "1", "16", "1e9", "1e308", "-inf", "nan", "1_000", "0x10", "", " ", "9" * 400, "800ms"]
    ),
)
words = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["fp8", "int4-awq", "vllm@0.18", "sglang", "llamacpp", "p5.48xlarge", "h100-sxm", "spot", "local"]),
    st.sampled_from(
        ["lora", "full", "agent", "7B", "Qwen/Qwen3-8B", "\x1b[2J", "[bold]x[/]", "../../etc/passwd", "a" * 999]
    ),
)
arguments = st.lists(
    st.tuples(st.sampled_from(tuple(name for name in OPTIONS if name != "model")), st.one_of(numbers, words)),
    max_size=4,
).map(lambda pairs: [part for name, value in pairs for part in (f"--{name}", value)])


def run(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(argv)
    return status, out.getvalue(), err.getvalue()


def assert_contract(status: int, out: str, err: str) -> None:
    assert status in (0, 1, 2)
    assert "internal error" not in err
    if status == 2:
        assert out == ""
        assert len(err.splitlines()) == 1
        assert err.removesuffix("\n").isprintable()
    else:
        json.loads(out, parse_constant=lambda constant: (_ for _ in ()).throw(AssertionError(constant)))


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(arguments)
@example(["--concurrency", "1000000", "--input-tokens", "131000"])
@example(["--requests-per-second", "1e6"])
@example(["--prefix-cache-hit", "0.999999"])
@example(["--instance", "g6f.large", "--weights", "int4-awq"])
@example(["--dp", "100000", "--machines", "100000"])
def test_any_options(argv: list[str]) -> None:
    assert_contract(*run("estimate", *argv, "--format", "json"))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=20).filter(lambda text: not text.startswith("-")), min_size=1, max_size=3))
@example(["[" * 500])
@example(["total=1e15,hidden=1e3,layers=1,heads=1"])
def test_any_model_names(names: list[str]) -> None:
    assert_contract(*run("model", *names, "--format", "json"))
