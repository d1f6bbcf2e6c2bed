"""What is filled in of a scenario by its model and drafter."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.models.drafter import drafting
from estimator.scenario.scenario import Scenario
from estimator.scenario.seen import drafter_kind, seen_by, typical_tokens
from estimator.scenario.workload import ServingWorkload

DRAFTS = Scenario(model="Qwen/Qwen3.8-27B", workload=ServingWorkload(draft_tokens=2))


@pytest.mark.parametrize(("drafts", "tokens"), [(1, 1.55), (2, 2.1), (3, 2.29), (7, 2.47), (64, 2.47)])
def test_tokens_of_a_step_between_and_beyond_measured_drafts(drafts: int, tokens: float) -> None:
    assert typical_tokens({2: 2.1, 3: 2.29, 7: 2.47}, drafts) == pytest.approx(tokens)


def test_what_is_measured_of_a_model_s_own_modules_is_taken(catalog: Catalog) -> None:
    """Qwen3.8-27B: 79 % of two drafts are accepted (sudoingX/qwen38-mtp)."""
    qwen = catalog.model(DRAFTS.model)
    assert drafter_kind(qwen) == "mtp"
    assert seen_by(qwen, DRAFTS, catalog.inventory).workload.accepted_tokens == pytest.approx(1 + 2 * 0.79)


def test_a_model_without_modules_is_taken_to_have_a_head_trained_for_it(catalog: Catalog) -> None:
    llama = catalog.model("meta-llama/Llama-3.1-8B")
    assert seen_by(llama, DRAFTS, catalog.inventory).workload.accepted_tokens == 2.1


def test_what_is_said_is_kept(catalog: Catalog) -> None:
    said = replace(DRAFTS, workload=replace(DRAFTS.workload, accepted_tokens=1.0))
    assert seen_by(catalog.model(DRAFTS.model), said, catalog.inventory) is said


def test_without_drafts_there_is_nothing_to_fill_in(catalog: Catalog) -> None:
    plain = Scenario(model=DRAFTS.model)
    assert seen_by(catalog.model(DRAFTS.model), plain, catalog.inventory) is plain
    assert plain.workload.tokens_per_step == 1.0


def test_a_drafter_of_which_nothing_is_known_is_asked_back(catalog: Catalog) -> None:
    looking = drafting(catalog.model(DRAFTS.model), "ngram", catalog.model)
    asked = replace(DRAFTS, workload=replace(DRAFTS.workload, draft_model="ngram"))
    with pytest.raises(InputError, match="say how many tokens a step of ngram yields"):
        seen_by(looking, asked, catalog.inventory)
