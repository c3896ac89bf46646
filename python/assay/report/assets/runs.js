// Several runs laid over each other: the numbers they share, what changed first, and any metric of all of them.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;
  const PAGE = 50;
  const WORDS = { changed: '≠ changed', apart: '≠ apart', differs: '? differs', missing: '– missing', within: '≈ within', same: '= same' };
  const MEANINGS = { changed: 'an exact number that differs', apart: 'the intervals do not meet', differs: 'no interval to judge by',
    missing: 'not in every run', within: 'the intervals meet', same: 'the same number' };

  /** How far the last value is from the first, in words. */
  function change(first, last) {
    if (first === null || last === null) return '–';
    if (first === last) return '0 %';
    if (first === 0) return 'from 0';
    const ratio = last / first;
    return ratio > 0 && (ratio >= 2 || ratio <= 0.5) ? `${ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(3)} ×` : `${ratio >= 1 ? '+' : '−'}${Math.abs(100 * (ratio - 1)).toFixed(Math.abs(ratio - 1) < 0.1 ? 2 : 1)} %`;
  }

  /** The first and the last value of those that are known. */
  function ends(values) {
    const known = values.filter((value) => value !== null);
    return known.length > 1 ? [known[0], known.at(-1)] : [null, null];
  }

  function drawChanges(frame, overlay, state) {
    const filled = frame.querySelector('.filled');
    const again = () => drawChanges(frame, overlay, state);
    const { show, metric } = assay.choosers(frame, [
      { name: 'show', label: 'Show', options: [['changed', 'what changed'], ['all', 'all numbers']], first: overlay.lines.some((line) => ['changed', 'apart', 'differs', 'missing'].includes(line[5])) ? 'changed' : 'all' },
      { name: 'metric', label: 'Metric', options: [['', 'all metrics'], ...overlay.metrics.map(({ name, label }) => [name, label])], first: '' }], () => { state.page = 0; again(); });
    if (!state.box) {
      state.box = make('input', { type: 'search', placeholder: 'contender, data or parameter' });
      state.box.addEventListener('input', () => { state.filter = state.box.value.trim().toLowerCase(); state.page = 0; again(); });
      state.count = make('output', { 'aria-live': 'polite', className: 'count' });
      state.copy = make('button', { type: 'button' }, 'Copy as CSV');
      state.copy.addEventListener('click', () => assay.copy(assay.csv([['contender', 'where', 'metric', ...overlay.runs, 'change', 'kind of change', 'effect'],
        ...state.lines.map(([name, where, j, values, , kind, effect]) => [name, where, overlay.metrics[j].name, ...values, change(...ends(values)), kind, effect])]), state.copy));
      frame.querySelector('.controls').append(make('label', {}, 'Filter ', state.box), state.copy, state.count);
      frame.querySelector('.controls').hidden = false;
    }
    const words = state.filter.split(/\s+/).filter(Boolean);
    state.lines = overlay.lines.filter(([name, where, j, , , kind]) => (show === 'all' || !['within', 'same'].includes(kind))
      && (!metric || overlay.metrics[j].name === metric) && words.every((word) => `${name} ${where}`.toLowerCase().includes(word)));
    state.count.textContent = `${state.lines.length.toLocaleString('en-US')} shown`;
    const begin = state.page * PAGE;
    const listed = state.lines.slice(begin, begin + PAGE);
    const heads = ['contender', 'where', 'metric', ...overlay.runs, 'change', 'kind'];
    const numbers = 3 + overlay.runs.length;
    const body = listed.map(([name, where, j, values, intervals, kind, effect]) => {
      const { unit } = overlay.metrics[j];
      return make('tr', {}, make('th', { scope: 'row' }, make('span', { className: 'name' }, ...assay.breakable(name))), make('td', {}, where), make('td', {}, overlay.metrics[j].label),
        ...values.map((value, k) => make('td', { className: 'number' }, assay.format(value, unit),
          intervals && intervals[k] && intervals[k][0] < intervals[k][1] ? make('small', {}, `${assay.format(intervals[k][0], unit)} to ${assay.format(intervals[k][1], unit)}`) : '')),
        make('td', { className: 'number' }, change(...ends(values))),
        make('td', { className: effect === 'better' ? 'best' : effect === 'worse' ? 'worst' : '', title: MEANINGS[kind] }, WORDS[kind], effect ? `, ${effect === 'better' ? '▲' : '▼'} ${effect}` : ''));
    });
    const last = Math.max(0, Math.ceil(state.lines.length / PAGE) - 1);
    const to = (page, label) => {
      const button = make('button', { type: 'button', disabled: page < 0 || page > last }, label);
      button.addEventListener('click', () => { state.page = page; again(); (filled.querySelector('.pager button:enabled') || state.box).focus(); });
      return button;
    };
    filled.replaceChildren(make('div', { className: listed.length > 20 ? 'box tall' : 'box', tabIndex: 0, role: 'group', 'aria-label': 'Table of shared numbers' },
      make('table', { className: 'changes-table' }, make('thead', {}, make('tr', {}, ...heads.map((head, k) => make('th', { scope: 'col', className: k > 2 && k <= numbers ? 'number' : '' }, head)))), make('tbody', {}, ...body))),
    last ? make('nav', { className: 'toolbar pager', 'aria-label': 'Pages of the shared numbers' }, to(state.page - 1, '← Previous'),
      make('span', { role: 'status' }, `rows ${begin + 1} to ${begin + listed.length} of ${state.lines.length.toLocaleString('en-US')}`), to(state.page + 1, 'Next →')) : '');
    if (overlay.lines.length < overlay.all) filled.append(make('p', { className: 'note' }, `${overlay.lines.length.toLocaleString('en-US')} of ${overlay.all.toLocaleString('en-US')} shared numbers are embedded, those that changed first; \`assay diff\` and \`assay sql\` have all.`));
  }

  async function drawOverlay(frame, overlay, state) {
    const filled = frame.querySelector('.filled');
    const again = () => { assay.drawn = Promise.all([assay.drawn, drawOverlay(frame, overlay, state)]); };
    if (!overlay.lines.length) { filled.replaceChildren(make('p', { className: 'about' }, 'There is nothing to lay over.')); return; }
    const { metric } = assay.choosers(frame, [{ name: 'metric', label: 'Metric', options: overlay.metrics.map(({ name, label }) => [name, label]), first: overlay.metrics[0].name }], again);
    const j = overlay.metrics.findIndex(({ name }) => name === metric);
    const wheres = [...new Set(overlay.lines.filter((line) => line[2] === j).map((line) => line[1]))].sort((a, b) => assay.compare(a, b, true));
    const { where } = assay.choosers(frame, [{ name: 'metric', label: 'Metric', options: overlay.metrics.map(({ name, label }) => [name, label]), first: metric },
      { name: 'where', label: 'Where', options: wheres.map((place) => [place, place]), first: wheres[0] }], again);
    const { label, unit, direction } = overlay.metrics[j];
    const found = overlay.lines.filter((line) => line[2] === j && line[1] === where).slice(0, assay.most.bars);
    const all = found.flatMap(([, , , values]) => values.filter((value) => value !== null));
    const scaled = assay.scaled(unit, all);
    const visible = overlay.runs.filter((run) => !state.hidden.has(run));
    const node = make('div', { className: 'chart' });
    filled.replaceChildren(assay.legend(overlay.runs, state.hidden, again), node);
    const rows = found.flatMap(([name, , , values, intervals]) => values.map((value, k) => ({ name, run: overlay.runs[k], x: value, low: intervals && intervals[k] ? intervals[k][0] : value, high: intervals && intervals[k] ? intervals[k][1] : value, text: assay.format(value, unit) })))
      .filter((row) => row.x !== null && visible.includes(row.run));
    const best = [...rows].sort((a, b) => (direction === 'higher' ? b.x - a.x : a.x - b.x))[0];
    assay.finish(frame, best ? `${label}, ${where}: from ${assay.format(Math.min(...all), unit)} to ${assay.format(Math.max(...all), unit)}; ${direction === 'higher' ? 'highest' : 'lowest'} for ${best.name} in run ${best.run}.` : '',
      [['contender', (row) => row.name], ['run', (row) => row.run], [label, (row) => row.x, unit], ['low', (row) => row.low, unit], ['high', (row) => row.high, unit]], rows);
    if (!rows.length) return;
    const placed = rows.map((row) => ({ ...row, x: row.x / scaled.divisor, low: row.low / scaled.divisor, high: row.high / scaled.divisor, shown: assay.wrap(row.name, node.clientWidth * 0.36) }));
    await assay.draw(node, 'overlay', placed, (specification) => {
      specification.description = `${label} of each contender, ${where}, a mark for each run.`;
      assay.roomy([...new Map(placed.map((row) => [row.name, row])).values()])(specification);
      const logarithmic = assay.wide([...all, ...rows.map((row) => row.low)]);  // an interval may reach 0
      for (const { encoding } of specification.layer) {
        encoding.x.scale = logarithmic ? { type: 'log', nice: false, padding: 16 } : { zero: false, nice: false, padding: 16 };
        encoding.x.title = label + scaled.suffix;
        encoding.x.axis = { format: scaled.format, tickCount: 6, labelOverlap: true };
        assay.dress(encoding, overlay.runs);
      }
    });
  }

  assay.startOverlay = (overlay, redraws) => {
    const find = (name) => document.querySelector(`#overlay [data-frame="${name}"]`);
    const changes = { page: 0, filter: '', box: null, lines: [] };
    const laid = { hidden: new Set() };
    drawChanges(find('changes'), overlay, changes);
    const draw = () => { assay.drawn = Promise.all([assay.drawn, drawOverlay(find('overlay'), overlay, laid)]); };
    redraws.push(draw);
    draw();
  };
})();
