"""Statements as logs hold them: scripts, servers' logs, statistics, tables of templates."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.datasets import Dataset
from assay.datasets.workload import Workload, workload_of
from assay.datasets.workload.sql_text import Splitter, template_of
from assay.datasets.workload.statements import log_of
from assay.errors import EmptyInputError, ParameterError, ReadError, UsageError

Read = Callable[..., Workload]


def split(text: str, *, mysql: bool = False) -> list[tuple[str, str | None]]:
    splitter = Splitter(mysql)
    found = [one for line in text.split("\n") for one in splitter.feed(line)]
    return [*found, *splitter.finish()]


def test_a_semicolon_ends_a_statement_outside_quotes_and_comments_only() -> None:
    text = "SELECT ';' -- a; b\n; /* c ; \n d; */ SELECT 'a\nb;';SELECT $$ ; $$, $q$;$q$, \";\""
    assert split(text) == [("SELECT ';'", None), ("SELECT 'a\nb;'", None), ('SELECT $$ ; $$, $q$;$q$, ";"', None)]


def test_backslashes_escape_where_the_dialect_has_it_so() -> None:
    assert split(r"SELECT E'it\'s;'; SELECT 1") == [(r"SELECT E'it\'s;'", None), ("SELECT 1", None)]
    assert split(r"SELECT 'C:\'; SELECT 1") == [(r"SELECT 'C:\'", None), ("SELECT 1", None)]
    assert split(r"SELECT 'it\'s;'; SELECT 1", mysql=True) == [(r"SELECT 'it\'s;'", None), ("SELECT 1", None)]


def test_a_quote_that_is_not_closed_does_not_swallow_the_log() -> None:
    found = split("SELECT 'x;\nSELECT 2;\nSELECT 'y';\nSELECT 'z")
    assert [text for text, problem in found if problem is None] == ["SELECT 2", "SELECT 'y'"]
    assert [problem for _, problem in found if problem] == ["with a quote or comment that is not closed"] * 2


def test_the_rows_of_copy_are_no_statements() -> None:
    assert split("COPY t FROM stdin;\n1\t'a;\n\\.\nSELECT 1;") == [("COPY t FROM stdin", None), ("SELECT 1", None)]


def test_statements_that_differ_in_literals_share_a_template() -> None:
    one, first = template_of("SELECT c1, $1 FROM t WHERE a = 'it''s' AND b IN (1, -2.5e3) GROUP BY 1")
    other, second = template_of("SELECT c1, $1 FROM t WHERE a = '' AND b IN (8, -9) GROUP BY 1")
    assert one == other
    assert [str(value) for value in first] == ["it's", "1", "2.5E+3"] and second == ("", 8, 9)
    assert template_of("SELECT 1 GROUP BY 1")[0] != template_of("SELECT 1 GROUP BY 2")[0]
    assert template_of('SELECT "a" FROM `b`', mysql=True)[1] == ("a",)
    assert template_of(r"SELECT E'\x41\101\n\''")[1] == ("AA\n'",)


def test_a_postgresql_log_gives_statements_with_their_parameters_and_sessions(read: Read) -> None:
    log = """2024-05-01 10:00:00.000 UTC [7] LOG:  connection received: host=[local]
