"""What statements ask of a table: conditions, joins, groups, columns, transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assay.datasets.workload import Window, Workload

Read = Callable[..., Workload]


def only(workload: Workload) -> Any:
    assert len(workload.templates) == 1, [template.name for template in workload.templates]
    return workload.templates[0]


def window(read: Read, condition: str) -> tuple[Any, Any]:
    """The one window of SELECT ... WHERE condition."""
    bound = only(read(f"SELECT 1 FROM orders WHERE {condition}")).instances[0]
    (_, found), *others = bound.windows
    assert not others and not bound.points and not found.high_open
    return found.low, found.high


def values(read: Read, condition: str) -> dict[str, tuple[Any, ...]]:
    bound = only(read(f"SELECT 1 FROM orders WHERE {condition}")).instances[0]
    assert not bound.windows
    return dict(bound.points)


def test_equalities_joined_by_and_are_a_point(read: Read) -> None:
    assert values(read, "region = 'north' AND 3 = shop AND (id = 5)") == {
        "region": ("north",),
        "shop": (3,),
        "id": (5,),
    }
    assert only(read("SELECT 1 FROM orders WHERE shop = 1 AND region = 'n'")).name == "point_region_shop"


def test_lists_are_sorted_and_hold_each_value_once(read: Read) -> None:
    assert values(read, "id IN (3, 1, 3, 2)") == {"id": (1, 2, 3)}
    assert values(read, "id = 1 OR id = 2 OR id IN (4, 3)") == {"id": (1, 2, 3, 4)}
    assert values(read, "id = ANY(ARRAY[2, 1])") == {"id": (1, 2)}
    assert values(read, 'region = ANY(\'{south,"nor\\"th"}\')') == {"region": ('nor"th', "south")}
    assert values(read, "id IN (1, 2, 3) AND id IN (2, 3, 4) AND id < 3") == {"id": (2,)}


def test_bounds_move_to_the_column_s_own_ticks(read: Read) -> None:
    assert window(read, "id > 2 AND id <= 7") == (3, 7)
    assert window(read, "id > 2.5 AND 7.5 > id") == (3, 7)
    assert window(read, "id BETWEEN 2 AND 7") == (2, 7)
    assert window(read, "id BETWEEN -7 AND -2") == (-7, -2)
    assert window(read, "price >= 1.005 AND price < 2") == (101, 199)
    assert window(read, "due > DATE '1970-01-02'") == (2, None)
    assert window(read, "due < '1970-01-02 12:00'") == (None, 1)
    assert window(read, "weight > 0.5") == (pytest.approx(0.5), None)
    assert window(read, "weight > 0.5")[0] > 0.5  # the next float of 32 bits


def test_times_are_read_with_casts_intervals_and_offsets(read: Read) -> None:
    day = 86_400
    assert window(read, "placed >= '1970-01-02' AND placed < '1970-01-03'") == (day, 2 * day - 1)
    assert window(read, "placed >= DATE '1970-01-02' AND placed < DATE '1970-01-02' + INTERVAL '1 day'") == (
        day,
        2 * day - 1,
    )
    assert window(read, "placed > TIMESTAMP '1970-01-02 00:00:00.5'") == (day + 1, None)
    assert window(read, "placed >= '1970-01-02 00:00:00+02'::timestamptz") == (day - 7200, None)
    assert window(read, "placed >= '1970-01-02T01:00:00Z'") == (day + 3600, None)
    assert window(read, "placed < '1970-03-31'::date - interval '1 month'") == (None, (31 + 27) * day - 1)
    assert window(read, "placed::date = '1970-01-02'") == (day, 2 * day - 1)
    assert window(read, "CAST(placed AS date) > '1970-01-02'") == (2 * day, None)
    assert window(read, "date(placed) <= '1970-01-02'") == (None, 2 * day - 1)


def test_a_text_below_another_stays_an_open_bound(read: Read) -> None:
    bound = only(read("SELECT 1 FROM orders WHERE region > 'm' AND region < 'o'")).instances[0]
    assert bound.windows == (("region", Window("m\0", "o", True)),)


def test_values_that_no_row_can_have_are_told(read: Read) -> None:
    for condition in ("id = 1.5", "shop = 100000", "id = NULL", "region = 5", "due = '1970-13-01'", "id < 'x'"):
        found = read(f"SELECT 1 FROM orders WHERE {condition}; SELECT 1 FROM orders")
        assert dict(found.ignored) == {"with a value that its column cannot hold": 1}, condition


def test_conditions_that_no_router_can_use_are_left_out_and_said(read: Read) -> None:
    unusable = "(region = 'a' OR shop = 2) AND region LIKE 'n%' AND id <> 7 AND id + 1 = 2"
    found = read(f"SELECT 1 FROM orders WHERE id = 1 AND {unusable}")
    assert dict(only(found).instances[0].points) == {"id": (1,)}
    assert found.assumptions == (
        "1 statement also restricts orders in ways that no router can use (LIKE, <>, functions, OR over several "
        "columns); only the other conditions count.",
    )


def test_a_boolean_column_alone_is_a_condition(read: Read) -> None:
    assert values(read, "paid") == {"paid": (True,)}
    assert values(read, "NOT paid") == {"paid": (False,)}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer",
        "SELECT o.id FROM orders AS o, customers AS c WHERE o.customer = c.id",
        "SELECT id FROM orders LEFT JOIN customers ON customer = customers.id",
        "SELECT id FROM orders WHERE customer IN (SELECT id FROM customers WHERE name = 'x')",
        "SELECT id FROM orders o WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = o.customer)",
        "WITH old AS (SELECT o.id FROM orders o JOIN customers c ON o.customer = c.id) SELECT * FROM old",
    ],
)
def test_a_join_on_a_declared_foreign_key_is_known(read: Read, text: str) -> None:
    found = read(text)
    assert dict(found.joins) == {"customers": 1, "shops": 0}
    assert only(found).name == "scan_join_customers"
    assert not found.assumptions


def test_a_compound_foreign_key_needs_all_its_columns(read: Read) -> None:
    assert read("SELECT 1 FROM orders JOIN shops USING (region, shop)").joins["shops"] == 1
    found = read("SELECT 1 FROM orders JOIN shops USING (region)")
    assert found.joins["shops"] == 0
    assert "1 statement joins tables without a declared foreign key to them." in found.assumptions


def test_a_condition_on_a_joined_parent_s_key_is_one_on_the_table(read: Read) -> None:
    found = read("SELECT 1 FROM orders o JOIN customers c ON c.id = o.customer WHERE c.id = 11 AND c.name = 'x'")
    assert dict(only(found).instances[0].points) == {"customer": (11,)}
    assert not found.assumptions


def test_the_outer_side_s_condition_does_not_restrict_the_table(read: Read) -> None:
    found = read("SELECT 1 FROM orders o LEFT JOIN customers c ON c.id = o.customer AND o.id = 1")
    assert only(found).name == "scan_join_customers"


def test_groups_and_columns_read_are_known(read: Read) -> None:
    found = only(read("SELECT region, sum(price) FROM orders WHERE id < 5 GROUP BY 1"))
    assert (found.name, found.groups, found.reads) == (
        "range_id_group_region",
        ("region",),
        (("id", "region", "price"),),
    )
    assert only(read("SELECT count(*) FROM orders")).reads == ((),)
    assert len(only(read("SELECT o.* FROM orders o")).reads[0]) == 9
    assert only(read("SELECT n.price AS p FROM orders n ORDER BY p")).reads == (("price",),)


def test_names_of_tables_and_columns_have_any_case_and_schema(read: Read) -> None:
    found = only(read("SELECT \"id\" FROM public.Orders WHERE CUSTOMER = 10 AND orders.Region = 'x'"))
    assert found.name == "point_customer_region"


def test_writes_are_accesses(read: Read) -> None:
    text = """UPDATE orders SET price = price + 1, paid = true WHERE id = 4;
