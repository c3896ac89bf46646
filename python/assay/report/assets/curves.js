// Metrics over a parameter: as lines where it is a number, and as a heat map of contenders × values; other series too.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;
  const MOST = { rows: 60, columns: 40 };

  /** The parameter, the metric and the cells that a frame's choosers ask for; null where nothing varies. */
  function chosen(frame, experiment, p, parameters, redraw) {
    const options = parameters.map(({ name, label }) => [name, label]);
    const { over } = assay.choosers(frame, [{ name: 'over', label: 'Over', options, first: options[0][0] }], redraw);
    const parameter = parameters.find(({ name }) => name === over);
    const cells = parameter.cells(p);
    const metrics = assay.varying(experiment, cells);
    if (!metrics.length) return null;
    const { metric } = assay.choosers(frame, [{ name: 'over', label: 'Over', options, first: over },
      { name: 'metric', label: 'Metric', options: metrics.map(([column]) => [column.name, column.label]), first: metrics[0][0].name }], redraw);
    const [column, j] = metrics.find(([found]) => found.name === metric) || metrics[0];
    return { parameter, cells, column, j };
  }

  function nothing(frame, words) {
    frame.querySelector('.filled').replaceChildren(make('p', { className: 'about' }, words));
    assay.finish(frame, '', [], []);
  }

  /** The lines to draw: those of the contenders that are shown, in their order, the first eight. */
  function linesOf(cells, names) {
    return [...new Set([...names.filter((name) => cells.some(({ line }) => line === name)), ...cells.map(({ line }) => line)])];
  }

  assay.drawCurves = async (frame, experiment, p, shown, state, redraw, matches) => {
    const filled = frame.querySelector('.filled');
    const found = chosen(frame, experiment, p, assay.parametersOf(experiment).filter(({ numeric }) => numeric), redraw);
    if (!found) { nothing(frame, 'No metric varies here.'); return; }
    const { parameter, column, j } = found;
    const point = (at) => experiment.points[at];
    const cells = found.cells.filter(({ line, p: at, i }) => matches(line) && point(at).values[i][j] !== null && point(at).rows[i].status !== 'aggregated');
    const lines = linesOf(cells, shown.map((i) => point(p).rows[i].name)).filter((line) => new Set(cells.filter((cell) => cell.line === line).map(({ value }) => value)).size > 1);
    const names = lines.slice(0, assay.most.lines);
    if (!names.length) { nothing(frame, 'Nothing that is shown was measured at more than one value.'); return; }
    state.hiddenLines ||= new Set();
    const rows = cells.filter(({ line }) => names.includes(line) && !state.hiddenLines.has(line)).map(({ line, value, p: at, i }) => {
      const [low, high] = point(at).intervals[`${i}:${j}`] || [null, null];
      return { name: line, x: value, y: point(at).values[i][j], low, high, text: point(at).texts[i][j] };
    }).sort((a, b) => a.x - b.x);
    const node = make('div', { className: 'chart' });
    filled.replaceChildren(assay.legend(names, state.hiddenLines, redraw), node);
    assay.remark(filled, lines.length, names.length, experiment.noun);
    const change = names.map((name) => rows.filter((row) => row.name === name)).filter((own) => own.length > 1)
      .map((own) => `${own[0].name}: ${own[0].text} to ${own.at(-1).text}`);
    assay.finish(frame, `${column.label} from ${parameter.values[0]} to ${parameter.values.at(-1)} ${parameter.label}: ${change.slice(0, 4).join('; ')}${change.length > 4 ? '; and more' : ''}.`,
      [[experiment.noun, (row) => row.name], [parameter.label, (row) => row.x], [column.label, (row) => row.y, column.unit],
        ...(rows.some((row) => row.low !== null) ? [['low', (row) => row.low, column.unit], ['high', (row) => row.high, column.unit]] : [])], rows);
    if (rows.length) await drawLines(node, rows, names, { x: parameter.label, y: column.label, unit: column.unit });
  };

  /** One line a name with its ribbon; the axes are logarithmic where the numbers ask for it, unless they are to be even. */
  async function drawLines(node, rows, names, { x, y, unit, evenly = false }) {
    const scaled = assay.scaled(unit, rows.map((row) => row.y));
    const placed = rows.map((row) => ({ ...row, y: row.y / scaled.divisor, low: row.low === null ? null : row.low / scaled.divisor, high: row.high === null ? null : row.high / scaled.divisor }));
    const [logX, logY] = [!evenly && assay.wide(rows.map((row) => row.x), 7), !evenly && assay.wide(rows.map((row) => row.y), 30)];
    const values = [...new Set(rows.map((row) => row.x))].sort((a, b) => a - b);
    await assay.draw(node, 'curves', placed, (specification) => {
      specification.description = `${y} over ${x}, a line for each of ${names.join(', ')}.`;
      const ribbons = placed.some((row) => row.low !== null && row.high > row.low);
      for (const { encoding } of specification.layer) {
        encoding.x.scale = logX ? { type: 'log', nice: false, padding: 12 } : { zero: false, nice: false, padding: 12 };
        encoding.x.title = x;
        encoding.x.axis = { ...(values.length <= 12 ? { values } : { tickCount: 8 }), format: values.some((value) => value >= 10000) ? '~s' : '~r', labelOverlap: true, grid: false };
        encoding.y.scale = logY ? { type: 'log', nice: false, padding: 12 } : { zero: false, padding: 12 };
        if (encoding.y.field === 'y') {
          encoding.y.title = y + scaled.suffix;
          encoding.y.axis = { format: scaled.format, tickCount: 6 };
        }
        assay.dress(encoding, names);
      }
      if (!ribbons) specification.layer = specification.layer.filter((layer) => layer.mark.type !== 'area');
    });
  }

  assay.drawGrid = (frame, experiment, p, shown, state, redraw, matches) => {
    const filled = frame.querySelector('.filled');
    const found = chosen(frame, experiment, p, assay.parametersOf(experiment), redraw);
    if (!found) { nothing(frame, 'No metric varies here.'); return; }
    const { parameter, column, j } = found;
    const cells = found.cells.filter(({ line, p: at, i }) => matches(line) && experiment.points[at].rows[i].status !== 'aggregated');
    const lines = linesOf(cells, shown.map((i) => experiment.points[p].rows[i].name));
    const names = lines.slice(0, MOST.rows);
    const step = Math.ceil(parameter.values.length / MOST.columns);
    const values = parameter.values.filter((_, place) => place % step === 0);
    const known = cells.map(({ p: at, i }) => experiment.points[at].values[i][j]).filter((value) => value !== null);
    if (!known.length) { nothing(frame, 'Nothing that is shown has this number.'); return; }
    const logarithmic = assay.wide(known, 50);
    const place = (value) => (logarithmic ? Math.log(value) : value);
    const [least, most] = [place(Math.min(...known)), place(Math.max(...known))];
    const best = column.direction === 'higher' ? Math.max : Math.min;
    const tops = new Map(values.map((value) => {
      const own = cells.filter(({ p: at, i, ...cell }) => cell.value === value && !experiment.points[at].rows[i].bound).map(({ p: at, i }) => experiment.points[at].values[i][j]).filter((number) => number !== null);
      return [value, new Set(own).size > 1 ? best(...own) : null];
    }));
    const rows = [];
    const body = names.map((name) => make('tr', {}, make('th', { scope: 'row' }, make('span', { className: 'name' }, ...assay.breakable(name))), ...values.map((value) => {
      const cell = cells.find((candidate) => candidate.line === name && candidate.value === value);
      const number = cell ? experiment.points[cell.p].values[cell.i][j] : null;
      if (number === null) return make('td', {}, '–');
      rows.push({ name, value, number });
      const top = column.direction !== 'none' && number === tops.get(value) && !experiment.points[cell.p].rows[cell.i].bound;
      const box = make('td', { className: top ? 'best' : '' }, experiment.points[cell.p].texts[cell.i][j], make('span', { className: 'sign', title: top ? 'best of its column' : null }, top ? '▲' : ''));
      const shade = most > least ? (place(number) - least) / (most - least) : 0;
      box.style.background = `rgba(var(--heat), ${(0.05 + 0.4 * shade).toFixed(3)})`;
      return box;
    })));
    filled.replaceChildren(make('div', { className: body.length > 24 ? 'box tall' : 'box', tabIndex: 0, role: 'group', 'aria-label': `${column.label} by ${parameter.label}` },
      make('table', { className: 'heat' }, make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, experiment.noun),
        ...values.map((value) => make('th', { scope: 'col', className: 'number' }, typeof value === 'object' ? JSON.stringify(value) : String(value))))), make('tbody', {}, ...body))));
    assay.remark(filled, lines.length, names.length, experiment.noun);
    if (step > 1) filled.append(make('p', { className: 'about' }, `Every ${step}th of ${parameter.values.length} values is shown.`));
    assay.finish(frame, `${column.label} of ${assay.counted(names.length, experiment.noun)} at ${values.length} values of ${parameter.label}: from ${assay.format(Math.min(...known), column.unit)} to ${assay.format(Math.max(...known), column.unit)}. The darker, the greater${logarithmic ? ', by its logarithm' : ''}.`,
      [[experiment.noun, (row) => row.name], [parameter.label, (row) => String(row.value)], [column.label, (row) => row.number, column.unit]], rows);
  };

  /** Series of cells that no other frame draws: lines over labels that are numbers, else bars over positions. */
  assay.drawSeries = async (frame, experiment, p, shown, state, redraw) => {
    const filled = frame.querySelector('.filled');
    const all = Object.keys(experiment.series);
    const { name } = assay.choosers(frame, [{ name: 'name', label: 'Series', options: all.map((series) => [series, series.replaceAll('_', ' ')]), first: all[0] }], redraw);
    const series = experiment.series[name];
    const { unit, over } = experiment.series_words[name] || { unit: 'count', over: 'label' };
    const point = experiment.points[p];
    const withSeries = shown.filter((i) => series[`${p}:${i}`]);
    const numeric = withSeries.every((i) => series[`${p}:${i}`].labels.every((label) => label !== '' && Number.isFinite(Number(label))));
    const drawn = withSeries.slice(0, numeric ? assay.most.lines : assay.most.load);
    const names = drawn.map((i) => point.rows[i].name);
    state.hiddenSeries ||= new Set();
    const rows = drawn.filter((i) => !state.hiddenSeries.has(point.rows[i].name)).flatMap((i) => series[`${p}:${i}`].values.map((value, at) => ({
      name: point.rows[i].name, position: at, label: series[`${p}:${i}`].labels[at], x: Number(series[`${p}:${i}`].labels[at]), y: value, value, relative: value, low: null, high: null,
      text: assay.format(value, unit) })));
    assay.finish(frame, drawn.length ? `${name.replaceAll('_', ' ')} of ${assay.counted(drawn.length, experiment.noun)}, from ${assay.format(Math.min(...rows.map((row) => row.y)), unit)} to ${assay.format(Math.max(...rows.map((row) => row.y)), unit)}.` : '',
      [[experiment.noun, (row) => row.name], [over, (row) => row.label], ['value', (row) => row.value, unit]], rows);
    if (!drawn.length) { filled.replaceChildren(make('p', { className: 'about' }, 'Nothing that is shown has this series.')); return; }
    const labels = series[`${p}:${drawn[0]}`].labels;
    const which = labels.length <= 16 ? `: ${labels.map((label, at) => `${at} ${label}`).join(', ')}` : '';
    const what = make('p', { className: 'about' }, `${name.replaceAll('_', ' ')}, ${numeric ? `over ${over === 'label' ? 'its label' : `the ${over}`}` : `by position${which}`}`);
    if (numeric) {
      const node = make('div', { className: 'chart' });
      filled.replaceChildren(what, assay.legend(names, state.hiddenSeries, redraw), node);
      assay.remark(filled, withSeries.length, drawn.length, experiment.noun);
      if (rows.length) await drawLines(node, rows, names, { x: over, y: name.replaceAll('_', ' '), unit, evenly: over !== 'label' });
      return;
    }
    const nodes = drawn.map(() => make('div', { className: 'chart' }));
    filled.replaceChildren(what, make('div', { className: 'multiples' }, ...names.map((one, at) => make('figure', {}, make('figcaption', {}, ...assay.breakable(one)), nodes[at]))));
    assay.remark(filled, withSeries.length, drawn.length, experiment.noun);
    for (const [at, one] of names.entries()) {
      await assay.draw(nodes[at], 'load', rows.filter((row) => row.name === one), (specification) => {
        specification.description = `${name.replaceAll('_', ' ')} by position.`;
        specification.layer = specification.layer.slice(0, 1);
        specification.layer[0].encoding.tooltip = [{ field: 'label', title: 'label' }, { field: 'text', title: 'value' }];
      });
    }
  };
})();
