// Growth over time as small multiples, and rebalancing plans as tables.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;

  assay.drawGrowth = async (frame, experiment, point, shown) => {
    const filled = frame.querySelector('.filled');
    const grown = shown.filter((i) => (point.growth || [])[i]);
    const drawn = grown.slice(0, assay.most.load);
    const peaks = new Map(drawn.map((i) => [i, Math.max(...point.growth[i].alone, ...point.growth[i].so_far)]));
    // One scale makes them comparable; a contender far above it has its own, or it would flatten the others.
    const shared = Math.max(1.2, ...[...peaks.values()].filter((peak) => peak <= assay.most.shared_scale));
    const nodes = drawn.map(() => make('div', { className: 'chart' }));
    filled.replaceChildren(make('div', { className: 'multiples' }, ...drawn.map((i, place) =>
      make('figure', {}, make('figcaption', {}, ...assay.breakable(point.rows[i].name),
        peaks.get(i) > shared ? make('small', {}, ` own scale, up to ${peaks.get(i).toFixed(1)}`) : ''), nodes[place]))));
    if (!grown.length) filled.append(make('p', { className: 'about' }, 'No growth was recorded for what is shown.'));
    assay.remark(filled, grown.length, drawn.length, experiment.noun);
    for (const [place, i] of drawn.entries()) {
      const { tenths, labels, alone, so_far: soFar } = point.growth[i];
      const rows = tenths.map((tenth, at) => ({ tenth, label: labels[at], alone: alone[at], so_far: soFar[at] }));
      await assay.draw(nodes[place], 'growth', rows, (specification) => {
        for (const layer of specification.layer.slice(0, 2)) {
          layer.encoding.y.scale = { domain: [0, Math.max(shared, peaks.get(i))], nice: true };
        }
      });
    }
  };

  /** Links side by side, each on one line. */
  const links = (found) => (found.length
    ? found.map((link, i) => make('span', { className: 'link' }, i + 1 < found.length ? `${link}, ` : link)) : ['–']);

  /** A table for each action: what moves, how long it takes, the busiest links. */
  assay.drawPlan = (frame, experiment, point, shown) => {
    const filled = frame.querySelector('.filled');
    const actions = experiment.columns.map((column, j) => [column, j]).filter(([column]) => column.name.startsWith('rebalance_bytes.'));
    filled.replaceChildren(...actions.map(([column, j]) => {
      const action = column.name.slice('rebalance_bytes.'.length);
      const time = experiment.columns.findIndex((candidate) => candidate.name === `rebalance_seconds.${action}`);
      const heads = [experiment.noun, 'bytes moved', 'time', 'busiest links'].map((head, place) =>
        make('th', { scope: 'col', className: place === 1 || place === 2 ? 'number' : '' }, head));
      const body = shown.filter((i) => point.values[i][j] !== null).map((i) => make('tr', {},
        make('th', { scope: 'row' }, make('span', { className: 'name' }, ...assay.breakable(point.rows[i].name))),
        make('td', { className: 'number' }, point.texts[i][j]),
        make('td', { className: 'number' }, time < 0 ? '–' : point.texts[i][time]),
        make('td', {}, ...links(((point.links || [])[i] || {})[action] || []))));
      return make('div', { className: 'box tall', tabIndex: 0, role: 'group', 'aria-label': `Plans: ${column.label}` }, make('table', { className: 'plan-table' },
        make('caption', {}, column.label.replace(/^[^:]*: /, '')), make('thead', {}, make('tr', {}, ...heads)), make('tbody', {}, ...body)));
    }));
  };
})();