DELETE FROM orders WHERE due < '1970-01-02';
INSERT INTO orders (id, region) VALUES (7, 'north'), (8, 'south');
INSERT INTO orders VALUES (9, 10, 'west', 1, 2.5, 1.5, '1970-01-01', '1970-01-01', DEFAULT);
INSERT INTO orders SELECT * FROM old_orders;
INSERT INTO archive SELECT * FROM orders WHERE id = 1;
"""
    found = read(text)
    by_name = {template.name: template for template in found.templates}
    assert set(by_name) == {"update_point_id", "delete_range_due", "insert", "insert_2", "insert_3", "point_id"}
    assert by_name["update_point_id"].reads == (("id", "price"),)
    assert [dict(one.points) for one in by_name["insert"].instances] == [
        {"id": (7,), "region": ("north",)},
        {"id": (8,), "region": ("south",)},
    ]
    assert found.used == 6
    assert "1 statement inserts several rows: each row counts as an access." in found.assumptions


def test_the_columns_that_an_update_sets_are_known(read: Read) -> None:
    workload = read(
        "UPDATE orders SET price = 2, Region = 'n' WHERE id = 1;"
        "UPDATE orders AS o SET region = 'n', price = o.price + 1 WHERE o.id = 1;"
        "UPDATE orders SET (shop, id) = (1, 2);"
        "UPDATE shops SET open = 1 FROM orders WHERE orders.shop = shops.id;"
        "DELETE FROM orders WHERE id = 1;"
    )
    assert dict(workload.updates) == {("region", "price"): 2, ("id", "shop"): 1, (): 1}


def test_a_table_that_is_read_twice_counts_twice(read: Read) -> None:
    found = read("SELECT 1 FROM orders a JOIN orders b ON a.id = b.shop WHERE a.id = 1 AND b.id = 2")
    assert found.used == 1 and sum(template.frequency for template in found.templates) == 2
    assert "1 statement reads orders more than once: each reading counts as an access." in found.assumptions


def test_a_name_that_a_query_gives_itself_is_not_the_table(read: Read) -> None:
    found = read("WITH orders AS (SELECT * FROM other) SELECT * FROM orders WHERE id = 1; SELECT 1 FROM orders")
    assert (found.used, dict(found.ignored)) == (1, {"about other tables": 1})


def test_a_transaction_keeps_its_point_accesses(read: Read) -> None:
    text = """BEGIN; UPDATE orders SET price = 1 WHERE id = 1; SELECT 1 FROM orders WHERE id = 2;
