// Timed contenders beside their baseline: the ratio, its interval, the noise floor's band, and the verdict in words.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;

  const SIGNS = { better: '▼ better', worse: '▲ worse', same: '= same', unclear: '? unclear' };

  /** A ratio as people read it. */
  const times = (ratio) => `${ratio < 0.1 ? ratio.toPrecision(2) : ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(1)} ×`;

  assay.drawRatios = async (frame, experiment, p, shown, state, redraw) => {
    const filled = frame.querySelector('.filled');
    const label = (name) => (experiment.columns.find((column) => column.name === name) || { label: name.replaceAll('_', ' ') }).label;
    const metrics = Object.keys(experiment.ratios);
    const { metric } = assay.choosers(frame, [{ name: 'metric', label: 'Metric', options: metrics.map((name) => [name, label(name)]), first: metrics[0] }], redraw);
    const { baseline, baseline_parameters: parameters, floor, cells } = experiment.ratios[metric];
    const point = experiment.points[p];
    const found = shown.filter((i) => cells[`${p}:${i}`]).map((i) => ({ i, name: point.rows[i].name, ...cells[`${p}:${i}`] }));
    found.sort((a, b) => a.ratio - b.ratio);
    const drawn = found.slice(0, assay.most.bars);
    const where = Object.entries(JSON.parse(parameters || '{}')).filter(([name]) => name in point.parameters).map(([name, value]) => `${name} ${value}`).join(', ');
    const against = `${baseline}${where && experiment.points.length > 1 ? ` (${where})` : ''}`;
    if (!drawn.length) {
      filled.replaceChildren(make('p', { className: 'about' }, `Nothing that is shown was timed beside the baseline, ${against}.`));
      assay.finish(frame, '', [], []);
      return;
    }
    const band = floor && floor > 1 ? floor : null;
    const rows = drawn.map((row) => ({ ...row, low: row.low ?? row.ratio, high: row.high ?? row.ratio,
      verdict_text: SIGNS[row.verdict] || row.verdict, text: times(row.ratio),
      interval: row.low === undefined ? 'not known' : `${times(row.low)} to ${times(row.high)}`,
      evidence: `${row.processes ?? '?'} processes, ${row.rounds ?? '?'} rounds` }));
    const node = make('div', { className: 'chart' });
    filled.replaceChildren(make('p', { className: 'about' }, `Baseline: ${against}, the line at 1. Left of it is faster. `
      + (band ? `The band is the noise floor: the baseline against itself came as far as ${(100 * (band - 1)).toFixed(band < 1.01 ? 2 : 1)} %.` : 'The noise floor was not measured.')), node);
    assay.remark(filled, found.length, drawn.length, experiment.noun);
    const counts = Object.keys(SIGNS).map((verdict) => [verdict, found.filter((row) => row.verdict === verdict).length]).filter(([, count]) => count);
    assay.finish(frame, `${label(metric)}, ${found.length} against ${against}: ${counts.map(([verdict, count]) => `${count} ${verdict}`).join(', ')}.`,
      [[experiment.noun, (row) => row.name], ['ratio', (row) => row.ratio, 'ratio'], ['low', (row) => row.low, 'ratio'], ['high', (row) => row.high, 'ratio'],
        ['verdict', (row) => row.verdict], ['evidence', (row) => row.evidence]], rows);
    const width = node.clientWidth;
    for (const row of rows) {
      row.shown = assay.wrap(row.name, width * 0.36);
      row.said = `${row.verdict_text} · ${row.text}${row.verdict === 'unclear' && row.rounds_needed ? `, ${row.rounds_needed} more rounds?` : ''}`;
    }
    const [least, most] = [Math.min(...rows.map((row) => row.low), 1 / (band || 1)), Math.max(...rows.map((row) => row.high), band || 1)];
    // Room for the verdict's words to the right of the widest interval; the axis is logarithmic, as ratios are.
    const taken = Math.min(0.6, (rows.some((row) => row.said.includes('more')) ? 240 : 130) / Math.max(200, width * 0.6));
    const reach = Math.max(Math.log(most / least), 0.05);
    const domain = [least * Math.exp(-0.06 * reach), most * Math.exp(0.06 * reach + (reach * taken) / (1 - taken))];
    await assay.draw(node, 'ratios', rows, (specification) => {
      specification.description = `Ratio of each ${experiment.noun} to ${against} with its interval. ${frame.querySelector('.in-words').textContent}`;
      assay.roomy(rows)(specification);
      const [first, last] = [Math.log10(least), Math.log10(most)];
      const steps = last - first > 1.2 ? [1, 3] : last - first > 0.5 ? [1, 2, 5] : null;
      const ticks = steps ? Array.from({ length: Math.ceil(last) - Math.floor(first) + 1 }, (_, k) => Math.floor(first) + k)
        .flatMap((power) => steps.map((step) => step * 10 ** power)).filter((tick) => tick >= domain[0] && tick <= most * 1.2) : undefined;
      specification.layer[0].data.values = [{ from: 1 / (band || 1), to: band || 1 }];
      for (const { encoding } of specification.layer) {
        if (!encoding.x) continue;
        encoding.x.scale = { type: 'log', domain, nice: false };
        encoding.x.axis = { ...(ticks ? { values: ticks } : { tickCount: 5 }), format: '~r', labelOverlap: true };
        encoding.x.title = 'times the baseline';
      }
    });
  };
})();
