import pytest

from catalog.load import Catalog
from estimator.errors import InputError, Refusal, close_names, unknown_name


def test_a_refusal_is_raised_with_its_field_reason_and_near_names() -> None:
    refusal = Refusal("region", "unknown region 'us-eest-1'", ("us-east-1",))
    error = InputError(*refusal)
    assert (error.field, error.reason, error.near) == tuple(refusal)
    assert str(error) == str(refusal) == "region: unknown region 'us-eest-1'; did you mean us-east-1?"
    assert error.complaint == "unknown region 'us-eest-1'; did you mean us-east-1?"


def test_an_option_takes_the_place_of_the_field_and_near_names_stay() -> None:
    error = InputError("region", "unknown", ["eu-west-1"]).under("--region")
    assert str(error) == "--region: unknown; did you mean eu-west-1?"


def test_of_few_names_all_are_said_where_none_is_spelled_like_it() -> None:
    assert str(unknown_name("kv", "unknown 'zz'", "zz", ("fp8", "bf16"))) == "kv: unknown 'zz'; one of fp8, bf16"
    assert str(unknown_name("kv", "unknown 'fp9'", "fp9", ("fp8", "bf16"))) == "kv: unknown 'fp9'; did you mean fp8?"


def test_close_names_are_those_that_begin_alike_then_those_spelled_alike() -> None:
    assert close_names("p5", ["g5.xlarge", "p5.48xlarge", "p5en.48xlarge", "p4"]) == [
        "p5.48xlarge",
        "p5en.48xlarge",
        "p4",
    ]


def test_a_reason_with_colons_keeps_them(catalog: Catalog) -> None:
    with pytest.raises(InputError) as refused:
        catalog.prices("mars: north; south")
    assert refused.value.field == "region"
    assert refused.value.reason == "unknown region 'mars: north; south'"
