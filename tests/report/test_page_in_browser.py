"""The page in headless Chromium, opened from a file with nothing else around."""

from pathlib import Path

import pyarrow as pa
import pytest

import assay
from assay.report import write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'assay[dev]'")

HOSTILE = [
    "hash(</script><script>window.hacked=1</script>)",
    'hash("><img src=x onerror=window.hacked=1>)',
    "hash({{constructor.constructor('window.hacked=1')()}})",
    "hash(${window.hacked=1}`'\\)",
    "hash(<!--<script>)",
    "hash(\u202eright\u2028to left)",
]


@pytest.fixture(scope="module")
def flights_page(flights_store, tmp_path_factory) -> Path:
    return write_report(flights_store, flights_store.run_id, tmp_path_factory.mktemp("report") / "flights.html")


def test_the_page_opens_from_a_file_without_errors_or_requests(visit, flights_page) -> None:
    found = visit(flights_page)
    assert found.troubles == []
    assert found.requests == [flights_page.as_uri()]


def test_every_chart_is_drawn_with_its_marks(visit, flights_page) -> None:
    page = visit(flights_page).page
    charts = {
        frame: page.locator(f'[data-frame="{frame}"] svg.marks').count()
        for frame in ("load", "movement", "trade_off", "timing")
    }
    assert charts == {"load": 9, "movement": 4, "trade_off": 1, "timing": 2}
    bars = page.locator('[data-frame="load"] svg.marks').first.locator(".mark-rect.role-mark path")
    assert bars.count() == 8
    assert page.locator('[data-frame="load"] svg.marks').first.locator(".mark-rule.role-mark line").count() == 1
    assert page.locator('[data-frame="trade_off"] .mark-symbol.role-mark path').count() == 9


def test_no_chart_text_is_cut_or_lies_outside_its_chart(visit, flights_page) -> None:
    for width, point in ((1280, "8 partitions"), (420, "64 partitions")):
        page = visit(flights_page, width=width).page
        page.locator(".choose-point").select_option(label=point)
        page.evaluate("assay.drawn")
        outside = page.evaluate(
            """() => [...document.querySelectorAll('.chart svg.marks')].flatMap(svg => {
                const frame = svg.getBoundingClientRect();
                return [...svg.querySelectorAll('text')].filter(text => {
                    const box = text.getBoundingClientRect();
                    return box.width && (box.left < frame.left - 1 || box.right > frame.right + 1
                        || box.top < frame.top - 1 || box.bottom > frame.bottom + 1 || text.textContent.includes('…'));
                }).map(text => text.textContent);
            })"""
        )
        assert [text for text in outside if " … " not in text] == []


def test_a_narrow_window_scrolls_boxes_not_the_page(visit, flights_page) -> None:
    page = visit(flights_page, width=420).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    assert page.evaluate(
        "(box => box.scrollWidth > box.clientWidth)(document.querySelector('[data-frame=numbers] .box'))"
    )


def test_a_heading_sorts_by_value_and_says_so(visit, flights_page) -> None:
    found = visit(flights_page)
    head = found.page.locator('.numbers-table th[data-metric="load_max_over_mean"]')
    assert head.get_attribute("aria-sort") == "none"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    ascending = [float(text) for text in found.column("load_max_over_mean")]
    assert ascending == sorted(ascending)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in found.column("load_max_over_mean")] == ascending[::-1]


def test_the_keyboard_alone_sorts_and_keeps_its_place(visit, flights_page) -> None:
    page = visit(flights_page).page
    page.locator('.numbers-table th[data-metric="avoidable_skew"] button').focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.locator('.numbers-table th[data-metric="avoidable_skew"]').get_attribute("aria-sort") == "descending"


def test_the_filter_narrows_the_table_and_the_charts(visit, flights_page) -> None:
    found = visit(flights_page)
    found.page.locator(".filter").fill("DEST")
    assert found.names() == ["hash(dest)"]
    assert found.page.locator(".experiment .count").text_content() == "1 of 9 shown"
    sync_api.expect(found.page.locator('[data-frame="load"] svg.marks')).to_have_count(1)
    found.page.locator(".filter").fill("nothing like it")
    assert found.names() == []
    sync_api.expect(found.page.locator('[data-frame="load"] svg.marks')).to_have_count(0)
    assert found.troubles == []


def test_groups_of_metrics_can_be_shown_and_hidden(visit, flights_page) -> None:
    page = visit(flights_page).page
    heads = page.locator(".numbers-table thead th")
    before = heads.count()
    group = page.locator(".groups button", has_text="Movement")
    assert group.get_attribute("aria-pressed") == "false"
    group.click()
    assert page.locator(".groups button", has_text="Movement").get_attribute("aria-pressed") == "true"
    assert page.locator('.numbers-table th[data-metric="stray_moves.double"]').count() == 1
    assert heads.count() == before + 11  # 4 actions × 3 metrics, of which 1 is a key metric
    page.locator(".groups button", has_text="Key metrics").click()
    assert heads.count() == 1 + 12


