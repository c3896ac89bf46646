// Caches: miss-ratio curves over the capacity, policies by capacity against FIFO and OPT, and write schemes.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;
  const USUAL = ['lru', 'fifo']; // lines that are drawn wherever they were measured
  const MOST_ROWS = 60;

  const place = (experiment, name) => experiment.columns.findIndex((column) => column.name === name);

  /** The grid points that differ from the chosen one in their capacity alone, each with that number, by size. */
  function sweep(experiment, p) {
    const others = (point) => JSON.stringify(Object.entries(point.parameters).filter(([name]) => name !== 'capacity').sort());
    const wanted = others(experiment.points[p]);
    const columns = ['capacity_objects', 'capacity_bytes'].map((name) => place(experiment, name)).filter((j) => j >= 0);
    const sizeOf = (point) => columns.map((j) => point.values.map((row) => row[j]).find((value) => value !== null)).find((value) => value !== undefined);
    return experiment.points.map((point) => ({ point, size: sizeOf(point) }))
      .filter(({ point, size }) => others(point) === wanted && size !== undefined).sort((a, b) => a.size - b.size);
  }

  const inBytes = (experiment) => place(experiment, 'capacity_bytes') >= 0 && place(experiment, 'capacity_objects') < 0;
  const sized = (experiment, size) => assay.format(size, inBytes(experiment) ? 'bytes' : 'count');

  /** Which policies can be built and miss least at each size, neighbours that agree joined: {names, from, to, first, last}. */
  function regionsOf(points, j) {
    const found = [];
    for (const [at, { point, size }] of points.entries()) {
      const rows = point.rows.map((row, i) => [row, point.values[i][j]]).filter(([row, value]) => value !== null && !row.dropped && row.status !== 'aggregated');
      if (!rows.length) continue;
      const least = Math.min(...rows.map(([, value]) => value));
      const best = rows.filter(([, value]) => value === least).map(([row]) => row.name);
      const from = at ? Math.sqrt(points[at - 1].size * size) : size;
      const to = at + 1 < points.length ? Math.sqrt(points[at + 1].size * size) : size;
      const before = found.at(-1);
      const shared = before ? before.names.filter((name) => best.includes(name)) : [];
      if (shared.length) Object.assign(before, { names: shared, to, last: size });
      else found.push({ names: best, from, to, first: size, last: size });
    }
    return found;
  }

  assay.drawMissCurves = async (frame, experiment, p, shown, state, redraw, matches) => {
    const filled = frame.querySelector('.filled');
    const metrics = ['miss_ratio', 'byte_miss_ratio'].map((name) => [name, place(experiment, name)])
      .filter(([, j]) => j >= 0 && experiment.points.some((point) => point.values.some((row) => row[j] !== null)));
    const { metric } = assay.choosers(frame, [{ name: 'metric', label: 'Metric', options: metrics.map(([name, j]) => [name, experiment.columns[j].label]), first: metrics[0][0] }], redraw);
    const j = place(experiment, metric);
    const points = sweep(experiment, p).filter(({ size }, at, all) => !at || all[at - 1].size !== size); // 1% and 137 may be one
    const regions = regionsOf(points, j);
    const known = [...new Set([...shown.map((i) => experiment.points[p].rows[i].name), ...points.flatMap(({ point }) => point.rows.map(({ name }) => name))])].filter(matches);
    const bounds = points.flatMap(({ point }) => point.rows.filter(({ dropped }) => dropped).map(({ name }) => name));
    const first = [...regions.map(({ names }) => names[0]), ...USUAL, ...bounds].filter((name) => known.includes(name));
    const lines = [...new Set([...first, ...known])];
    const names = lines.slice(0, assay.most.lines);
    if (points.length < 2 || !names.length) {
      filled.replaceChildren(make('p', { className: 'about' }, 'Nothing that is shown was measured at more than one capacity.'));
      assay.finish(frame, '', [], []);
      return;
    }
    state.hiddenCaches ||= new Set();
    const rows = names.filter((name) => !state.hiddenCaches.has(name)).flatMap((name) => points.flatMap(({ point, size }) => {
      const i = point.rows.findIndex((row) => row.name === name);
      const value = i < 0 ? null : point.values[i][j];
      if (value === null) return [];
      const [low, high] = point.intervals[`${i}:${j}`] || [null, null];
      return [{ name, x: size, y: value, low, high, text: point.texts[i][j], size: sized(experiment, size) }];
    }));
    const node = make('div', { className: 'chart' });
    filled.replaceChildren(assay.legend(names, state.hiddenCaches, redraw), node);
    assay.remark(filled, lines.length, names.length, experiment.noun);
    const told = regions.map(({ names: best, first: from, last }) => `${from === last ? 'at' : `from ${sized(experiment, from)} to`} ${sized(experiment, last)} ${best.slice(0, 3).join(', ')}`);
    const floor = points[0].point.values.map((row) => row[place(experiment, 'compulsory_miss_ratio')]).find((value) => value !== null && value !== undefined);
    const least = metric === 'miss_ratio' && floor !== undefined ? ` The line at ${assay.format(floor, 'share')} is the floor: first requests of a key.` : '';
    assay.finish(frame, `Fewest misses: ${told.slice(0, 6).join('; ')}${told.length > 6 ? '; and more' : ''}.${least}`,
      [[experiment.noun, (row) => row.name], ['capacity', (row) => row.x, inBytes(experiment) ? 'bytes' : 'count'], [experiment.columns[j].label, (row) => row.y, 'share'],
        ...(rows.some((row) => row.low !== null) ? [['low', (row) => row.low, 'share'], ['high', (row) => row.high, 'share']] : [])], rows);
    if (!rows.length) return;
    const whole = Math.log(points.at(-1).size / points[0].size) || 1;
    const bands = regions.filter(({ names: [best], from, to }) => names.includes(best) && to > from).map(({ names: [best], from, to }) => ({
      name: best, from, to, middle: Math.sqrt(from * to), said: (Math.log(to / from) / whole) * (node.clientWidth - 70) > 7.5 * best.length ? best : '' }));
    await assay.draw(node, 'miss_curves', rows, (specification) => {
      specification.description = `${experiment.columns[j].label} over the capacity, a line for each of ${names.join(', ')}.`;
      const [shades, words, ground] = specification.layer;
      shades.data.values = bands;
      words.data.values = bands.filter(({ said }) => said);
      ground.data.values = least ? [{ floor }] : [];
      specification.layer = specification.layer.filter(({ data }) => !data || data.values.length);
      for (const layer of specification.layer) {
        const { encoding } = layer;
        if (encoding.x) {
          encoding.x.scale = { type: 'log', nice: false, padding: 12 };
          encoding.x.title = `capacity, ${inBytes(experiment) ? 'bytes' : 'objects'}`;
          encoding.x.axis = { values: points.map(({ size }) => size), format: inBytes(experiment) ? '.3~s' : points.at(-1).size >= 1e5 ? '.3~s' : ',', labelOverlap: true, grid: false };
        }
        if (encoding.y && encoding.y.field) encoding.y.scale = { zero: false, padding: 12 };
        if (encoding.y && encoding.y.field === 'y') {
          encoding.y.title = experiment.columns[j].label;
          encoding.y.axis = { format: assay.scaled('share', rows.map((row) => row.y)).format, tickCount: 6 };
        }
        assay.dress(encoding, names);
      }
      if (!rows.some((row) => row.low !== null && row.high > row.low)) specification.layer = specification.layer.filter((layer) => layer.mark.type !== 'area');
    });
  };

  /** Policies × capacities, once against FIFO and once against OPT; blue is fewer misses, orange more. */
  assay.drawSizes = (frame, experiment, p, shown, state, redraw, matches) => {
    const filled = frame.querySelector('.filled');
    const points = sweep(experiment, p);
    const names = [...new Set([...shown.map((i) => experiment.points[p].rows[i].name), ...points.flatMap(({ point }) => point.rows.map(({ name }) => name))])].filter(matches).slice(0, MOST_ROWS);
    const listed = [];
    const tables = ['improvement_over_fifo', 'distance_to_opt'].filter((name) => points.some(({ point }) => point.values.some((row) => (row[place(experiment, name)] ?? null) !== null))).map((name) => {
      const j = place(experiment, name);
      const column = experiment.columns[j];
      const valueOf = (point, contender) => {
        const i = point.rows.findIndex((row) => row.name === contender && row.status !== 'aggregated');
        return i < 0 ? [null, '–', false] : [point.values[i][j], point.texts[i][j], Boolean(point.rows[i].dropped)];
      };
      const all = points.flatMap(({ point }) => names.map((contender) => valueOf(point, contender)[0])).filter((value) => value !== null);
      const sorted = all.map(Math.abs).sort((a, b) => a - b);
      const most = Math.max(1e-9, sorted[Math.floor(0.85 * (sorted.length - 1))] ?? 0); // one that is far off pales no other
      const body = names.map((contender) => make('tr', {}, make('th', { scope: 'row' }, make('span', { className: 'name' }, ...assay.breakable(contender))), ...points.map(({ point, size }) => {
        const [value, text] = valueOf(point, contender);
        if (value === null) return make('td', {}, '–');
        listed.push({ name: contender, size, metric: column.label, value });
        const rivals = names.map((one) => valueOf(point, one)).filter(([number, , dropped]) => number !== null && !dropped).map(([number]) => number);
        const top = new Set(rivals).size > 1 && value === (column.direction === 'higher' ? Math.max(...rivals) : Math.min(...rivals));
        const box = make('td', { className: top ? 'best' : '' }, text, make('span', { className: 'sign', title: top ? 'best of its column' : null }, top ? '▲' : ''));
        const shade = 4 + 36 * Math.min(1, Math.abs(value) / most);
        box.style.background = `color-mix(in srgb, var(--${(value < 0) === (column.direction === 'higher') ? 'orange' : 'blue'}) ${shade.toFixed(1)}%, transparent)`;
        return box;
      })));
      return make('figure', {}, make('figcaption', {}, column.label), make('div', { className: body.length > 24 ? 'box tall' : 'box', tabIndex: 0, role: 'group', 'aria-label': `${column.label} by capacity` },
        make('table', { className: 'heat' }, make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, experiment.noun),
          ...points.map(({ point, size }) => make('th', { scope: 'col', className: 'number' }, String(point.parameters.capacity ?? sized(experiment, size)),
            typeof point.parameters.capacity === 'string' ? make('small', {}, sized(experiment, size)) : '')))), make('tbody', {}, ...body))));
    });
    filled.replaceChildren(...tables);
    assay.finish(frame, 'A darker blue against FIFO is a larger part of its misses avoided; orange has more misses than FIFO, or is as far from OPT as its shade is dark.',
      [[experiment.noun, (row) => row.name], ['capacity', (row) => row.size, inBytes(experiment) ? 'bytes' : 'count'], ['metric', (row) => row.metric], ['value', (row) => row.value, 'share']], listed);
  };

  /** The write schemes at the capacity of the chosen grid point: what each costs, and in words what it loses. */
  assay.drawWrites = (frame, experiment, p, shown, state, redraw, matches) => {
    const filled = frame.querySelector('.filled');
    const apart = ['write', 'coherence'];
    const others = (point) => JSON.stringify(Object.entries(point.parameters).filter(([name]) => !apart.includes(name)).sort());
    const points = experiment.points.filter((point) => others(point) === others(experiment.points[p]));
    const names = [...new Set(points.flatMap((point) => point.rows.map(({ name }) => name)))].filter(matches);
    if (!names.length) { filled.replaceChildren(make('p', { className: 'about' }, 'Nothing that is shown was simulated with writes.')); return; }
    const best = (points[0].rows.find((row) => row.best) || points[0].rows[0]).name;
    const { policy } = assay.choosers(frame, [{ name: 'policy', label: 'Policy', options: names.map((name) => [name, name]), first: names.includes(best) ? best : names[0] }], redraw);
    const at = (name) => place(experiment, name);
    const bound = (point, i, j, side) => (point.intervals[`${i}:${j}`] || [null, null])[side];
    const rows = points.flatMap((point) => {
      const i = point.rows.findIndex((row) => row.name === policy);
      if (i < 0 || (point.values[i][at('lost_writes')] ?? null) === null) return [];
      const number = (name) => (at(name) < 0 ? null : point.values[i][at(name)]);
      const text = (name) => (at(name) < 0 ? '–' : point.texts[i][at(name)]);
      const most = bound(point, i, at('lost_writes'), 1) ?? number('lost_writes');
      const lost = most ? `a crash loses ${assay.format(number('lost_writes'), 'count')} acknowledged writes on average, ${assay.format(most, 'count')} at most` : 'a crash loses no acknowledged write';
      const stale = number('stale_reads') ? `${text('stale_read_share')} of the reads are told something no longer true` : 'no read was out of date';
      const undone = number('lost_updates') ? `; ${assay.format(number('lost_updates'), 'count')} writes of others are undone by late flushes` : '';
      return [{ scheme: String(point.parameters.write ?? 'as it was'), coherence: point.parameters.coherence, number, text, words: `${lost}; ${stale}${undone}.`, most }];
    });
    if (!rows.length) { filled.replaceChildren(make('p', { className: 'about' }, 'Nothing that is shown was simulated with writes.')); return; }
    const metrics = ['read_miss_ratio', 'origin_reads', 'origin_writes', 'write_amplification', 'writes_coalesced', 'modelled_latency_mean', 'modelled_latency_p99', 'lost_writes', 'stale_reads']
      .filter((name) => rows.some((row) => row.number(name) !== null)).map((name) => experiment.columns[at(name)]);
    const kinds = rows.some((row) => row.coherence !== undefined);
    const body = rows.map((row) => make('tr', {}, make('th', { scope: 'row' }, make('span', { className: 'name' }, ...assay.breakable(row.scheme)), kinds ? make('small', {}, `coherence ${row.coherence}`) : ''),
      make('td', { className: 'words' }, row.words), ...metrics.map((column) => {
        const known = rows.map((one) => one.number(column.name)).filter((value) => value !== null);
        const top = column.direction !== 'none' && new Set(known).size > 1 && row.number(column.name) === (column.direction === 'higher' ? Math.max(...known) : Math.min(...known));
        return make('td', { className: top ? 'number best' : 'number' }, row.text(column.name), make('span', { className: 'sign', title: top ? 'best of its column' : null }, top ? '▲' : ''));
      })));
    filled.replaceChildren(make('div', { className: 'box', tabIndex: 0, role: 'group', 'aria-label': 'Write schemes' }, make('table', { className: 'writes-table' },
      make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'write scheme'), make('th', { scope: 'col' }, 'in words'), ...metrics.map((column) => make('th', { scope: 'col', className: 'number' }, column.label)))),
      make('tbody', {}, ...body))));
    assay.finish(frame, `${policy}: ${rows.map((row) => `${row.scheme}: ${row.words}`).slice(0, 4).join(' ')}`,
      [['write scheme', (row) => row.scheme], ['coherence', (row) => row.coherence ?? null], ...metrics.map((column) => [column.label, (row) => row.number(column.name), column.unit]), ['most that a crash loses', (row) => row.most, 'count']], rows);
  };
})();
