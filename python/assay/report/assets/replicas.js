// Replicas: who rebuilds a lost node, as small multiples, and what a fast rebuild costs in durability.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;

  assay.drawRebuild = async (frame, experiment, point, shown) => {
    const filled = frame.querySelector('.filled');
    const rebuilt = shown.filter((i) => (point.rebuild || [])[i]);
    const drawn = rebuilt.slice(0, assay.most.load);
    const most = Math.max(1, ...drawn.flatMap((i) => point.rebuild[i].donors));
    const nodes = drawn.map(() => make('div', { className: 'chart' }));
    filled.replaceChildren(make('div', { className: 'multiples' }, ...drawn.map((i, place) =>
      make('figure', {}, make('figcaption', {}, ...assay.breakable(point.rows[i].name)), nodes[place]))));
    if (!rebuilt.length) filled.append(make('p', { className: 'about' }, 'No rebuild was recorded for what is shown.'));
    assay.remark(filled, rebuilt.length, drawn.length, experiment.noun);
    for (const [place, i] of drawn.entries()) {
      const { labels, donors, effective } = point.rebuild[i];
      const rows = labels.map((label, position) => ({ position, label, donors: donors[position], effective: effective[position] }));
      await assay.draw(nodes[place], 'rebuild', rows, (specification) => {
        specification.layer[0].encoding.y.scale = { domain: [0, most], nice: true };
      });
    }
  };

  assay.drawDurability = async (frame, experiment, point, shown) => {
    const filled = frame.querySelector('.filled');
    const place = (name) => experiment.columns.findIndex((candidate) => candidate.name === name);
    const [x, exact, estimate] = ['effective_donors', 'data_loss_chance', 'data_loss_chance_estimate'].map(place);
    const value = (i, j) => (j < 0 ? null : point.values[i][j]);
    const chance = (i) => value(i, exact) ?? value(i, estimate);
    const known = shown.filter((i) => value(i, x) !== null && chance(i) !== null);
    const drawn = known.slice(0, assay.most.trade_off);
    const node = make('div', { className: 'chart' });
    const key = make('ol', { className: 'key', tabIndex: 0 }, ...drawn.map((i) =>
      make('li', {}, ...assay.breakable(point.rows[i].name))));
    filled.replaceChildren(make('div', { className: 'beside' }, node, key));
    assay.remark(filled, known.length, drawn.length, experiment.noun);
    if (!drawn.length) { filled.replaceChildren(make('p', { className: 'about' }, 'Nothing that is shown has both numbers.')); return; }
    const rows = drawn.map((i, order) => ({ name: point.rows[i].name, order: order + 1, x: value(i, x), y: chance(i) }));
    const highest = Math.min(1, 1.15 * Math.max(0.01, ...rows.map((row) => row.y)));
    await assay.draw(node, 'durability', assay.labelled(rows, node.clientWidth, false, highest), (specification) => {
      for (const { encoding } of specification.layer) encoding.y.scale = { domain: [0, highest], nice: false, padding: 12 };
    });
  };
})();