def test_choosing_a_grid_point_changes_table_answer_and_charts(visit, flights_page) -> None:
    found = visit(flights_page)
    before = found.column("load_max_over_mean")
    found.page.locator(".choose-point").select_option(label="64 partitions")
    assert found.column("load_max_over_mean") != before
    assert found.page.locator(".answer.chosen h3").text_content() == "64 partitions"
    bars = found.page.locator('[data-frame="load"] svg.marks').first.locator(".mark-rect.role-mark path")
    sync_api.expect(bars).to_have_count(64)


def test_best_and_worst_carry_a_sign_as_well_as_a_colour(visit, flights_page) -> None:
    page = visit(flights_page).page
    best = page.locator(".numbers-table td.best")
    assert best.count() > 0
    assert set(best.locator(".sign").all_text_contents()) == {"▲"}
    assert set(page.locator(".numbers-table td.worst .sign").all_text_contents()) == {"▼"}


def test_dark_follows_the_system_and_the_button_overrides_it(visit, flights_page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = visit(flights_page).page, visit(flights_page, scheme="dark").page
    white, black = light.evaluate(background), dark.evaluate(background)
    assert white == "rgb(255, 255, 255)"
    assert black != white
    label = '[data-frame="load"] .role-axis-label text'
    assert light.locator(label).first.get_attribute("fill") != dark.locator(label).first.get_attribute("fill")
    light.locator("#theme").click()
    assert light.evaluate(background) == white
    light.locator("#theme").click()
    assert light.locator("#theme").text_content() == "Theme: dark"
    assert light.evaluate(background) == black


def test_what_is_shown_can_be_copied_as_csv(visit, flights_page) -> None:
    page = visit(flights_page).page
    page.evaluate("assay.copy = text => { window.copied = text; }")
    page.locator(".filter").fill("virtual_nodes")
    page.locator(".copy").click()
    lines = page.evaluate("window.copied").split("\r\n")
    assert lines[0].startswith("strategy,load_max_over_mean,cross_join_share,")
    assert lines[1].startswith('"ring(tailnum,virtual_nodes=128)",1.15')
    assert lines[2:] == [""]


def test_claims_can_be_filtered_by_topic_and_verdict(visit, flights_page) -> None:
    page = visit(flights_page).page
    cards = page.locator("#claims .claim:visible")
    assert cards.count() == 4
    page.locator("#claim-topic").select_option("placement")
    assert cards.count() == 2
    page.locator(".chips button", has_text="refuted").click()
    assert cards.count() == 1
    assert page.locator("#claims .count").text_content() == "1 of 4 shown"
    page.locator(".chips button", has_text="refuted").click()
    page.locator("#claim-topic").select_option("")
    assert cards.count() == 4
    page.locator("#claim-origin").select_option("modelled")
    assert cards.count() == 1
    page.locator("#claim-origin").select_option("")
    page.locator("#claim-text").fill("bytes SEATS")
    assert cards.locator("h4").all_text_contents() == ["Round robin spreads rows evenly."]
    page.locator("#claim-text").fill("no such words")
    assert cards.count() == 0 and page.locator(".no-claim").is_visible()


def test_a_claim_opens_to_its_numbers_and_its_command_is_copied_whole(visit, flights_page) -> None:
    page = visit(flights_page).page
    page.evaluate("assay.copy = text => { window.copied = text; }")
    card = page.locator("#claims .claim").first
    card.locator("summary").click()
    assert "1.000 below 1.001" in card.locator(".evidence").inner_text().replace("\u00a0", " ")
    card.locator(".copy-command").click()
    assert page.evaluate("window.copied") == "assay run bench/claims.toml --only round_robin"


def test_an_experiment_behind_a_claim_is_drawn_when_its_link_is_followed(visit, flights_page) -> None:
    found = visit(flights_page, unfold=False)
    assert found.page.locator("svg.marks").count() == 0
    found.page.locator("#claims-open").click()
    found.page.locator('#claims a[href="#experiment-0"]').first.click()
    sync_api.expect(found.page.locator('[data-frame="trade_off"] svg.marks')).to_have_count(1)
    assert found.troubles == []


def test_growth_is_drawn_and_plans_are_listed(visit, tmp_path) -> None:
    keys = pa.table({"t": range(200), "k": [row % 7 for row in range(200)]})
    results = assay.compare(
        "partitioning", keys, strategies=["range(t)", "hash(k)"], partitions=4, time="t", bytes=True, timing=False
    )
    found = visit(results.report(tmp_path / "growth.html"))
    charts = found.page.locator('[data-frame="growth"] svg.marks')
    assert charts.count() == 2
    assert charts.first.locator(".mark-line.role-mark path").count() == 2
    assert charts.first.locator(".mark-symbol.role-mark path").count() == 10
    tables = found.page.locator('[data-frame="plan"] table')
    assert tables.locator("caption").all_text_contents() == ["add one", "remove one", "replace one", "double"]
    row = tables.nth(1).locator("tbody tr", has_text="range(t)")
    assert row.locator("td").all_text_contents() == ["800 B", "6.4 µs", "node-3 → node-2 800 B"]
    assert found.troubles == []


def test_rebuilds_and_their_price_are_drawn(visit, tmp_path) -> None:
    keys = pa.table({"k": range(500)})
    results = assay.compare(
        "partitioning",
        keys,
        strategies=["ring(k)", "hash(k)"],
        partitions=6,
        replicas=2,
        racks=3,
        capacities={"node-5": 3},
        timing=False,
    )
    found = visit(results.report(tmp_path / "replicas.html"))
    points = found.page.locator('[data-frame="durability"] svg.marks .mark-symbol.role-mark path')
    assert points.count() == 2
    rebuilds = found.page.locator('[data-frame="rebuild"] svg.marks')
    assert rebuilds.count() == 2
    assert rebuilds.first.locator(".mark-rect.role-mark path").count() == 2 * 6  # a bar and a tick for each lost node
    assert found.page.locator('[data-frame="load"] svg.marks').count() == 2
    assert found.troubles == []


def test_hostile_names_are_shown_and_inert(make_store, visit, tmp_path) -> None:
    store = make_store()
    store.add_run(label=HOSTILE[0])
    store.add_experiment(
        strategies=HOSTILE, partitions=(8, 64), dataset=HOSTILE[1], reading=HOSTILE[0], failed=HOSTILE[4:5]
    )
    store.connection.execute(
        "UPDATE run SET question = ?, suite_toml = ?, command = ?", [HOSTILE[0], HOSTILE[1], HOSTILE[3]]
    )
    store.connection.execute("UPDATE series SET label = ?", [HOSTILE[1]])
    store.connection.execute("UPDATE metric SET note = ? WHERE name = 'load_cv'", [HOSTILE[1]])
    found = visit(write_report(store, store.run_id, tmp_path / "hostile.html"))
    page = found.page
    page.locator('[data-frame="load"] svg.marks .mark-rect.role-mark path').first.hover()
    page.locator(".groups button", has_text="Load").click()
    assert page.evaluate("window.hacked") is None
    assert found.troubles == []
    assert len(found.requests) == 1
    assert page.locator("img").count() == 0
    assert set(HOSTILE[:4]) <= set(found.names())
    assert page.locator("h1").text_content() == HOSTILE[0]


@pytest.mark.parametrize("strategies", [1, 200])
def test_one_strategy_or_two_hundred_make_a_working_page(make_store, visit, tmp_path, strategies) -> None:
    store = make_store()
    store.add_run()
    names = [f"ring(tailnum,virtual_nodes={i})" for i in range(1, strategies + 1)]
    store.add_experiment(strategies=names, partitions=(8,))
    found = visit(write_report(store, store.run_id, tmp_path / "many.html"))
    assert found.troubles == []
    assert len(found.names()) == min(100, strategies), "a page of the table at a time"
    assert found.page.locator('[data-frame="load"] svg.marks').count() == min(12, strategies)


def test_runs_with_nothing_or_only_failures_open_without_errors(make_store, visit, tmp_path) -> None:
    for fill in (lambda s: None, lambda s: s.add_claims(), lambda s: s.add_experiment(failed=s.all_strategies)):
        store = make_store()
        store.add_run(status="failed")
        fill(store)
        found = visit(write_report(store, store.run_id, tmp_path / "odd.html"))
        assert found.troubles == []
        assert "This run is failed" in found.page.locator(".warnings").text_content()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (420, "dark")])
