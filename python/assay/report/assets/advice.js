// The trade-off of an advice: a panel for each criterion beside the load; and labels that do not overlap.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;

  /** Points too close to label apart, on a chart this wide, share one label: their numbers, in order. */
  function labelled(rows, pixels, logarithmic, tall) {
    const across = (row) => (logarithmic ? Math.log(row.x) : row.x);
    const places = rows.map(across);
    const wide = Math.max(...places) - Math.min(...places) || 1;
    const nearby = 48 / Math.max(100, pixels - 90);
    const leaders = [];
    // The rightmost of a group carries the label, so that none of its points lies below it.
    for (const row of [...rows].sort((a, b) => b.x - a.x)) {
      const near = leaders.find((other) => Math.abs(across(other) - across(row)) / wide < nearby && Math.abs(other.y - row.y) < 0.06 * tall);
      if (near) near.members.push(row.order); else { row.members = [row.order]; leaders.push(row); }
    }
    for (const { members } of leaders) members.sort((a, b) => a - b);
    return rows.map(({ members, ...row }) => ({ ...row, number: !members ? ''
      : members.length > 6 ? `${members.slice(0, 5).join(' ')} … ${members.at(-1)}` : members.join(' ') }));
  }

  /** From 0 to 1, or the part of it that holds the values, where they all lie far from 0, or close to it. */
  function span(values) {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    if (most > 0 && most < 0.05) return [0, 1.2 * most];
    if (least < 0.3) return [0, 1];
    const margin = 0.3 * Math.max(0.1, most - least);
    return [Math.floor(20 * (least - margin)) / 20, Math.min(1, Math.ceil(20 * (most + margin)) / 20)];
  }

  Object.assign(assay, { labelled, span });

  /** A panel for each criterion beside the load: joins, the workload's fan-out, movement, bytes. */
  assay.drawAdvice = async (frame, experiment) => {
    const filled = frame.querySelector('.filled');
    const { rows, columns, limits } = experiment.advice;
    const find = (metric) => columns.findIndex((candidate) => candidate.metric === metric);
    const x = find('load_max_over_mean');
    const titles = {
      cross_join_share: 'joins that cross partitions', 'moved_share.add_one': 'moved when a node is added',
      workload_fan_out_mean: 'partitions that a statement asks', bytes_max: 'bytes in the fullest partition',
      growth_load_max_over_mean: 'load of the newest tenth, max ÷ mean',
      bytes_max_estimated: 'bytes in the fullest partition, estimated' };
    const panels = Object.keys(titles).filter((metric) => find(metric) >= 0).map((metric) => [metric, find(metric), make('div', { className: 'chart' })]);
    filled.replaceChildren(make('div', { className: 'multiples wide' }, ...panels.map(([metric, , node]) =>
      make('figure', {}, make('figcaption', {}, `Balance against ${titles[metric]}`), node))));
    const listed = [];
    const layers = ['misses a limit', 'beaten by another', 'in the Pareto set', 'recommended'];
    for (const [metric, y, node] of panels) {
      const known = rows.map((row, i) => [row, i]).filter(([row]) => row.values[x] !== null && row.values[y] !== null);
      const most = assay.most.advice;
      const drawn = known.slice(0, most).map(([row, i]) => ({ name: row.name, set: row.set, why: row.why, order: i + 1,
        x: row.values[x], y: row.values[y], x_text: row.texts[x], y_text: row.texts[y], layer: layers.indexOf(row.set), size: [50, 50, 120, 240][layers.indexOf(row.set)] }));
      // The axes reach as far as what is of use, and somewhat beyond the limits; what is far out would squeeze the rest.
      const usable = drawn.filter((row) => row.layer > 0);
      const reach = (field, limit) => Math.max(1.15 * Math.max(0, ...usable.map((row) => row[field])), 1.6 * (limit || 0));
      listed.push(...drawn.map((row) => ({ ...row, panel: titles[metric] })));
      const far = [reach('x', limits.load_max_over_mean), reach('y', limits[metric])];
      const inside = usable.length ? drawn.filter((row) => row.x <= far[0] && row.y <= far[1]) : drawn;
      const beyond = drawn.length - inside.length;
      drawn.splice(0, drawn.length, ...inside);
      if (beyond) node.after(make('p', { className: 'about' }, `${beyond} more that miss a limit lie beyond these axes.`));
      if (!drawn.length) { node.replaceChildren(make('p', { className: 'about' }, 'not known here')); continue; }
      const unit = columns[y].unit;
      const loads = drawn.map((row) => row.x);
      const [divisor, prefix] = unit !== 'bytes' ? [1, '']
        : [[2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'B']].find(([size]) => Math.max(...drawn.map((row) => row.y)) >= size) || [1, 'B'];
      for (const row of drawn) row.y /= divisor;
      const heights = drawn.map((row) => row.y);
      const bound = limits[metric] === undefined ? undefined : limits[metric] / divisor;
      const logarithmic = Math.min(...loads) > 0 && Math.max(...loads) / Math.min(...loads) > 4;
      const [lowest, highest] = metric === 'cross_join_share' ? span(heights) : [0, 1.08 * Math.max(...heights, bound || 0) || 1];
      const told = drawn.filter((row) => layers.indexOf(row.set) >= 2);
      const numbers = new Map(labelled(told.length ? told : drawn.slice(0, 1), node.clientWidth, logarithmic, highest - lowest).map((row) => [row.order, row.number]));
      const placed = drawn.map((row) => ({ ...row, number: numbers.get(row.order) || '' }));
      placed.sort((a, b) => a.layer - b.layer);
      await assay.draw(node, 'advice', placed, (specification) => {
        const scale = logarithmic ? { type: 'log', padding: 20, nice: false } : { zero: false, padding: 20, nice: false };
        const style = getComputedStyle(document.documentElement);
        const colours = ['orange', 'blue', 'other', 'other'].map((name) => style.getPropertyValue(`--${name}`).trim());
        const limit = { across: bound, up: limits.load_max_over_mean };
        for (const layer of specification.layer) {
          if (layer.encoding.x) layer.encoding.x.scale = scale;
          if (layer.encoding.y) {
            layer.encoding.y.scale = { domain: [lowest, highest], nice: false, clamp: false };
            layer.encoding.y.title = titles[metric] + (prefix ? `, ${prefix}` : '') + (lowest > 0 ? ` (axis from ${Math.round(100 * lowest)} %)` : '');
            if (unit === 'share') layer.encoding.y.axis = { format: '.0%', tickCount: 5 };
          }
          if (layer.encoding.color) layer.encoding.color.scale.range = colours;
          if (layer.data) {
            const at = limit[layer.data.name];
            const inside = layer.data.name === 'up' ? at <= Math.max(...loads) : at >= lowest && at <= highest;
            layer.data.values = at !== undefined && at !== null && inside ? [{ at }] : [];
          }
        }
        specification.layer = specification.layer.filter((layer) => !layer.data || layer.data.values.length);
      });
    }
    assay.remark(filled, rows.length, Math.min(rows.length, assay.most.advice), experiment.noun);
    const best = rows.find((row) => row.set === 'recommended');
    const usable = rows.filter((row) => row.set !== 'misses a limit').length;
    assay.finish(frame, `${usable} of ${rows.length} candidates meet every limit; ${best ? `${best.name} is recommended` : 'none is recommended'}.`, [
      ['candidate', (row) => row.name], ['set', (row) => row.set], ['load max ÷ mean', (row) => row.x_text],
      ['criterion', (row) => row.panel], ['value', (row) => row.y_text], ['why not', (row) => row.why]], listed);
  };
})();
