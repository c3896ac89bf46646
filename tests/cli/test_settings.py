"""Flags become settings by the types that an experiment declares, whatever the experiment."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel

from assay.cli.compare import with_plain_settings
from assay.cli.settings import settings_of, split_spellings
from assay.errors import SpellingError, UnknownNameError


class Settings(BaseModel):
    partitions: int | list[int] = 8
    rate: float = 0.5
    strict: bool = False
    mode: Literal["a", "b"] = "a"
    policies: list[str] = []
    names: list[str] | None = None
    key: str | list[str] | None = None
    sizes: dict[str, int] | None = None
    capacities: list[float] | dict[str, float] | None = None
    racks: int | list[str] | None = None


class Experiment:
    kind = "toy"
    noun = "policy"
    settings = Settings


def settings(**flags: list[str]) -> dict[str, Any]:
    experiment: Any = Experiment()
    return settings_of(experiment, {name.replace("_", "-"): texts for name, texts in flags.items()})


def test_numbers_and_booleans_are_no_texts() -> None:
    given = settings(partitions=["8"], rate=["0.25"], strict=["true"], mode=["b"])
    assert given == {"partitions": 8, "rate": 0.25, "strict": True, "mode": "b"}


def test_a_column_called_like_a_number_stays_a_name() -> None:
    assert settings(key=["7"]) == {"key": "7"}
    assert settings(names=["true"]) == {"names": ["true"]}


def test_contenders_are_gathered_from_both_flags_and_split_outside_brackets() -> None:
    given = settings(policy=["lru(1, x=[2,3])"], policies=["fifo, lfu('a,b')"])
    assert given == {"policies": ["lru(1, x=[2,3])", "fifo", "lfu('a,b')"]}


def test_names_are_split_at_commas_that_quotes_do_not_protect() -> None:
    assert settings(names=['a,"b,c"', "d"]) == {"names": ["a", "b,c", "d"]}
    assert settings(names=[]) == {"names": []}


def test_a_list_or_a_table_is_told_by_the_equals_sign() -> None:
    assert settings(capacities=["1,2.5"]) == {"capacities": [1, 2.5]}
    assert settings(capacities=["node-1=2.5", "node-3=2"]) == {"capacities": {"node-1": 2.5, "node-3": 2}}
    assert settings(racks=["3"]) == {"racks": 3}
    assert settings(racks=["a,b,a"]) == {"racks": ["a", "b", "a"]}


def test_a_table_has_a_name_before_the_equals_sign() -> None:
    assert settings(sizes=["small=1", "large=10"]) == {"sizes": {"small": 1, "large": 10}}
    with pytest.raises(SpellingError, match="name=value"):
        settings(sizes=["1"])


def test_a_misspelt_setting_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r'"--partitons"; did you mean "--partitions"'):
        settings(partitons=["8"])


def test_what_is_no_number_is_left_for_the_settings_to_refuse() -> None:
    assert settings(partitions=["eight"]) == {"partitions": "eight"}
    assert settings(partitions=["2.5"]) == {"partitions": 2.5}


def test_spellings_are_split_only_where_a_comma_stands_alone() -> None:
    assert split_spellings('a("x,(y", b=[1,2]), c') == ['a("x,(y", b=[1,2])', "c"]


def test_dotted_flags_and_flags_without_a_value_become_plain_ones() -> None:
    assert with_plain_settings(["toy", "d", "--queries.day", "range(t)", "--queries.k=point(a)"]) == [
        "toy", "d", "--queries", "day=range(t)", "--queries", "k=point(a)",
    ]  # fmt: skip
    assert with_plain_settings(["--strict", "--no-strict", "--rate", "0.5", "--no-timing"]) == [
        "--strict=true", "--strict=false", "--rate", "0.5", "--no-timing",
    ]  # fmt: skip
