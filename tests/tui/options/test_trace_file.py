"""Trace files: the public ones are understood, and what is wrong is named by file and line."""

from pathlib import Path

import pytest

from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServingWorkload
from tui.options.options import given_options, with_option
from tui.options.trace_file import read

AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n2023-11-16 18:15:51.2224670,879,55\n"
)
AZURE_2024 = "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n"
BURSTGPT = (
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    "5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,1087,0,1087,Conversation log\n118,GPT-4,417,276,693,API log\n"
)
MOONCAKE = (
    '{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}\n'
    '{"timestamp": 3000, "input_length": 7322, "output_length": 490, "hash_ids": [0, 14]}\n'
)
VIDUR = "arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,100,20\n0.25,50,10\n"


def written(folder: Path, text: str) -> str:
    path = folder / "trace.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("text", "seconds", "tokens"),
    [
        (AZURE, [0, 4.314579, 4.541877], [(374, 44), (396, 109), (879, 55)]),
        (AZURE_2024, [0], [(2162, 5)]),
        (BURSTGPT, [0, 113], [(472, 18), (417, 276)]),
        (MOONCAKE, [0, 3], [(6758, 500), (7322, 490)]),
        ("timestamp,input_length,output_length\n0,6758,500\n3000,7322,490\n", [0, 3], [(6758, 500), (7322, 490)]),
        (VIDUR, [0, 0.25], [(50, 10), (100, 20)]),
        ("\ufeff0,10,20\r\n\r\n1.5,30,40\r\n", [0, 1.5], [(10, 20), (30, 40)]),
    ],
    ids=["azure", "azure 2024", "burstgpt", "mooncake", "mooncake csv", "vidur", "plain"],
)
def test_the_public_traces_are_understood(
    text: str, seconds: list[float], tokens: list[tuple[int, int]], tmp_path: Path
) -> None:
    trace = read(written(tmp_path, text))
    assert [each.arrival_s for each in trace.requests] == pytest.approx(seconds)
    assert [(each.input_tokens, each.output_tokens) for each in trace.requests] == tokens


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"trace\.csv:1: no request in it"),
        ("seconds,input_tokens,output_tokens\n", r"trace\.csv:1: no request in it"),
        ("seconds,prompt\n1,2\n", r"trace\.csv:1: no column for tokens of its prompt, such as input_tokens"),
        ("0,10,20\n1,30\n", r"trace\.csv:2: 2 columns, expected 3"),
        ("0,10,20\n\n1,ten,5\n", r"trace\.csv:3: 'ten' is no number of tokens"),
        ("0,10,20\n1,0,5\n", r"trace\.csv:2: '0' is no number of tokens"),
        ("0,10,20\n1,1e300,5\n", r"trace\.csv:2: '1e300' is no number of tokens"),
        ("0,10,20\nnoon,10,5\n", r"trace\.csv:2: 'noon' is not a time"),
        ("0,10,20\n-1,10,5\n", r"trace\.csv:2: '-1' is out of range"),
        ("0,10,20\n1e999,10,5\n", r"trace\.csv:2: '1e999' is out of range"),
        ('{"timestamp": 0, "input_length": 5}\n', r"trace\.csv:1: no tokens of its answer, such as output_tokens"),
        ("{broken\n", r"trace\.csv:1: is not JSON"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=complaint) as refused:
        read(written(tmp_path, text))
    assert "\n" not in str(refused.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (str(tmp_path), str(tmp_path / "gone.csv"), "/dev/zero", "a\0b"):
        with pytest.raises(InputError, match="file"):
            read(path)
    (tmp_path / "latin").write_bytes(b"0,10,20\n\xe9")
    with pytest.raises(InputError, match="UTF-8"):
        read(str(tmp_path / "latin"))


def test_a_trace_gives_the_scenario_its_means_and_other_means_scale_it(tmp_path: Path) -> None:
    path = written(tmp_path, "0,100,10\n2,300,30\n4,200,20\n")
    asked = with_option(Scenario(), "trace", path)
    work = asked.workload
    assert (work.kind, work.input_tokens, work.output_tokens, work.requests_per_second) == ("trace", 200, 20, 0.5)
    assert work.trace is not None
    assert work.trace.scaled(200, 20, 0.5) is work.trace.requests
    assert [tuple(each) for each in work.trace.scaled(400, 20, 1.0)] == [(0, 200, 10), (1, 600, 30), (2, 400, 20)]
    assert given_options(asked)["trace"] == path
    assert with_option(asked, "trace", path) == asked
    assert with_option(asked, "trace", None).workload == ServingWorkload(200, 20, requests_per_second=0.5)


def test_a_cell_that_never_ends_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(f"seconds,input_tokens,output_tokens\n0,{'9' * 200_000},1\n")
    with pytest.raises(InputError, match=r"trace\.csv:2: is not CSV: field larger than field limit"):
        read(str(path))
