"""Query logs as datasets: which statements ask one table for what, and how often.

workload = workload_of("queries.sql", open_dataset("flights"))
for template in workload.templates:
    print(template.name, template.frequency)
"""

from assay.datasets.workload.building import workload_of
from assay.datasets.workload.conditions import Bound, Window
from assay.datasets.workload.values import array_of
from assay.datasets.workload.workload import Template, Transactions, Workload

__all__ = ["Bound", "Template", "Transactions", "Window", "Workload", "array_of", "workload_of"]
