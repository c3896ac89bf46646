"""The shipped tables: the numbers that everybody can check."""

from __future__ import annotations

import pyarrow as pa
import pytest

from assay.datasets import DatasetFacts, GuessedRoles, describe, guess_roles, known_datasets, open_dataset


@pytest.fixture(scope="module")
def flights() -> DatasetFacts:
    return describe(open_dataset("flights"))


def test_every_shipped_definition_is_listed_with_its_licence() -> None:
    known = {entry.name: entry for entry in known_datasets()}
    assert set(known) >= {"flights", "planes", "airports", "airlines", "weather"}
    assert {known[name].licence for name in ("flights", "planes", "airports", "airlines", "weather")} == {"CC0-1.0"}
    assert all(entry.description and entry.installed for entry in known.values())


def test_flights_has_the_published_shape(flights: DatasetFacts) -> None:
    assert (flights.rows, len(flights.columns)) == (336_776, 19)
    columns = {column.name: column for column in flights.columns}
    assert columns["tailnum"].nulls == 2512 and columns["tailnum"].distinct == 4043
    assert (columns["dest"].top_value, round(100 * columns["dest"].top_share, 1)) == ("ORD", 5.1)
    assert (columns["carrier"].top_value, round(100 * columns["carrier"].top_share, 1)) == ("UA", 17.4)
    assert columns["time_hour"].type == "timestamp[s, tz=UTC]" and columns["time_hour"].nulls == 0
    assert {c.name: c.nulls for c in flights.columns if c.nulls} == {
        "dep_time": 8255,
        "dep_delay": 8255,
        "arr_time": 8713,
        "arr_delay": 9430,
        "tailnum": 2512,
        "air_time": 9430,
    }


def test_the_orphans_of_flights_are_the_known_ones(flights: DatasetFacts) -> None:
    found = {
        key.name: (key.parent, key.parent_rows, key.null_rows, key.orphan_rows, key.orphan_values, key.problem)
        for key in flights.foreign_keys
    }
    assert found == {
        "planes": ("planes", 3322, 2512, 50_094, 721, None),
        "airports": ("airports", 1458, 0, 7602, 4, None),
        "origin_airports": ("airports", 1458, 0, 0, 0, None),
        "airlines": ("airlines", 16, 0, 0, 0, None),
        "weather": ("weather", 26_115, 0, 1556, 108, None),
    }


def test_the_four_destinations_without_an_airport_are_known() -> None:
    dests = set(open_dataset("flights").table(["dest"])["dest"].to_pylist())
    assert dests - set(open_dataset("airports").table()["faa"].to_pylist()) == {"SJU", "BQN", "STT", "PSE"}


def test_flights_and_weather_agree_on_the_hour() -> None:
    flights, weather = open_dataset("flights"), open_dataset("weather")
    assert flights.column("time_hour").type == weather.column("time_hour").type == pa.timestamp("s", "UTC")
    assert [query.name for query in flights.queries] == ["by_plane", "by_dest", "day", "ten"]


def test_the_roles_of_flights_are_what_a_person_would_try(flights: DatasetFacts) -> None:
    dataset = open_dataset("flights")
    roles: GuessedRoles = guess_roles(dataset, facts=flights)
    assert roles.time == "time_hour"
    assert roles.keys == ("tailnum", "dest", "flight")
    assert roles.lists == ("carrier", "origin")
