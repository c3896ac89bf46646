"""What a comparison of caches is given, checked against the trace: columns, capacities, prices, write schemes."""

from __future__ import annotations

from collections.abc import Sequence

from assay.caches.capacities import objects_or_bytes
from assay.caches.operations import check_lifetimes
from assay.caches.policies import PolicySpec, check_in_front, parse_policy
from assay.datasets import Dataset, TraceRoles, trace_roles
from assay.errors import AssayError, ParameterError
from assay.experiments.caching.policies import propose
from assay.experiments.caching.settings import NO_ADMISSION, CachingSettings
from assay.experiments.planning import Mistakes

__all__ = ["check_capacities", "check_policies", "check_prices", "check_ttl", "check_writes", "proposed", "roles_of"]

_ROLES = ("key", "time", "size", "op")


def roles_of(dataset: Dataset, settings: CachingSettings, mistakes: Mistakes) -> TraceRoles:
    """The trace's columns: those that are named, declared, or have a usual name; each mistake is told."""
    named: dict[str, str] = {}
    for role in _ROLES:
        column = getattr(settings, role)
        try:
            if column is not None:
                named[role] = str(dataset.column(column).name)
                trace_roles(dataset, **{"key": dataset.schema.names[0], role: column})
        except AssayError as error:
            mistakes.append((role, error))
            named.pop(role, None)
    try:
        return trace_roles(dataset, **named)
    except AssayError as error:
        if not any(place in _ROLES for place, _ in mistakes):
            mistakes.append(("key", error))
        return TraceRoles("")


def check_prices(settings: CachingSettings, counts_bytes: bool, size: str | None, mistakes: Mistakes) -> None:
    room = [name for name in ("price_per_object", "price_per_byte") if getattr(settings, name) is not None]
    if len(room) == 2:
        mistakes.append(
            ("price_per_byte", ParameterError("room is priced twice; give price_per_object or price_per_byte"))
        )
    elif bool(room) != (settings.price_per_miss is not None):
        one = "price_per_miss" if room else "price_per_byte, or price_per_object"
        place = room[0] if room else "price_per_miss"
        mistakes.append((place, ParameterError(f"{place} is given alone; give {one} too, as a cost is of both")))
    elif room == ["price_per_object"] and counts_bytes:
        error = ParameterError("price_per_object is given, and capacities count bytes; give price_per_byte")
        mistakes.append(("price_per_object", error))
    elif room == ["price_per_byte"] and size is None:
        error = ParameterError("price_per_byte is given, and objects have no sizes; name their column by size")
        mistakes.append(("price_per_byte", error))


def check_capacities(settings: CachingSettings, counts_bytes: bool, mistakes: Mistakes) -> None:
    for place, given in enumerate(settings.capacities):
        try:
            objects_or_bytes(given, 1, bytes_=counts_bytes)
        except AssayError as error:
            where = f"capacity[{place}]" if isinstance(settings.capacity, list) else "capacity"
            mistakes.append((where, error))


def proposed(settings: CachingSettings) -> list[str]:
    """Every policy that all of what is asked for can stand in front of."""
    return [name for name in propose() if _refused(parse_policy(name), settings) is None]


def check_policies(specs: Sequence[PolicySpec], settings: CachingSettings, mistakes: Mistakes) -> None:
    """Write schemes, admission and a time to live stand in front of most policies, not of all."""
    refused = [error for spec in specs if (error := _refused(spec, settings)) is not None]
    mistakes.extend(("policies", error) for error in refused)


def _refused(spec: PolicySpec, settings: CachingSettings) -> AssayError | None:
    write = next(iter(settings.writes), None)
    admission = next((one for one in settings.admissions if one != NO_ADMISSION), None)
    ttl = next((one for one in settings.ttls if one is not None), None)
    try:
        check_in_front(spec, write=write, admission=admission, ttl=ttl)
    except ParameterError as error:
        return error
    return None


def check_ttl(dataset: Dataset, settings: CachingSettings, mistakes: Mistakes) -> None:
    """The column that says how long objects are true is there, and is one."""
    columns = [one for one in settings.ttls if isinstance(one, str)]
    try:
        for column in columns:
            check_lifetimes(dataset, column)
        if len(columns) > 1:
            raise ParameterError(
                f"ttl names {' and '.join(columns)}; expected one column at most, beside numbers where wanted: compare "
                "another column in an experiment of its own"
            )
    except AssayError as error:
        mistakes.append(("ttl", error))


def check_writes(dataset: Dataset, settings: CachingSettings, roles: TraceRoles, mistakes: Mistakes) -> None:
    """A write scheme needs operations, and what belongs to one needs a scheme."""
    if settings.writes:
        ttl = next((one for one in settings.ttls if one is not None), None)
        if ttl is not None:
            error = ParameterError(
                f"ttl is {ttl} beside a write scheme, where values expire by its coherence; write "
                f'coherence = "ttl(duration={60 if isinstance(ttl, str) else ttl})" instead'
            )
            mistakes.append(("ttl", error))
        if roles.op is None and not any(place == "op" for place, _ in mistakes):
            error = ParameterError(
                f"write is given, and {dataset.name} has no operations; name their column by op, or leave write out"
            )
            mistakes.append(("op", error))
        return
    given = {
        "coherence": settings.coherences != ["none"],
        "foreign_writes": settings.foreign_writes > 0,
        "crashes": settings.crashes is not None,
        "costs": settings.costs is not None,
    }
    for name, there in given.items():
        if there:
            error = ParameterError(f'{name} is given without a write scheme; add one, such as write = "write_through"')
            mistakes.append((name, error))
