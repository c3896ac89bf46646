// Load, movement and timing of one grid point.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;

  const column = (experiment, name) => experiment.columns.findIndex((candidate) => candidate.name === name);
  const at = (point, i, j) => (j < 0 ? null : point.values[i][j]);

  assay.drawLoad = async (frame, experiment, point, shown) => {
    const filled = frame.querySelector('.filled');
    const withLoad = shown.filter((i) => (point.load || [])[i]);
    const drawn = withLoad.slice(0, assay.most.load);
    // Where capacities differ, each bar counts against its node's own fair share.
    const relative = ({ values, fair, mean }) => values.map((value, place) => value / ((fair ? fair[place] : mean) || 1));
    const peaks = new Map(drawn.map((i) => [i, Math.max(...relative(point.load[i]))]));
    // One scale makes them comparable; a contender far above it has its own, or it would flatten the others.
    const shared = Math.max(1.2, ...[...peaks.values()].filter((peak) => peak <= assay.most.shared_scale));
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
    assay.remark(filled, withLoad.length, drawn.length, experiment.noun);
    for (const [node, rows, i] of charts) {
      await assay.draw(node, 'load', rows, (specification) => {
        specification.layer[0].encoding.y.scale = { domain: [0, Math.max(shared, peaks.get(i))], nice: true };
      });
    }
    const order = [...peaks].sort((a, b) => a[1] - b[1]);
    assay.finish(frame, !order.length ? '' : `Most even: ${point.rows[order[0][0]].name}, whose fullest holds ${order[0][1].toFixed(3)} × its fair part; `
      + `least even of those drawn: ${point.rows[order.at(-1)[0]].name}, ${order.at(-1)[1].toFixed(3)} ×.`,
    [[experiment.noun, (row) => row.name], ['partition', (row) => row.label], ['load', (row) => row.value], ['load ÷ mean', (row) => row.relative, 'ratio']],
    charts.flatMap(([, rows, i]) => rows.map((row) => ({ ...row, name: point.rows[i].name }))));
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
    const drawn = shown.slice(0, assay.most.bars);
    const listed = [];
    const charts = actions.map((candidate) => [candidate, make('div', { className: 'chart' })]);
    filled.replaceChildren(make('div', { className: 'multiples wide' }, ...charts.map(([candidate, node]) =>
      make('figure', {}, make('figcaption', {}, change(candidate, point.partitions)), node))));
    assay.remark(filled, shown.length, drawn.length, experiment.noun);
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
        return { name: point.rows[i].name, shown: assay.wrap(point.rows[i].name, node.clientWidth * 0.42), share: moved, optimum, ratio: over,
          end: Math.max(moved, optimum || 0), words: over === null ? point.texts[i][share] : `${point.texts[i][ratio]} ×` };
      });
      if (rows.length) {
        await assay.draw(node, 'movement', rows, (specification) => {
          assay.roomy(rows)(specification);
          // Room for the number at the end of the longest bar.
          const taken = 64 / Math.max(160, node.clientWidth * 0.56);
          specification.layer[0].encoding.x.scale = { domain: [0, Math.max(0.05, ...rows.map((row) => row.end)) / (1 - taken)], nice: false };
        });
      }
      else node.replaceChildren(make('p', { className: 'about' }, 'not applicable here'));
      listed.push(...rows.map((row) => ({ ...row, change: change(candidate, point.partitions) })));
    }
    const least = listed.filter((row) => row.change === (listed[0] || {}).change).sort((a, b) => a.share - b.share);
    assay.finish(frame, !least.length ? '' : `${least[0].change}: ${least[0].name} moves least, ${assay.format(least[0].share, 'share')}; `
      + `${least.at(-1).name} most, ${assay.format(least.at(-1).share, 'share')}.`,
    [[experiment.noun, (row) => row.name], ['change', (row) => row.change], ['moved', (row) => row.share, 'share'],
      ['least that must move', (row) => row.optimum, 'share'], ['moved ÷ that', (row) => row.ratio, 'ratio']], listed);
  };

  assay.drawTiming = async (frame, experiment, point, shown) => {
    const filled = frame.querySelector('.filled');
    const all = experiment.columns.map((candidate, j) => [candidate, j]).filter(([candidate]) => candidate.kind === 'timed');
    const timed = all.filter(([, j]) => shown.some((i) => point.values[i][j] !== null));
    const absent = all.filter((one) => !timed.includes(one)).map(([candidate]) => candidate.label);
    const drawn = shown.slice(0, assay.most.bars);
    const listed = [];
    const charts = timed.map(([candidate, j]) => [candidate, j, make('div', { className: 'chart' })]);
    filled.replaceChildren(make('div', { className: 'multiples wide' }, ...charts.map(([candidate, , node]) =>
      make('figure', {}, make('figcaption', {}, candidate.label), node))));
    if (absent.length) filled.append(make('p', { className: 'about' }, `Not measured here: ${absent.join(', ')}.`));
    assay.remark(filled, shown.length, drawn.length, experiment.noun);
    for (const [candidate, j, node] of charts) {
      const rows = drawn.filter((i) => point.values[i][j] !== null).map((i) => {
        const value = point.values[i][j];
        const [low, high] = point.intervals[`${i}:${j}`] || [value, value];
        return { name: point.rows[i].name, shown: assay.wrap(point.rows[i].name, node.clientWidth * 0.42), value, low, high,
          text: point.texts[i][j], interval: low < high ? `${assay.format(low, candidate.unit)} to ${assay.format(high, candidate.unit)}` : 'not known' };
      });
      if (!rows.length) { node.replaceChildren(make('p', { className: 'about' }, 'not measured here')); continue; }
      listed.push(...rows.map((row) => ({ ...row, metric: candidate.label, unit: candidate.unit })));
      const values = rows.map((row) => row.value);
      const [divisor, unit] = candidate.unit !== 'ns' ? [1, candidate.unit]
        : [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']].find(([size]) => Math.max(...values) >= size) || [1, 'ns'];
      for (const row of rows) for (const name of ['value', 'low', 'high']) row[name] /= divisor;
      // What takes no time at all, or may, has no place on a logarithmic axis; near 0 this one is even.
      const positive = values.filter((value) => value > 0);
      const least = Math.min(...positive) / divisor;
      const wide = positive.length > 1 && assay.wide(positive);
      const zero = rows.some((row) => Math.min(row.value, row.low) <= 0);
      const scale = !wide ? { zero: true } : zero ? { type: 'symlog', constant: least } : { type: 'log' };
      await assay.draw(node, 'timing', rows, (specification) => {
        assay.roomy(rows)(specification);
        for (const layer of specification.layer) layer.encoding.x.scale = scale;
        if (wide) {
          const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(Math.max(...values) / divisor))];
          specification.layer[1].encoding.x.axis = { values: [...(zero ? [0] : []), ...Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i))], labelOverlap: true, format: ',~r' };
        }
        for (const layer of specification.layer) layer.encoding.x.title = unit;
      });
    }
    const first = listed.filter((row) => row.metric === (listed[0] || {}).metric).sort((a, b) => a.value - b.value);
    assay.finish(frame, !first.length ? '' : `${first[0].metric}: ${first[0].name} is lowest, ${first[0].text}; ${first.at(-1).name} highest, ${first.at(-1).text}.`,
      [[experiment.noun, (row) => row.name], ['metric', (row) => row.metric], ['estimate', (row) => row.text],
        ['95 % interval', (row) => row.interval]], listed);
  };
})();
