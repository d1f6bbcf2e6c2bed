"""Sessions: verbs, undo, and the file."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimator.engines.speed_constants import Calibration
from estimator.errors import InputError
from estimator.serving.load.calibration import MOST_RESERVE_GIB
from tui.state import store
from tui.state.session import History, Session


def test_undo_and_redo_walk_the_scenarios_and_keep_the_look() -> None:
    history = History(Session())
    history = history.to(history.now.more_users()).to(history.now.more_users().next_weights())
    history = history.to(history.now.on_screen("memory").selecting("p5.48xlarge"))
    back = history.undone().undone()
    assert back.now.scenario == Session().scenario
    assert (back.now.screen, back.now.selection) == ("memory", "p5.48xlarge")
    assert back.undone() is back
    assert back.redone().redone().now == history.now
    assert history.redone() is history


def test_another_look_is_no_step() -> None:
    history = History(Session()).to(Session().filtered("h100").sorted_by("price"))
    assert history.undone() is history


@pytest.mark.parametrize("tokens", [0, -5, 10**9, float("nan"), 1.5, True])
def test_tokens_out_of_bounds_are_refused(tokens: float) -> None:
    with pytest.raises(InputError, match="input_tokens"):
        Session().with_input_tokens(tokens)  # type: ignore[arg-type]


VERBS = ["more_users", "fewer_users", "more_input", "less_input", "next_weights", "next_cache"]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(["more_users", "fewer_users", "more_input", "less_input", "next_weights"]), max_size=60)
)
def test_any_run_of_keys_stays_within_bounds(verbs: list[str]) -> None:
    session = Session()
    for verb in verbs:
        session = getattr(session, verb)()
    assert session.with_scenario(session.scenario) == session


def test_a_model_published_quantised_is_asked_for_as_published() -> None:
    assert Session().with_model("openai/gpt-oss-20b", "mxfp4").scenario.weights == "mxfp4"
    assert Session().with_model("meta-llama/Llama-3.1-8B", "bf16").scenario.weights == "fp8"


def test_a_session_comes_back_from_its_file(tmp_path: Path) -> None:
    session = (
        Session().more_users().next_cache().in_region("eu-central-1").filtered('g6e "tpot<50ms"').sorted_by("tpot")
    )
    path = tmp_path / "new" / "session.yaml"
    assert store.save(session, path) == ""
    assert store.load(path) == session
    assert [each.name for each in path.parent.iterdir()] == ["session.yaml"]


@given(
    st.lists(
        st.builds(
            Calibration,
            st.sampled_from(["h100-sxm", "l4"]),
            st.just("vllm-0.11"),
            st.floats(0.1, 10),
            st.floats(0.1, 10),
            st.floats(-MOST_RESERVE_GIB, MOST_RESERVE_GIB),
        ),
        max_size=5,
    )
)
@settings(max_examples=20, deadline=None)
def test_measured_points_come_back_as_they_were(points: list[Calibration]) -> None:
    session = Session(replace(Session().scenario, calibrations=tuple(points)))
    with TemporaryDirectory() as folder:
        assert store.save(session, Path(folder, "session.yaml")) == ""
        assert store.load(Path(folder, "session.yaml")) == session


def test_measured_points_written_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("calibrations:\n  - {accelerator: h100-sxm, engine: vllm, decode: 1.2}\n")
    assert store.load(path).scenario.calibrations == (Calibration("h100-sxm", "vllm", 1.2),)


POINT = '{"accelerator": "l4", "engine": "vllm"}'


@pytest.mark.parametrize(
    "points",
    [
        "1.5",
        POINT,
        "[1.5]",
        '[{"accelerator": "l4"}]',
        '[{"accelerator": "l4", "engine": "vllm", "decoding": 2}]',
        '[{"accelerator": "l4", "engine": 3}]',
        '[{"accelerator": "l4\\u001b[31m", "engine": "vllm"}]',
        '[{"accelerator": "l4", "engine": "vllm", "decode": 1000}]',
        '[{"accelerator": "l4", "engine": "vllm", "prefill": NaN}]',
        '[{"accelerator": "l4", "engine": "vllm", "prefill": true}]',
        '[{"accelerator": "l4", "engine": "vllm", "decode": "1.2"}]',
        f"[{', '.join([POINT] * 65)}]",
    ],
)
def test_measured_points_that_make_no_sense_are_named_with_their_line(tmp_path: Path, points: str) -> None:
    path = tmp_path / "session.yaml"
    path.write_text(f'kv: "bf16"\ncalibrations: {points}\n')
    with pytest.raises(InputError, match=r"session\.yaml:2: calibrations(\.0\.accelerator)?: ") as caught:
        store.load(path)
    assert str(caught.value).isprintable()


def test_a_file_written_by_hand_may_use_all_of_yaml(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("# mine\nmodel: openai/gpt-oss-20b\nttft: 800ms\ninput_tokens: 4096\nscreen: memory\n")
    session = store.load(path)
    assert session.scenario.model == "openai/gpt-oss-20b"
    assert session.scenario.service_level.ttft_s == pytest.approx(0.8)
    assert session.scenario.workload.input_tokens == 4096
    assert session.screen == "memory"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("model: [", 2),
        ("concurrency: 16\ninput-tokens: -3\n", 2),
        ("concurrency: .nan\n", 1),
        ("weights: fp8\nweight: fp8\n", 2),
        ("- a list\n", 1),
        ('weights: "fp8\n', 2),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        store.load(path)
    assert f"broken.yaml:{line}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_session_that_can_not_be_written_is_a_complaint(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert "not saved" in store.save(Session(), blocked / "session.yaml")
