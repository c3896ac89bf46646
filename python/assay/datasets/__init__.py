"""Datasets: a name, a definition, files or Arrow in memory → batches of Arrow columns, streamed.

    dataset = open_dataset("flights")
    for span in dataset.spans():
        for batch in dataset.batches(["tailnum"], span):
            ...

A dataset knows its schema, foreign keys, queries and fingerprint; `describe` counts what it holds,
`guess_roles` proposes which columns to try as keys. Memory stays bounded whatever the table's size.
"""

from assay.datasets.batch import BATCH_ROWS, Batch, Span
from assay.datasets.calls import CALLS
from assay.datasets.dataset import Dataset, DatasetDescription
from assay.datasets.definition import Definition, ForeignKey, Source, load_definition
from assay.datasets.facts import ColumnFacts, DatasetFacts, ForeignKeyFacts, describe
from assay.datasets.generators import GENERATORS, Generator, Parameter
from assay.datasets.opening import KnownDataset, declared, known_datasets, open_dataset
from assay.datasets.query import Query
from assay.datasets.roles import GuessedRoles, guess_roles
from assay.datasets.trace_roles import TraceRoles, find_trace_roles, trace_roles

__all__ = [
    "BATCH_ROWS",
    "CALLS",
    "GENERATORS",
    "Batch",
    "ColumnFacts",
    "Dataset",
    "DatasetDescription",
    "DatasetFacts",
    "Definition",
    "ForeignKey",
    "ForeignKeyFacts",
    "Generator",
    "GuessedRoles",
    "KnownDataset",
    "Parameter",
    "Query",
    "Source",
    "Span",
    "TraceRoles",
    "declared",
    "describe",
    "find_trace_roles",
    "guess_roles",
    "known_datasets",
    "load_definition",
    "open_dataset",
    "trace_roles",
]
