// The kept rounds of timed cells: how they are distributed, and whether they drift or depend on the order.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;
  const BINS = 32;

  const labelOf = (experiment, name) => (experiment.columns.find((column) => column.name === name) || { label: name.replace(/_ns$/, '').replaceAll('_', ' ') }).label;

  /** The timed metric that a frame shows, and the contenders that have rounds of it. */
  function timed(frame, experiment, p, shown, redraw, more = []) {
    const metrics = Object.keys(experiment.samples);
    const chosen = assay.choosers(frame, [{ name: 'metric', label: 'Metric', options: metrics.map((name) => [name, labelOf(experiment, name)]), first: metrics[0] }, ...more], redraw);
    const cells = experiment.samples[chosen.metric];
    return { ...chosen, cells, known: shown.filter((i) => cells[`${p}:${i}`]) };
  }

  function nothing(frame) {
    frame.querySelector('.filled').replaceChildren(make('p', { className: 'about' }, 'Nothing that is shown has kept rounds here.'));
    assay.finish(frame, '', [], []);
  }

  const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];

  /** Steps of the share of rounds at or below each time. */
  function cumulative(name, sorted) {
    return sorted.map((ns, at) => ({ name, x: ns, y: (at + 1) / sorted.length, text: assay.format(ns, 'ns') }));
  }

  /** Shares of rounds in bins of equal width on the axis, as steps. */
  function binned(name, sorted, least, most, logarithmic) {
    const to = (value) => (logarithmic ? Math.log(value) : value);
    const back = (value) => (logarithmic ? Math.exp(value) : value);
    const width = (to(most) - to(least)) / BINS || 1;
    const counts = new Array(BINS).fill(0);
    for (const ns of sorted) counts[Math.min(BINS - 1, Math.floor((to(ns) - to(least)) / width))] += 1;
    return counts.map((count, bin) => ({ name, x: back(to(least) + bin * width), y: count / sorted.length, text: `from ${assay.format(back(to(least) + bin * width), 'ns')}` }));
  }

  assay.drawSamples = async (frame, experiment, p, shown, state, redraw) => {
    const filled = frame.querySelector('.filled');
    const point = experiment.points[p];
    const { metric, form, cells, known } = timed(frame, experiment, p, shown, redraw,
      [{ name: 'form', label: 'As', options: [['cumulative', 'share at or below (ECDF)'], ['histogram', 'histogram']], first: 'cumulative' }]);
    if (!known.length) { nothing(frame); return; }
    const drawn = known.slice(0, assay.most.lines);
    const names = drawn.map((i) => point.rows[i].name);
    state.hiddenSamples ||= new Set();
    const sorted = new Map(drawn.map((i) => [point.rows[i].name, cells[`${p}:${i}`].flatMap(({ ns }) => ns).sort((a, b) => a - b)]));
    const visible = names.filter((name) => !state.hiddenSamples.has(name));
    const all = visible.flatMap((name) => sorted.get(name));
    const node = make('div', { className: 'chart' });
    filled.replaceChildren(assay.legend(names, state.hiddenSamples, redraw), node);
    assay.remark(filled, known.length, drawn.length, experiment.noun);
    const facts = visible.map((name) => {
      const own = sorted.get(name);
      return { name, rounds: own.length, least: own[0], p25: quantile(own, 0.25), middle: assay.median(own), p75: quantile(own, 0.75), p99: quantile(own, 0.99), most: own.at(-1) };
    });
    const spread = [...facts].sort((a, b) => b.p75 / b.p25 - a.p75 / a.p25)[0];
    assay.finish(frame, !facts.length ? '' : `${labelOf(experiment, metric)}, the minimum of each round: widest between quartiles is ${spread.name}, ${assay.format(spread.p25, 'ns')} to ${assay.format(spread.p75, 'ns')}.`,
      [[experiment.noun, (row) => row.name], ['rounds', (row) => row.rounds], ['least', (row) => row.least, 'ns'], ['p25', (row) => row.p25, 'ns'], ['median', (row) => row.middle, 'ns'],
        ['p75', (row) => row.p75, 'ns'], ['p99', (row) => row.p99, 'ns'], ['greatest', (row) => row.most, 'ns']], facts);
    if (!all.length) return;
    const [least, most] = [Math.min(...all), Math.max(...all)];
    const logarithmic = assay.wide(all, 4);
    const scaled = assay.scaled('ns', all);
    const rows = visible.flatMap((name) => (form === 'histogram' ? binned(name, sorted.get(name), least, most, logarithmic) : cumulative(name, sorted.get(name))))
      .map((row) => ({ ...row, x: row.x / scaled.divisor }));
    await assay.draw(node, 'samples', rows, (specification) => {
      specification.description = `Distribution of ${labelOf(experiment, metric)} over the rounds, a line for each of ${visible.join(', ')}.`;
      for (const { encoding } of specification.layer) {
        encoding.x.scale = logarithmic ? { type: 'log', nice: false, padding: 8 } : { zero: false, nice: false, padding: 8 };
        encoding.x.title = labelOf(experiment, metric) + scaled.suffix;
        encoding.x.axis = { format: '~r', tickCount: 8, labelOverlap: true, grid: !logarithmic };
        encoding.y.title = form === 'histogram' ? 'share of the rounds' : 'share of the rounds at or below';
        assay.dress(encoding, names);
      }
    });
  };

  /** How later rounds compare with earlier ones, and those that ran late in their round's order with those that ran early. */
  function effects(processes) {
    const thirds = processes.flatMap(({ ns }) => {
      const size = Math.floor(ns.length / 3);
      return size ? [assay.median(ns.slice(-size)) / assay.median(ns.slice(0, size))] : [];
    });
    const placed = processes.flatMap(({ ns, position }) => ns.map((value, at) => ({ value: value / assay.median(ns), at: position[at] })));
    placed.sort((a, b) => a.at - b.at);
    const size = Math.floor(placed.length / 3);
    const order = size > 2 && placed.at(-1).at > placed[0].at
      ? assay.median(placed.slice(-size).map(({ value }) => value)) / assay.median(placed.slice(0, size).map(({ value }) => value)) : null;
    return { drift: thirds.length ? assay.median(thirds) : null, order };
  }

  const percent = (ratio) => (ratio === null ? '–' : `${ratio >= 1 ? '+' : '−'}${Math.abs(100 * (ratio - 1)).toFixed(1)} %`);

  assay.drawDrift = async (frame, experiment, p, shown, state, redraw) => {
    const filled = frame.querySelector('.filled');
    const point = experiment.points[p];
    const { metric, cells, known } = timed(frame, experiment, p, shown, redraw);
    if (!known.length) { nothing(frame); return; }
    const drawn = known.slice(0, assay.most.load);
    const processes = [...new Set(drawn.flatMap((i) => cells[`${p}:${i}`].map(({ process }) => process)))].sort((a, b) => a - b);
    const names = processes.map((process) => `process ${process + 1}`);
    const found = drawn.map((i) => ({ i, name: point.rows[i].name, middle: assay.median(cells[`${p}:${i}`].flatMap(({ ns }) => ns)), ...effects(cells[`${p}:${i}`]) }));
    const nodes = drawn.map(() => make('div', { className: 'chart' }));
    const strokes = assay.strokes(names.length);
    const key = make('p', { className: 'legend' }, ...names.flatMap((name, at) => {
      const sign = make('span', { className: 'swatch' }, strokes[at].sign);
      sign.style.color = strokes[at].colour;
      return [sign, ` ${name}  `];
    }));
    filled.replaceChildren(key, make('div', { className: 'multiples' }, ...found.map(({ name, drift }, at) =>
      make('figure', {}, make('figcaption', {}, ...assay.breakable(name), make('small', { className: 'fact' }, `late ÷ early ${percent(drift)}`)), nodes[at]))));
    assay.remark(filled, known.length, drawn.length, experiment.noun);
    const rows = found.flatMap(({ i, name, middle }) => cells[`${p}:${i}`].flatMap(({ process, ns, position }) => ns.map((value, round) => ({
      contender: name, name: `process ${process + 1}`, x: round + 1, y: value / middle, ns: value, text: assay.format(value, 'ns'), order: position[round] + 1 }))));
    const worst = [...found].filter(({ drift }) => drift !== null).sort((a, b) => Math.abs(Math.log(b.drift)) - Math.abs(Math.log(a.drift)))[0];
    const late = [...found].filter(({ order }) => order !== null).sort((a, b) => Math.abs(Math.log(b.order)) - Math.abs(Math.log(a.order)))[0];
    assay.finish(frame, `${labelOf(experiment, metric)}. ${worst ? `Last third of the rounds against the first: at most ${percent(worst.drift)} (${worst.name}). ` : ''}`
      + (late ? `Late in a round's order against early: at most ${percent(late.order)} (${late.name}).` : ''),
    [[experiment.noun, (row) => row.contender], ['process', (row) => row.name], ['round', (row) => row.x], ['place in the order', (row) => row.order], ['time', (row) => row.ns, 'ns'],
      ['÷ median', (row) => row.y, 'ratio']], rows);
    // One scale makes drifts comparable; the few rounds far beyond it are drawn at its edge.
    const beyond = rows.map((row) => row.y).sort((a, b) => a - b);
    const reach = [Math.min(0.98, quantile(beyond, 0.01)), Math.max(1.02, quantile(beyond, 0.98))];
    for (const [at, { name }] of found.entries()) {
      await assay.draw(nodes[at], 'drift', rows.filter((row) => row.contender === name), (specification) => {
        specification.description = `Time of each round over the median, a line for each process, in the order in which they ran.`;
        for (const { encoding } of specification.layer) {
          if (encoding.y && encoding.y.field) encoding.y.scale = { domain: reach, clamp: true, nice: true, zero: false };
          assay.dress(encoding, names);
        }
      });
    }
  };

  /** The latency that a share `q` of the operations does not exceed, from buckets. */
  function percentile({ upper, counts }, q) {
    const wanted = q * counts.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (const [at, count] of counts.entries()) {
      seen += count;
      if (seen >= wanted) return upper[at];
    }
    return upper.at(-1);
  }

  /** Tails of single operations: the share that took longer than a latency. */
  assay.drawLatency = async (frame, experiment, p, shown, state, redraw) => {
    const filled = frame.querySelector('.filled');
    const all = Object.keys(experiment.latencies);
    const { metric } = assay.choosers(frame, [{ name: 'metric', label: 'Operation', options: all.map((name) => [name, labelOf(experiment, name)]), first: all[0] }], redraw);
    const cells = experiment.latencies[metric];
    const known = shown.filter((i) => cells[`${p}:${i}`]);
    if (!known.length) { nothing(frame); return; }
    const drawn = known.slice(0, assay.most.lines);
    const names = drawn.map((i) => experiment.points[p].rows[i].name);
    state.hiddenLatencies ||= new Set();
    const facts = drawn.map((i, at) => ({ name: names[at], cell: cells[`${p}:${i}`] })).filter(({ name }) => !state.hiddenLatencies.has(name))
      .map(({ name, cell }) => ({ name, cell, operations: cell.counts.reduce((sum, count) => sum + count, 0), ...Object.fromEntries([0.5, 0.9, 0.99, 0.999].map((q) => [`p${q}`, percentile(cell, q)])), most: cell.upper.at(-1) }));
    const node = make('div', { className: 'chart' });
    filled.replaceChildren(assay.legend(names, state.hiddenLatencies, redraw), node);
    assay.remark(filled, known.length, drawn.length, experiment.noun);
    const worst = [...facts].sort((a, b) => b['p0.999'] - a['p0.999'])[0];
    assay.finish(frame, !worst ? '' : `${labelOf(experiment, metric)}: the longest tail is that of ${worst.name}: half within ${assay.format(worst['p0.5'], 'ns')}, one in a thousand beyond ${assay.format(worst['p0.999'], 'ns')}.`,
      [[experiment.noun, (row) => row.name], ['operations', (row) => row.operations], ['p50', (row) => row['p0.5'], 'ns'], ['p90', (row) => row['p0.9'], 'ns'],
        ['p99', (row) => row['p0.99'], 'ns'], ['p99.9', (row) => row['p0.999'], 'ns'], ['longest', (row) => row.most, 'ns']], facts);
    if (!facts.length) return;
    const ends = facts.flatMap(({ cell }) => [cell.upper[0], cell.upper.at(-1)]);
    const scaled = assay.scaled('ns', ends);
    const rows = facts.flatMap(({ name, cell, operations }) => {
      let left = operations;
      return cell.upper.map((ns, at) => {
        left -= cell.counts[at];
        return { name, x: Math.max(ns, 1) / scaled.divisor, y: left / operations, text: assay.format(ns, 'ns') };
      }).filter((row) => row.y > 0);
    });
    await assay.draw(node, 'samples', rows, (specification) => {
      specification.description = `Share of operations of ${labelOf(experiment, metric)} that took longer, a line for each of ${names.join(', ')}.`;
      for (const { encoding } of specification.layer) {
        encoding.x.scale = { type: 'log', nice: false, padding: 8 };
        encoding.x.title = labelOf(experiment, metric) + scaled.suffix;
        encoding.x.axis = { format: '~r', tickCount: 8, labelOverlap: true, grid: false };
        encoding.y.scale = { type: 'log', nice: false, padding: 4 };
        const decades = Math.ceil(-Math.log10(Math.min(...rows.map((row) => row.y))));
        encoding.y.axis = { format: '~p', values: Array.from({ length: decades + 1 }, (_, power) => 10 ** -power) };
        encoding.y.title = 'share of operations that took longer';
        encoding.tooltip[2].format = '.3~p';
        assay.dress(encoding, names);
      }
    });
  };
})();