2024-05-01 10:00:00.001 UTC [7] u@db LOG:  statement: BEGIN;
2024-05-01 10:00:00.002 UTC [8] u@db LOG:  duration: 0.031 ms  statement: SELECT *
\tFROM orders
\tWHERE customer = 10;
2024-05-01 10:00:00.003 UTC [7] u@db LOG:  execute <unnamed>: UPDATE orders SET price = $1 WHERE id = $2
2024-05-01 10:00:00.003 UTC [7] u@db DETAIL:  parameters: $1 = '9.99', $2 = '3'
2024-05-01 10:00:00.004 UTC [8] u@db LOG:  duration: 0.02 ms  parse S_1: SELECT 1 FROM orders WHERE id = $1
2024-05-01 10:00:00.004 UTC [8] u@db LOG:  duration: 0.02 ms  bind S_1: SELECT 1 FROM orders WHERE id = $1
2024-05-01 10:00:00.004 UTC [8] u@db LOG:  duration: 0.02 ms  execute S_1: SELECT 1 FROM orders WHERE id = $1
2024-05-01 10:00:00.004 UTC [8] u@db DETAIL:  Parameters: $1 = '4'
2024-05-01 10:00:00.005 UTC [7] u@db LOG:  statement: COMMIT
2024-05-01 10:00:00.006 UTC [8] u@db ERROR:  relation "nowhere" does not exist
2024-05-01 10:00:00.006 UTC [8] u@db STATEMENT:  SELECT * FROM nowhere
"""
    found = read(log, "server.log")
    assert found.kind == "PostgreSQL's log"
    assert (found.statements, found.used, dict(found.ignored)) == (3, 3, {})
    by_name = {template.name: template for template in found.templates}
    assert [bound.points for bound in by_name["update_point_id"].instances] == [(("id", (3,)),)]
    assert [bound.points for bound in by_name["point_id"].instances] == [(("id", (4,)),)]
    assert [bound.points for bound in by_name["point_customer"].instances] == [(("customer", (10,)),)]
    places = {template.name: index for index, template in enumerate(found.templates)}
    assert found.transactions.blocks == (((places["update_point_id"], 0),),)


def test_a_mysql_general_log_is_read_in_its_dialect(read: Read) -> None:
    log = (
        "/usr/sbin/mysqld, Version: 8.0.36. started with:\nTcp port: 3306  Unix socket: /tmp/mysql.sock\n"
        "Time                 Id Command    Argument\n"
        "2024-05-01T10:00:00.000000Z\t    8 Connect\troot@localhost on shop using Socket\n"
        '2024-05-01T10:00:00.100000Z\t    8 Query\tSELECT `id` FROM `orders` WHERE region = "no\\"rth"\n'
        "2024-05-01T10:00:00.200000Z\t    9 Query\tSELECT id FROM orders\n   WHERE placed >= DATE_SUB('1970-01-03', "
        "INTERVAL 1 DAY)\n"
        "2024-05-01T10:00:00.300000Z\t    8 Execute\tSELECT * FROM orders WHERE customer = 11\n"
        "2024-05-01T10:00:00.400000Z\t    8 Quit\t\n"
    )
    found = read(log, "mysql.log")
    assert found.kind == "MySQL's general log"
    assert (found.statements, found.used) == (3, 3)
    by_name = {template.name: template for template in found.templates}
    assert by_name["point_region"].instances[0].points == (("region", ('no"rth',)),)
    assert by_name["range_placed"].instances[0].windows[0][1].low == 86_400
    assert by_name["point_customer"].instances[0].points == (("customer", (11,)),)


def test_pg_stat_statements_weighs_by_calls_and_says_what_it_assumes(read: Read) -> None:
    csv = (
        "userid,query,calls,total_exec_time,rows\n"
        '10,"SELECT * FROM orders WHERE customer = $1",900,12.5,900\n'
        '10,"SELECT * FROM orders WHERE region IN ($1, $2, $3)",50,1.5,70\n'
        '10,"SELECT count(*) FROM orders WHERE placed BETWEEN $1 AND $2",40,3.5,40\n'
        '10,"SELECT * FROM orders WHERE price > $1 AND paid",6,3.5,40\n'
        "10,BEGIN,100,0.1,0\n"
        '10,"SELECT 1 FROM invoices",4,0.1,4\n'
        "10,VACUUM orders,1,1,0\n"
    )
    found = read(csv, "statements.csv")
    assert found.kind == "pg_stat_statements"
    assert (found.statements, found.used) == (1001, 996)
    assert dict(found.ignored) == {"about other tables": 4, "no query (SET, SHOW, DDL and the like)": 1}
    shapes = {template.name: (template.frequency, template.assumed) for template in found.templates}
    assert {name: frequency for name, (frequency, _) in shapes.items()} == {
        "point_customer": 900,
        "in_list_region": 50,
        "range_placed": 40,
        "point_paid": 6,
    }
    spelled = {name: query.spelling for name, (_, query) in shapes.items() if query is not None}
    assert spelled == {
        "point_customer": "point(customer)",
        "in_list_region": "in_list(region, size=3)",
        "range_placed": "range(placed, width='1d')",
    }
    assert not found.transactions.blocks
    said = " ".join(found.assumptions)
    assert "the values of 900 statements: every distinct value counts alike" in said
    assert "the lists of 50 statements" in said
    assert "the bounds of 40 statements on placed: each window of 1d" in said
    assert "the bounds of 6 statements on price, and no declared query gives a width" in said


def test_a_table_of_templates_gives_parameters_and_frequencies(orders: Dataset, tmp_path: Path) -> None:
    table = pa.table(
        {
            "template": [
                "SELECT * FROM orders WHERE customer = $1",
                "SELECT * FROM orders WHERE customer = ?",
                "point(region, shop)",
                "in_list(id)",
                "range(placed)",
                "day",
                "SELECT * FROM orders WHERE id = :one",
            ],
            "parameters": [
                "[10]",
                "[11]",
                '["north", 1]',
                "[1, 2]",
                '["1970-01-01", "1970-01-02"]',
                None,
                '{"one": 4}',
            ],
            "frequency": [5, 6, 7, 8, 9, 10, 0],
        }
    )
    pq.write_table(table, tmp_path / "log.parquet")
    for source in (table, str(tmp_path / "log.parquet")):
        found = workload_of(source, orders)
        by_name = {template.name: template for template in found.templates}
        assert {name: template.frequency for name, template in by_name.items()} == {
            "point_customer": 11,
            "point_region_shop": 7,
            "in_list_id": 8,
            "range_placed": 9,
            "day": 10,
        }
        points = zip(by_name["point_customer"].instances, by_name["point_customer"].frequencies, strict=True)
        assert {bound.points[0][1]: frequency for bound, frequency in points} == {(10,): 5, (11,): 6}
        assert by_name["in_list_id"].instances[0].points == (("id", (1, 2)),)
        window = by_name["range_placed"].instances[0].windows[0][1]
        assert (window.low, window.high) == (0, 86_399)
        assert by_name["day"].assumed is not None and by_name["day"].assumed.width == "1d"


def test_a_compressed_log_is_read_as_it_is(orders: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "queries.sql.gz"
    path.write_bytes(gzip.compress(b"SELECT * FROM orders WHERE id = 1;\n" * 3))
    assert workload_of(str(path), orders).used == 3


# What hostile logs meet


def test_an_empty_log_is_refused(read: Read) -> None:
    for text in ("", "  \n \n"):
        with pytest.raises(ReadError, match="is empty; expected SQL"):
            read(text)
    with pytest.raises(EmptyInputError, match="holds no statement"):
        read("-- nothing but a comment\n")


def test_a_missing_log_is_told(orders: Dataset) -> None:
    with pytest.raises(ReadError, match="no such query log"):
        workload_of("nowhere.sql", orders)


def test_a_binary_log_is_refused(read: Read) -> None:
    with pytest.raises(ReadError, match="holds bytes that are no text"):
        read(b"SELECT\0\1\2")


def test_bytes_that_are_no_utf8_cost_their_statement_alone(read: Read) -> None:
    found = read(b"SELECT * FROM orders WHERE region = '\xff';\nSELECT * FROM orders WHERE id = 1;\n")
    assert (found.used, dict(found.ignored)) == (1, {"not in UTF-8": 1})


def test_a_huge_line_costs_its_statement_alone(read: Read) -> None:
    numbers = ",".join(map(str, range(300_000)))
    found = read(f"SELECT * FROM orders WHERE id IN ({numbers}); SELECT * FROM orders WHERE id = 1;\n")
    assert (found.used, dict(found.ignored)) == (1, {"longer than a million characters": 1})


def test_unbalanced_quotes_and_nonsense_are_counted_by_reason(read: Read) -> None:
    text = """SELECT * FROM orders WHERE region = 'north;