def test_the_trade_off_is_drawn_with_the_best_marked(visit, advised, tmp_path, width, scheme):
    path = write_report(advised.store, advised.run_id, tmp_path / "advice.html")
    found = visit(path, width=width, scheme=scheme)
    assert found.troubles == []
    frame = found.page.locator('[data-frame="advice"]')
    assert frame.locator("svg.marks").count() == 1, "no joins, no bytes: movement alone stands against balance"
    points = frame.locator(".mark-symbol.role-mark path")
    usable = [one for one in advised.advice["candidates"] if not one["broken"]]
    assert len(usable) <= points.count() <= len(advised.advice["candidates"])
    colours = points.evaluate_all("paths => paths.map(path => path.getAttribute('fill'))")
    orange = found.page.evaluate("assay.colour('orange')")
    assert colours.count(orange) == 1 and colours[-1] == orange, "the recommended one lies on top"
    assert frame.locator(".mark-rule.role-mark line").count() == 2, "both limits"
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    chosen = found.page.locator(".choose-point").evaluate("chooser => chooser.selectedOptions[0].textContent")
    assert chosen == f"{advised.advice['parameters']['partitions']} partitions"


def test_the_page_of_an_advice_without_a_best_is_drawn_too(visit, nothing, tmp_path):
    found = visit(write_report(nothing.store, nothing.run_id, tmp_path / "nothing.html"))
    assert found.troubles == []
    assert found.page.locator('[data-frame="advice"] .mark-symbol.role-mark path').count() > 0
