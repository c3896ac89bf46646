// Hands each chart the rows of the chosen grid point. The specifications come from the page.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;
  const specifications = JSON.parse(document.getElementById('specifications').textContent);
  const MOST = { load: 12, bars: 24, trade_off: 150, advice: 400, shared_scale: 4 };

  /** Chart colours and type, read from the page's style so that both follow the theme. */
  function theme() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const text = { labelColor: colour('ink'), titleColor: colour('ink'), labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 };
    return {
      background: null,
      font: getComputedStyle(document.body).fontFamily,
      lineBreak: '\n',
      axis: { ...text, gridColor: colour('line'), domainColor: colour('line'), tickColor: colour('line') },
      legend: { ...text, labelLimit: 400 },
      view: { stroke: null },
      bar: { color: colour('blue') },
      point: { color: colour('blue') },
      text: { color: colour('ink'), fontSize: 12 },
      range: { category: [colour('blue'), colour('other')] },
      style: { reference: { color: colour('orange'), fill: colour('orange'), strokeWidth: 2 },
        alone: { color: colour('blue'), strokeWidth: 2 }, so_far: { color: colour('quiet'), strokeWidth: 1.5 }, interval: { color: colour('blue'), opacity: 0.55 },
        limit: { color: colour('quiet'), strokeWidth: 1.5 } },
    };
  }

  async function draw(node, name, rows, adjust) {
    const specification = structuredClone(specifications[name]);
    specification.data = { name: 'rows', values: rows };
    specification.config = theme();
    if (adjust) adjust(specification);
    const dark = getComputedStyle(document.documentElement).colorScheme === 'dark';
    try {
      await vegaEmbed(node, specification, {
        mode: 'vega-lite',
        renderer: 'svg',
        ast: true,
        expr: vegaInterpreter.expressionInterpreter,
        tooltip: { theme: dark ? 'dark' : 'light' },
        actions: { export: true, source: false, compiled: false, editor: false },
        downloadFileName: `assay-${name}`,
      });
    } catch (error) {
      node.replaceChildren(make('p', { className: 'failed' }, `This chart could not be drawn: ${error.message}`));
      console.error(error);
    }
  }

  /** A name in lines that fit beside a chart of this width. */
  function wrap(name, pixels) {
    const most = Math.max(12, Math.floor(pixels / 7.2));
    const lines = [''];
    for (const part of assay.parts(name)) {
      if (lines[lines.length - 1] && (lines[lines.length - 1] + part).length > most) lines.push('');
      lines[lines.length - 1] += part;
      while (lines[lines.length - 1].length > most) {
        const long = lines.pop();
        lines.push(long.slice(0, most), long.slice(most));
      }
    }
    return lines.filter((line) => line).join('\n');
  }

  /** Room for all names: a line's height grows with the longest wrapped name. */
  const roomy = (rows) => (specification) => {
    const lines = Math.max(...rows.map((row) => row.shown.split('\n').length));
    specification.height = rows.length * Math.max(24, 15 * lines + 6);
  };

  function remark(filled, shown, drawn, noun) {
    if (drawn < shown) filled.append(make('p', { className: 'about' }, `${drawn} of ${shown} shown: filter by the name of a ${noun} to see others.`));
  }

  Object.assign(assay, { draw, remark, labelled, most: MOST });

  const column = (experiment, name) => experiment.columns.findIndex((candidate) => candidate.name === name);
  const at = (point, i, j) => (j < 0 ? null : point.values[i][j]);

  assay.drawLoad = async (frame, experiment, point, shown) => {
    const filled = frame.querySelector('.filled');
    const withLoad = shown.filter((i) => point.load[i]);
    const drawn = withLoad.slice(0, MOST.load);
    // Where capacities differ, each bar counts against its node's own fair share.
    const relative = ({ values, fair, mean }) => values.map((value, place) => value / ((fair ? fair[place] : mean) || 1));
    const peaks = new Map(drawn.map((i) => [i, Math.max(...relative(point.load[i]))]));
    // One scale makes them comparable; a contender far above it has its own, or it would flatten the others.
    const shared = Math.max(1.2, ...[...peaks.values()].filter((peak) => peak <= MOST.shared_scale));
    const charts = drawn.map((i) => {
      const load = point.load[i];
      const shares = relative(load);
      const rows = load.values.map((value, position) => ({
        position: position * load.size, label: load.labels[position], value, relative: shares[position] }));
      return [make('div', { className: 'chart' }), rows, i];
    });
    filled.replaceChildren(make('div', { className: 'multiples' }, ...charts.map(([node, , i]) =>
      make('figure', {}, make('figcaption', {}, ...assay.breakable(point.rows[i].name),
        peaks.get(i) > shared ? make('small', {}, ` own scale, up to ${peaks.get(i).toFixed(1)}`) : ''), node))));
    if (!withLoad.length) filled.append(make('p', { className: 'about' }, 'No load was recorded for what is shown.'));
    remark(filled, withLoad.length, drawn.length, experiment.noun);
    for (const [node, rows, i] of charts) {
      await draw(node, 'load', rows, (specification) => {
        specification.layer[0].encoding.y.scale = { domain: [0, Math.max(shared, peaks.get(i))], nice: true };
      });
    }
  };

  /** What happens to the nodes, and how many there are before and after. */
  function change(candidate, n) {
    const words = { add_one: ['a node more', n + 1], remove_one: ['a node less', n - 1], replace_one: ['a node replaced', n], double: ['twice the nodes', 2 * n] };
    const [said, after] = words[candidate.name.replace('moved_share.', '')] || [candidate.label.replace(/^moved: /, ''), null];
    return n && after && after !== n ? `${said}: ${n} → ${after}` : said;
  }

  assay.drawMovement = async (frame, experiment, point, shown) => {
    const filled = frame.querySelector('.filled');
    const actions = experiment.columns.filter((candidate) => candidate.name.startsWith('moved_share.'));
    const drawn = shown.slice(0, MOST.bars);
    const charts = actions.map((candidate) => [candidate, make('div', { className: 'chart' })]);
    filled.replaceChildren(make('div', { className: 'multiples wide' }, ...charts.map(([candidate, node]) =>
      make('figure', {}, make('figcaption', {}, change(candidate, point.partitions)), node))));
    remark(filled, shown.length, drawn.length, experiment.noun);
    for (const [candidate, node] of charts) {
      const share = column(experiment, candidate.name);
      const ratio = column(experiment, candidate.name.replace('moved_share', 'moved_over_optimum'));
      // What equal shares need is the same for all: where nothing moves, it is known from another.
      const mover = point.rows.findIndex((row, i) => at(point, i, ratio));
      const least = mover < 0 ? null : at(point, mover, share) / at(point, mover, ratio);
      const rows = drawn.filter((i) => at(point, i, share) !== null).map((i) => {
        const moved = at(point, i, share);
        const over = at(point, i, ratio);
        const optimum = over ? moved / over : over === 0 ? least : null;
        return { name: point.rows[i].name, shown: wrap(point.rows[i].name, node.clientWidth * 0.42), share: moved, optimum, ratio: over,
          end: Math.max(moved, optimum || 0), words: over === null ? point.texts[i][share] : `${point.texts[i][ratio]} ×` };
      });
      if (rows.length) {
        await draw(node, 'movement', rows, (specification) => {
          roomy(rows)(specification);
          // Room for the number at the end of the longest bar.
          const taken = 64 / Math.max(160, node.clientWidth * 0.56);
          specification.layer[0].encoding.x.scale = { domain: [0, Math.max(0.05, ...rows.map((row) => row.end)) / (1 - taken)], nice: false };
        });
      }
      else node.replaceChildren(make('p', { className: 'about' }, 'not applicable here'));
    }
  };

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

  /** From 0 to 1, or the part of it that holds the values, where they all lie far from 0. */
  function span(values) {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    if (least < 0.3) return [0, 1];
    const margin = 0.3 * Math.max(0.1, most - least);
    return [Math.floor(20 * (least - margin)) / 20, Math.min(1, Math.ceil(20 * (most + margin)) / 20)];
  }

  assay.drawTradeOff = async (frame, experiment, point, shown) => {
    const filled = frame.querySelector('.filled');
    const [x, y, bytes] = ['load_max_over_mean', 'cross_join_share', 'routing_bytes'].map((name) => column(experiment, name));
    const known = shown.filter((i) => at(point, i, x) !== null && at(point, i, y) !== null);
    const drawn = known.slice(0, MOST.trade_off);
    const rows = drawn.map((i, place) => ({ name: point.rows[i].name, order: place + 1, x: at(point, i, x), y: at(point, i, y),
      bytes: at(point, i, bytes) || 0, bytes_text: bytes < 0 ? '–' : point.texts[i][bytes],
      set: point.rows[i].pareto ? 'in the Pareto set' : 'beaten by another' }));
    const node = make('div', { className: 'chart' });
    const key = make('ol', { className: 'key', tabIndex: 0 }, ...drawn.map((i) =>
      make('li', { className: point.rows[i].pareto ? 'pareto' : '' }, ...assay.breakable(point.rows[i].name), point.rows[i].pareto ? ' ★' : '')));
    filled.replaceChildren(make('div', { className: 'beside' }, node, key));
    remark(filled, known.length, drawn.length, experiment.noun);
    if (!rows.length) { filled.replaceChildren(make('p', { className: 'about' }, 'Nothing that is shown has both numbers.')); return; }
    const least = Math.min(...rows.map((row) => row.x));
    const logarithmic = least > 0 && Math.max(...rows.map((row) => row.x)) / least > 8;
    const [lowest, highest] = span(rows.map((row) => row.y));
    await draw(node, 'trade_off', labelled(rows, node.clientWidth, logarithmic, highest - lowest), (specification) => {
      for (const { encoding } of specification.layer) {
        if (logarithmic) encoding.x.scale = { type: 'log', padding: 24, nice: false };
        encoding.y.scale = { domain: [lowest, highest], padding: lowest > 0 ? 0 : 18, nice: false };
        if (lowest > 0) encoding.y.title += ` (axis from ${Math.round(100 * lowest)} %)`;
      }
    });
  };

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
    const layers = ['misses a limit', 'beaten by another', 'in the Pareto set', 'recommended'];
    for (const [metric, y, node] of panels) {
      const known = rows.map((row, i) => [row, i]).filter(([row]) => row.values[x] !== null && row.values[y] !== null);
      const most = MOST.advice;
      const drawn = known.slice(0, most).map(([row, i]) => ({ name: row.name, set: row.set, why: row.why, order: i + 1,
        x: row.values[x], y: row.values[y], x_text: row.texts[x], y_text: row.texts[y], layer: layers.indexOf(row.set), size: [50, 50, 120, 240][layers.indexOf(row.set)] }));
      // The axes reach as far as what is of use, and somewhat beyond the limits; what is far out would squeeze the rest.
      const usable = drawn.filter((row) => row.layer > 0);
      const reach = (field, limit) => Math.max(1.15 * Math.max(0, ...usable.map((row) => row[field])), 1.6 * (limit || 0));
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
      await draw(node, 'advice', placed, (specification) => {
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
    remark(filled, rows.length, Math.min(rows.length, MOST.advice), experiment.noun);
  };

  assay.drawTiming = async (frame, experiment, point, shown) => {
    const filled = frame.querySelector('.filled');
    const timed = experiment.columns.map((candidate, j) => [candidate, j]).filter(([candidate]) => candidate.kind === 'timed');
    const drawn = shown.slice(0, MOST.bars);
    const charts = timed.map(([candidate, j]) => [candidate, j, make('div', { className: 'chart' })]);
    filled.replaceChildren(make('div', { className: 'multiples wide' }, ...charts.map(([candidate, , node]) =>
      make('figure', {}, make('figcaption', {}, candidate.label), node))));
    remark(filled, shown.length, drawn.length, experiment.noun);
    for (const [candidate, j, node] of charts) {
      const rows = drawn.filter((i) => point.values[i][j] !== null).map((i) => {
        const value = point.values[i][j];
        const [low, high, lowText, highText] = point.intervals[`${i}:${j}`] || [value, value, null, null];
        return { name: point.rows[i].name, shown: wrap(point.rows[i].name, node.clientWidth * 0.42), value, low, high,
          text: point.texts[i][j], interval: lowText ? `${lowText} to ${highText}` : 'not known' };
      });
      if (!rows.length) { node.replaceChildren(make('p', { className: 'about' }, 'not measured here')); continue; }
      const values = rows.map((row) => row.value);
      const [divisor, unit] = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']].find(([size]) => Math.max(...values) >= size) || [1, 'ns'];
      for (const row of rows) for (const name of ['value', 'low', 'high']) row[name] /= candidate.unit === 'ns' ? divisor : 1;
      const scale = Math.max(...values) / Math.max(1e-9, Math.min(...values)) > 20 ? { type: 'log' } : { zero: true };
      await draw(node, 'timing', rows, (specification) => {
        roomy(rows)(specification);
        for (const layer of specification.layer) layer.encoding.x.scale = scale;
        if (scale.type === 'log') {
          const [first, last] = [Math.floor(Math.log10(Math.min(...values) / divisor)), Math.ceil(Math.log10(Math.max(...values) / divisor))];
          specification.layer[1].encoding.x.axis = { values: Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i)) };
        }
        for (const layer of specification.layer) layer.encoding.x.title = candidate.unit === 'ns' ? unit : candidate.unit;
      });
    }
  };
})();