SELECT 1 FROM orders WHERE id > 5; COMMIT;
START TRANSACTION; SELECT 1 FROM orders WHERE id = 2; UPDATE orders SET price = 1 WHERE id = 1; END;
BEGIN; SELECT 1 FROM orders WHERE id = 3; ROLLBACK;
BEGIN; SELECT 1 FROM orders WHERE id = 3; ROLLBACK TO SAVEPOINT a; COMMIT;
BEGIN; SELECT 1 FROM orders WHERE id = $1; COMMIT;
BEGIN; SELECT 1 FROM orders; COMMIT;
BEGIN; SELECT 1 FROM orders WHERE id = 9;
"""
    found = read(text)
    blocks = {}
    for block, frequency in zip(found.transactions.blocks, found.transactions.frequencies, strict=True):
        asked = [(found.templates[template], place) for template, place in block]
        blocks[frozenset((one.name, one.instances[place].points[0][1]) for one, place in asked)] = frequency
    assert blocks == {
        frozenset({("update_point_id", (1,)), ("point_id", (2,))}): 2,
        frozenset({("point_id", (3,))}): 1,
    }
    assert found.transactions.left_out == {
        "rolled back": 1,
        "with values that the log does not tell": 1,
        "without a point access": 1,
        "not finished": 1,
    }


def test_what_is_asked_makes_the_label_whatever_the_file_is_called(read: Read) -> None:
    one, other = read("SELECT 1 FROM orders WHERE id = 1"), read("SELECT 1  FROM orders WHERE id = 1 -- twice")
    assert one.label == other.label and one.label.startswith("queries.sql@")
    assert read("SELECT 1 FROM orders WHERE id = 2").label != one.label