SELECT * FROM orders WHERE id = 1;
SELEC * FROM orders;
SELECT * FROM orders WHERE ((id = 1;
SELECT * FROM orders WHERE colour = 'red';
SELECT * FROM orders WHERE id = 'seven';
SELECT * FROM customers;
SET search_path = shop;
"""
    found = read(text)
    assert (found.statements, found.used) == (8, 1)
    assert dict(found.ignored) == {
        "with a quote or comment that is not closed": 1,
        "that cannot be parsed": 2,
        "with a column that the table does not have": 1,
        "with a value that its column cannot hold": 1,
        "about other tables": 1,
        "no query (SET, SHOW, DDL and the like)": 1,
    }
    assert found.summary("orders").startswith("1 of 8 statements of queries.sql ask orders; left out: 2 that cannot")


def test_deeply_nested_statements_cost_themselves_alone(read: Read) -> None:
    deep = "(" * 5000 + "id = 1" + ")" * 5000
    found = read(f"SELECT * FROM orders WHERE {deep};\nSELECT * FROM orders WHERE id = 1;\n")
    assert found.used >= 1 and found.statements == 2


def test_a_log_about_other_tables_names_those_that_it_met(read: Read) -> None:
    with pytest.raises(
        EmptyInputError, match=r"no statement of queries.sql .SQL, 2 statements. asks orders.*tables met: invoices"
    ):
        read("SELECT * FROM invoices;SELECT * FROM invoices WHERE id = 2;")


def test_a_csv_with_other_columns_is_refused(read: Read) -> None:
    with pytest.raises(UsageError, match=r'its columns are "sql", "n"; expected query and calls'):
        read("sql,n\nSELECT 1,2\n", "queries.csv")


def test_counts_must_be_whole_numbers_of_at_least_0(read: Read) -> None:
    with pytest.raises(ParameterError, match=r'column "calls" is of type double'):
        read('query,calls\n"SELECT 1",1.5\n', "queries.csv")
    with pytest.raises(ParameterError, match=r'column "calls" is -1 in row 0'):
        read('query,calls\n"SELECT 1",-1\n', "queries.csv")
    with pytest.raises(ParameterError, match=r'column "parameters" is .* in row 0; expected a list'):
        read('template,parameters\n"SELECT 1",red\n', "queries.csv")


def test_an_unnamed_table_takes_the_statements_of_the_table_that_is_asked(orders: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.write_text("SELECT * FROM sales WHERE id = 1; SELECT * FROM sales; SELECT 1 FROM other;", encoding="utf-8")
    from assay.datasets import open_dataset

    found = workload_of(str(path), open_dataset(orders.table()))
    assert found.used == 2
    assert found.assumptions[0] == 'The table has no name of its own; statements about "sales" were taken as its own.'


def test_reading_a_log_needs_no_more_than_a_line_of_it(tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.write_text("SELECT 1;\n" * 10, encoding="utf-8")
    statements = log_of(str(path)).statements
    assert next(statements).text == "SELECT 1" and len(list(statements)) == 9
