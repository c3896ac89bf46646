"""The reports over a results file on disk, opened as the command line opens it."""

import io

import duckdb
from rich.console import Console

from assay.report import build_page, format_run, render
from assay.store import Store


def test_a_results_file_reads_like_the_tables_it_was_filled_from(flights_store, tmp_path) -> None:
    path = tmp_path / "results.duckdb"
    with Store(path):
        pass  # makes the file and its schema
    tables = [row["name"] for row in flights_store.query("SELECT table_name AS name FROM duckdb_tables()").to_pylist()]
    with duckdb.connect(str(path)) as connection:
        for table in tables:
            rows = flights_store.query(f"SELECT * FROM {table}")
            if table != "meta" and len(rows):
                connection.register("rows", rows)
                connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows")
                connection.unregister("rows")

    def shown(store) -> str:
        out = io.StringIO()
        render(store, flights_store.run_id, console=Console(file=out, width=100))
        return out.getvalue()

    with Store.read_only(path) as store:
        assert shown(store) == shown(flights_store)
        assert format_run(store, flights_store.run_id, "json") == format_run(
            flights_store, flights_store.run_id, "json"
        )
        assert build_page(store, flights_store.run_id) == build_page(flights_store, flights_store.run_id)
