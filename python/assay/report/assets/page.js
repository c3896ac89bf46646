// Ties the page together: grid point, filter, theme; redraws what they change.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const payload = JSON.parse(document.getElementById('payload').textContent);
  const redraws = [];

  const variable = (column) => column.name.slice(column.name.indexOf('.') + 1);
  const belongs = (family) => (column) => column.name.startsWith(`${family}.`);

  /** Whether a cell fits what was typed: each word is part of the contender's name or of its grid point, such as `partitions=8`. */
  function matcher(experiment, typed) {
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    const places = experiment.points.map((point) => `${point.label} ${Object.entries(point.parameters).map(([name, value]) => `${name}=${value}`).join(' ')}`.toLowerCase());
    const fits = (name, place) => words.every((word) => name.toLowerCase().includes(word) || (place.includes(word) && (word.includes('=') || place.split(' ').includes(word))));
    return { fits: (p, i) => fits(experiment.points[p].rows[i].name, places[p]), line: (name) => words.every((word) => word.includes('=') || name.toLowerCase().includes(word)) };
  }

  function start(section, experiment) {
    const state = { point: 0, filter: '', sort: null, groups: new Set(), page: 0, every: false, open: new Set(), selected: null, follow: false, printing: false };
    state.groups.add(experiment.columns.some((column) => column.key) ? 'Key metrics' : (experiment.columns[0] || {}).group);
    const chooser = section.querySelector('.choose-point');
    const filter = section.querySelector('.filter');
    const answers = [...section.querySelectorAll('.answer')];
    const frame = (name) => section.querySelector(`[data-frame="${name}"]`);
    for (const notice of experiment.notices) {
      section.querySelector('.frame').before(assay.make('p', { className: 'note' }, notice));
    }

    if (experiment.advice) {
      state.point = Math.min(experiment.advice.point, experiment.points.length - 1);
      if (chooser) chooser.value = String(state.point);
    }

    /** The rows of the chosen grid point that the filter lets through: all, and those that can be drawn. */
    function visible() {
      const point = experiment.points[state.point];
      const { fits, line } = matcher(experiment, state.filter);
      state.matches = fits;
      const shown = point.rows.map((row, i) => i).filter((i) => fits(state.point, i));
      return { point, shown, line, measured: shown.filter((i) => point.rows[i].status !== 'failed') };
    }

    let drawing = Promise.resolve();
    function redraw({ tables = true, charts = true } = {}) {
      const { point, shown, line, measured } = visible();
      section.querySelector('.count').textContent = state.filter ? `${shown.length} of ${point.rows.length} shown` : `${shown.length} shown`;
      answers.forEach((answer) => answer.classList.toggle('chosen', answers.length > 1 && Number(answer.dataset.point) === state.point));
      tellAnswer(point);
      if (tables) drawTables(point, shown);
      if (charts) drawCharts(point, measured, line);
    }

    /** The answer of a grid point that has no card above. */
    function tellAnswer(point) {
      const box = section.querySelector('.other-answer');
      if (!box) return;
      const told = answers.some((answer) => Number(answer.dataset.point) === state.point);
      box.textContent = told || !point.sentence ? '' : `${point.label}: ${point.sentence}`;
    }

    function drawTables(point, shown) {
      if (frame('numbers')) assay.drawTable(frame('numbers'), experiment, state, shown);
      if (frame('joins')) {
        assay.drawHeat(frame('joins'), experiment, point, shown, {
          pick: belongs('cross_join_share'), heading: variable, shade: (value) => value });
      }
      if (frame('plan')) assay.drawPlan(frame('plan'), experiment, point, shown);
      if (frame('queries')) drawQueries(frame('queries'), point, shown);
    }
    state.redrawTable = () => { if (frame('numbers')) assay.drawTable(frame('numbers'), experiment, state, visible().shown); };

    const queue = (work) => {
      // One drawing after another: a later one never finishes before an earlier one.
      drawing = drawing.then(work);
      assay.drawn = Promise.all([assay.drawn, drawing]).then(() => {}); // not what was drawn: it would nest without end
    };

    // By frame; each draws itself again when one of its own choosers changes.
    const charts = {
      advice: (box) => assay.drawAdvice(box, experiment),
      trade_off: (box, { point, measured }, again) => assay.drawTradeOff(box, experiment, point, measured, state, again),
      ratios: (box, { measured }, again) => assay.drawRatios(box, experiment, state.point, measured, state, again),
      timing: (box, { point, measured }) => assay.drawTiming(box, experiment, point, measured),
      curves: (box, { measured, line }, again) => assay.drawCurves(box, experiment, state.point, measured, state, again, line),
      heat: (box, { measured, line }, again) => assay.drawGrid(box, experiment, state.point, measured, state, again, line),
      miss_curves: (box, { measured, line }, again) => assay.drawMissCurves(box, experiment, state.point, measured, state, again, line),
      sizes: (box, { measured, line }, again) => assay.drawSizes(box, experiment, state.point, measured, state, again, line),
      writes: (box, { measured, line }, again) => assay.drawWrites(box, experiment, state.point, measured, state, again, line),
      index_costs: (box, { measured }, again) => assay.drawIndexCosts(box, experiment, state.point, measured, state, again),
      index_queries: (box, { line }) => assay.drawIndexQueries(box, experiment, state.point, line),
      index_words: (box, { measured }) => assay.drawIndexWords(box, experiment, state.point, measured),
      index_sizes: (box, { measured, line }, again) => assay.drawIndexSizes(box, experiment, state.point, measured, state, again, line),
      load: (box, { point, measured }) => assay.drawLoad(box, experiment, point, measured),
      movement: (box, { point, measured }) => assay.drawMovement(box, experiment, point, measured),
      durability: (box, { point, measured }) => assay.drawDurability(box, experiment, point, measured),
      rebuild: (box, { point, measured }) => assay.drawRebuild(box, experiment, point, measured),
      growth: (box, { point, measured }) => assay.drawGrowth(box, experiment, point, measured),
      series: (box, { measured }, again) => assay.drawSeries(box, experiment, state.point, measured, state, again),
      samples: (box, { measured }, again) => assay.drawSamples(box, experiment, state.point, measured, state, again),
      latency: (box, { measured }, again) => assay.drawLatency(box, experiment, state.point, measured, state, again),
      drift: (box, { measured }, again) => assay.drawDrift(box, experiment, state.point, measured, state, again),
    };
    const frames = [...section.querySelectorAll('[data-frame]')].filter((box) => charts[box.dataset.frame]);

    function drawOne(box) {
      queue(() => charts[box.dataset.frame](box, visible(), () => drawOne(box)));
    }

    function drawCharts() {
      for (const box of frames) drawOne(box);
    }

    function drawQueries(box, point, shown) {
      const find = (name) => experiment.columns.findIndex((column) => column.name === name);
      assay.drawHeat(box, experiment, point, shown, {
        pick: belongs('fan_out_mean'),
        heading: variable,
        shade: (value) => value / (point.partitions || 1),
        extra: (column, i) => {
          const j = find(`fan_out_max.${variable(column)}`);
          return j < 0 || point.values[i][j] === null ? '' : ` (${point.texts[i][j]})`;
        },
      });
    }

    const choose = (p) => {
      state.point = p;
      state.page = 0;
      state.selected = null;
      redraw();
    };
    if (chooser) chooser.addEventListener('change', () => choose(Number(chooser.value)));
    let waiting = 0;
    filter.addEventListener('input', () => {
      state.filter = filter.value.trim();
      state.page = 0;
      redraw({ charts: false });
      clearTimeout(waiting);
      // The tables are not drawn again: a button must not be replaced under the pointer.
      waiting = setTimeout(() => redraw({ tables: false }), 200);
    });
    redraws.push(redraw);
    addEventListener('beforeprint', () => { state.printing = true; state.redrawTable(); });
    addEventListener('afterprint', () => { state.printing = false; state.redrawTable(); });
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

  function startCopying() {
    for (const button of document.querySelectorAll('.copy-command')) {
      button.addEventListener('click', () => assay.copy(button.parentElement.querySelector('code').textContent, button));
    }
  }

  /** What is closed is drawn when it is first opened: it has no width to draw in before. */
  function startFolded(fold, begin) {
    let begun = false;
    fold.addEventListener('toggle', () => {
      if (fold.open && !begun) { begun = true; begin(); }
    });
    addEventListener('beforeprint', () => { if (!begun) { begun = true; begin(); } });
  }

  function openTarget() {
    const fold = document.getElementById(location.hash.slice(1));
    if (!fold || !fold.classList.contains('fold')) return;
    fold.open = true;
    fold.scrollIntoView();
  }

  /** On paper everything is open; what was closed is closed again afterwards. */
  function startPrinting() {
    const opened = [];
    addEventListener('beforeprint', () => {
      const closed = [...document.querySelectorAll('main details:not([open]):not(.data):not(.licences)')];
      for (const box of closed) box.open = true;
      opened.push(...closed);
    });
    addEventListener('afterprint', () => { for (const box of opened.splice(0)) box.open = false; });
  }

  /** One run at a time, where the page holds several; the first is shown. */
  function startRuns() {
    const chooser = document.getElementById('choose-run');
    if (!chooser) return;
    const runs = [...document.querySelectorAll('.run')];
    const show = () => {
      for (const run of runs) run.hidden = run.id !== chooser.value;
      for (const experiment of payload.experiments) begin(experiment, (section) => section.closest('.run').id === chooser.value);
    };
    chooser.addEventListener('change', show);
    addEventListener('beforeprint', () => {
      for (const run of runs) run.hidden = false;
      for (const experiment of payload.experiments) begin(experiment);
    });
    addEventListener('afterprint', show);
    if (payload.overlay && assay.startOverlay) assay.startOverlay(payload.overlay, redraws);
    show();
  }

  const begun = new Set();
  /** Draws an experiment once it can be seen. */
  function begin(experiment, wanted = () => true) {
    const section = document.querySelector(`[data-experiment="${experiment.key}"]`);
    if (begun.has(experiment.key) || !experiment.points.length || !wanted(section)) return;
    begun.add(experiment.key);
    const fold = section.closest('.fold');
    if (fold) startFolded(fold, () => start(section, experiment));
    else start(section, experiment);
  }

  startTheme();
  assay.startClaims();
  startCopying();
  startPrinting();
  assay.drawn = Promise.resolve();
  startRuns();
  for (const experiment of payload.experiments) begin(experiment, (section) => !section.closest('.run'));
  addEventListener('hashchange', openTarget);
  openTarget();
  // Tells a test or a printer that everything has been drawn.
  assay.drawn.then(() => { document.documentElement.dataset.drawn = 'true'; });
})();
