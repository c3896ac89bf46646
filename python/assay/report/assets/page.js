// Ties the page together: grid point, filter, theme; redraws what they change.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const payload = JSON.parse(document.getElementById('payload').textContent);
  const redraws = [];

  const variable = (column) => column.name.slice(column.name.indexOf('.') + 1);
  const belongs = (family) => (column) => column.name.startsWith(`${family}.`);

  function start(section, experiment) {
    const state = { point: 0, filter: '', sort: null, groups: new Set() };
    state.groups.add(experiment.columns.some((column) => column.key) ? 'Key metrics' : (experiment.columns[0] || {}).group);
    const chooser = section.querySelector('.choose-point');
    const filter = section.querySelector('.filter');
    const answers = [...section.querySelectorAll('.answer')];
    for (const notice of experiment.notices) {
      section.querySelector('.frame').before(assay.make('p', { className: 'note' }, notice));
    }

    if (experiment.advice) {
      state.point = experiment.advice.point;
      if (chooser) chooser.value = String(state.point);
    }

    let drawing = Promise.resolve();
    function redraw({ tables = true, charts = true } = {}) {
      const point = experiment.points[state.point];
      const wanted = state.filter.toLowerCase();
      const shown = point.rows.map((row, i) => i).filter((i) => point.rows[i].name.toLowerCase().includes(wanted));
      const measured = shown.filter((i) => point.rows[i].status !== 'failed');
      section.querySelector('.count').textContent = wanted ? `${shown.length} of ${point.rows.length} shown` : `${shown.length} shown`;
      answers.forEach((answer, i) => answer.classList.toggle('chosen', answers.length > 1 && i === state.point));
      const frame = (name) => section.querySelector(`[data-frame="${name}"]`);
      if (tables) drawTables(frame, point, shown);
      if (charts) drawCharts(frame, point, measured);
    }

    function drawTables(frame, point, shown) {
      if (frame('numbers')) assay.drawTable(frame('numbers'), experiment, point, state, shown);
      if (frame('joins')) {
        assay.drawHeat(frame('joins'), experiment, point, shown, {
          pick: belongs('cross_join_share'), heading: variable, shade: (value) => value });
      }
      if (frame('plan')) assay.drawPlan(frame('plan'), experiment, point, shown);
      if (frame('queries')) drawQueries(frame('queries'), point, shown);
    }

    function drawCharts(frame, point, measured) {
      // One drawing after another: a later one never finishes before an earlier one.
      drawing = drawing.then(async () => {
        if (frame('advice')) await assay.drawAdvice(frame('advice'), experiment);
        if (frame('load')) await assay.drawLoad(frame('load'), experiment, point, measured);
        if (frame('movement')) await assay.drawMovement(frame('movement'), experiment, point, measured);
        if (frame('trade_off')) await assay.drawTradeOff(frame('trade_off'), experiment, point, measured);
        if (frame('durability')) await assay.drawDurability(frame('durability'), experiment, point, measured);
        if (frame('rebuild')) await assay.drawRebuild(frame('rebuild'), experiment, point, measured);
        if (frame('growth')) await assay.drawGrowth(frame('growth'), experiment, point, measured);
        if (frame('timing')) await assay.drawTiming(frame('timing'), experiment, point, measured);
      });
      assay.drawn = Promise.all([assay.drawn, drawing]);
    }

    function drawQueries(frame, point, shown) {
      const find = (name) => experiment.columns.findIndex((column) => column.name === name);
      assay.drawHeat(frame, experiment, point, shown, {
        pick: belongs('fan_out_mean'),
        heading: variable,
        shade: (value) => value / (point.partitions || 1),
        extra: (column, i) => {
          const j = find(`fan_out_max.${variable(column)}`);
          return j < 0 || point.values[i][j] === null ? '' : ` (${point.texts[i][j]})`;
        },
      });
    }

    if (chooser) chooser.addEventListener('change', () => { state.point = Number(chooser.value); redraw(); });
    let waiting = 0;
    filter.addEventListener('input', () => {
      state.filter = filter.value.trim();
      redraw({ charts: false });
      clearTimeout(waiting);
      // The tables are not drawn again: a button must not be replaced under the pointer.
      waiting = setTimeout(() => redraw({ tables: false }), 200);
    });
    redraws.push(redraw);
    redraw();
  }

  function startTheme() {
    const button = document.getElementById('theme');
    const themes = ['auto', 'light', 'dark'];
    const set = (theme) => {
      if (theme === 'auto') delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme;
      button.textContent = `Theme: ${theme}`;
    };
    let theme = 'auto';
    try { theme = themes.find((known) => known === localStorage.getItem('assay-theme')) || 'auto'; } catch { /* not kept for files */ }
    set(theme);
    const redrawAll = () => redraws.forEach((redraw) => redraw());
    button.addEventListener('click', () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      try { localStorage.setItem('assay-theme', theme); } catch { /* the choice lasts for this page */ }
      set(theme);
      redrawAll();
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawAll);
  }

  function startClaims() {
    const section = document.getElementById('claims');
    if (!section) return;
    const chooser = document.getElementById('claim-topic');
    const chips = [...section.querySelectorAll('.chips button')];
    const cards = [...section.querySelectorAll('.claim')];
    const filter = () => {
      const pressed = chips.filter((chip) => chip.getAttribute('aria-pressed') === 'true').map((chip) => chip.dataset.verdict);
      for (const card of cards) {
        card.hidden = (chooser.value !== '' && card.dataset.topic !== chooser.value)
          || (pressed.length > 0 && !pressed.includes(card.dataset.verdict));
      }
      const shown = cards.filter((card) => !card.hidden).length;
      section.querySelector('.count').textContent = shown < cards.length ? `${shown} of ${cards.length} shown` : '';
    };
    const opener = document.getElementById('claims-open');
    const openAll = (open) => {
      for (const card of cards) card.open = open;
      opener.textContent = open ? 'Close all' : 'Open all';
    };
    opener.addEventListener('click', () => openAll(opener.textContent === 'Open all'));
    addEventListener('beforeprint', () => openAll(true));
    chooser.addEventListener('change', filter);
    for (const chip of chips) {
      chip.addEventListener('click', () => {
        chip.setAttribute('aria-pressed', String(chip.getAttribute('aria-pressed') !== 'true'));
        filter();
      });
    }
  }

  function startCopying() {
    for (const button of document.querySelectorAll('.copy-command')) {
      button.addEventListener('click', () => assay.copy(button.parentElement.querySelector('code').textContent, button));
    }
  }

  /** An experiment behind a claim is drawn when it is first opened: a closed one has no width to draw in. */
  function startFolded(fold, begin) {
    let begun = false;
    fold.addEventListener('toggle', () => {
      if (fold.open && !begun) { begun = true; begin(); }
    });
  }

  function openTarget() {
    const fold = document.getElementById(location.hash.slice(1));
    if (!fold || !fold.classList.contains('fold')) return;
    fold.open = true;
    fold.scrollIntoView();
  }

  startTheme();
  startClaims();
  startCopying();
  assay.drawn = Promise.resolve();
  for (const experiment of payload.experiments) {
    const section = document.querySelector(`[data-experiment="${Number(experiment.index)}"]`);
    if (!experiment.points.length) continue;
    const fold = section.closest('.fold');
    if (fold) startFolded(fold, () => start(section, experiment));
    else start(section, experiment);
  }
  addEventListener('hashchange', openTarget);
  openTarget();
  // Tells a test or a printer that everything has been drawn.
  assay.drawn.then(() => { document.documentElement.dataset.drawn = 'true'; });
})();
