// Indexes in tables: each query with the index that answers it soonest, and each index with what it gains, costs and loses.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make, indexNumber: value, indexNote: note } = assay;
  const NONE = 'scan';
  const LEFT = ' left to the scan'; // how the note of a read's time ends
  const TIE = 1.1; // a loss in words is a tenth or more
  const LISTED = 4;

  const list = (names) => (names.length > LISTED ? `${names.slice(0, LISTED).join(', ')} and ${names.length - LISTED} more` : names.join(', '));
  const ns = (number) => assay.format(number, 'ns');

  /** The operations of a point by name: how each is spelled, and its share of all. */
  function operationsOf(experiment, point) {
    return new Map((point.parameters.queries || experiment.fixed.queries || []).map((text) => {
      const [equals, colon] = [text.indexOf('='), text.lastIndexOf(':')];
      return [text.slice(0, equals), { spelling: text.slice(equals + 1, colon), share: Number(text.slice(colon + 1)) }];
    }));
  }

  function empty(frame, words) {
    frame.querySelector('.filled').replaceChildren(make('p', { className: 'about' }, words));
    assay.finish(frame, '', [], []);
  }

  /** Each query of the workload, over the indexes of all columns at the rows, order and threads of the chosen grid point. */
  assay.drawIndexQueries = (frame, experiment, p, matches) => {
    const others = (point) => JSON.stringify(Object.entries(point.parameters).filter(([name]) => name !== 'column').sort());
    const points = experiment.points.filter((point) => others(point) === others(experiment.points[p]));
    const keys = new Set(points.map((point) => point.parameters.column));
    const operations = operationsOf(experiment, experiment.points[p]);
    const queries = experiment.columns.filter(({ name }) => name.startsWith('query_ns.')).map(({ name }) => name.slice(9));
    const cells = points.flatMap((point) => point.rows.map((row, i) => ({ point, i, row, index: row.name, column: point.parameters.column,
      name: row.name === NONE || keys.size < 2 ? row.name : `${row.name} on ${point.parameters.column}` })))
      .filter(({ row }) => row.status !== 'aggregated' && (row.name === NONE || matches(row.name)));
    const rows = queries.map((query) => {
      const known = cells.map((cell) => ({ ...cell, time: value(experiment, cell.point, cell.i, `query_ns.${query}`) }));
      const timed = known.filter(({ time }) => time !== null).sort((a, b) => a.time - b.time);
      const scan = timed.find(({ index }) => index === NONE);
      const indexes = timed.filter(({ index }) => index !== NONE);
      const left = known.filter(({ time, point, i, index }) => time === null && index !== NONE
        && note(experiment, point, i, 'read_ns').replace(LEFT, '').split(', ').includes(query));
      return { query, ...(operations.get(query) || {}), timed, scan, best: timed[0], indexes, left };
    }).filter(({ timed }) => timed.length);
    if (!rows.length) { empty(frame, 'Nothing that is shown was timed here.'); return; }
    for (const row of rows) row.words = inWords(row);
    const body = rows.map((row) => make('tr', {}, make('th', { scope: 'row' }, make('span', { className: 'name' }, row.query), row.spelling ? make('small', {}, ...assay.breakable(row.spelling)) : ''),
      make('td', { className: 'number' }, row.share === undefined ? '–' : assay.format(row.share, 'share')),
      make('td', { className: 'index' }, ...assay.breakable(row.best.name)), make('td', { className: 'number' }, ns(row.best.time)),
      make('td', { className: 'number' }, row.scan ? ns(row.scan.time) : '–'), make('td', { className: 'words' }, row.words)));
    const heads = [['query', ''], ['of all operations', 'number'], ['soonest', 'index'], ['time', 'number'], ['scan', 'number'], ['in words', '']];
    const decisions = make('div', { className: 'box', tabIndex: 0, role: 'group', 'aria-label': 'The index of each query' }, make('table', { className: 'writes-table' },
      make('thead', {}, make('tr', {}, ...heads.map(([text, className]) => make('th', { scope: 'col', className }, text)))), make('tbody', {}, ...body)));
    frame.querySelector('.filled').replaceChildren(decisions, matrix(cells, rows));
    const lost = rows.filter(({ best }) => best.index === NONE).map(({ query }) => query);
    assay.finish(frame, `${rows.slice(0, LISTED).map(({ query, best }) => `${query}: ${best.name}`).join('; ')}${rows.length > LISTED ? '; and more' : ''}.${lost.length ? ` No index is cheaper than a scan for ${list(lost)}.` : ''}`,
      [['query', (row) => row.query], ['index', (row) => row.name], ['time', (row) => row.time, 'ns'], ['over the soonest', (row) => row.time / row.least, 'ratio']],
      rows.flatMap(({ query, timed, best }) => timed.map(({ name, time }) => ({ query, name, time, least: best.time }))));
  };

  function inWords({ best, scan, indexes, left }) {
    const parts = [];
    if (best.index === NONE) {
      parts.push(indexes.length ? `no index helps: ${indexes[0].name}, the best of them, takes ${assay.times(indexes[0].time / best.time)} times as long as the scan` : 'only the scan answers it');
    } else {
      if (scan) parts.push(`${assay.times(scan.time / best.time)} times faster than a scan`);
      if (indexes.length > 1) parts.push(indexes[1].time < TIE * best.time ? `${indexes[1].name} is as good as equal` : `then ${indexes[1].name}, ${assay.times(indexes[1].time / best.time)} times as long`);
      const slower = scan ? indexes.filter(({ time }) => time > TIE * scan.time) : [];
      if (slower.length) parts.push(`slower than a scan: ${list(slower.map(({ name, time }) => `${name} (${assay.times(time / scan.time)} times)`))}`);
    }
    if (left.length) parts.push(`left to the scan by ${list(left.map(({ name }) => name))}`);
    return `${parts.join('; ')}.`;
  }

  /** Indexes × queries; the darker, the more times the soonest's. */
  function matrix(cells, rows) {
    const names = [...new Set(cells.map(({ name }) => name))].filter((name) => rows.some(({ timed }) => timed.some((cell) => cell.name === name)));
    const most = Math.log(Math.max(2, ...rows.flatMap(({ timed, best }) => timed.map(({ time }) => time / best.time))));
    const body = names.map((name) => make('tr', {}, make('th', { scope: 'row' }, make('span', { className: 'name' }, ...assay.breakable(name))), ...rows.map(({ timed, best }) => {
      const cell = timed.find((one) => one.name === name);
      if (!cell) return make('td', {}, '–');
      const top = cell.name === best.name;
      const box = make('td', { className: top ? 'best' : '' }, ns(cell.time), make('span', { className: 'sign', title: top ? 'soonest' : null }, top ? '▲' : ''));
      box.style.background = `rgba(var(--heat), ${(0.03 + 0.4 * Math.log(cell.time / best.time) / most).toFixed(3)})`;
      return box;
    })));
    return make('figure', {}, make('figcaption', {}, 'Time of each query with each index; the darker, the longer'), make('div', { className: body.length > 24 ? 'box tall' : 'box', tabIndex: 0, role: 'group', 'aria-label': 'Time of each query with each index' },
      make('table', { className: 'heat' }, make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'index'), ...rows.map(({ query }) => make('th', { scope: 'col', className: 'number' }, query)))), make('tbody', {}, ...body))));
  }

  /** Each index of the chosen grid point: what it gains, costs, and loses. */
  assay.drawIndexWords = (frame, experiment, p, shown) => {
    const point = experiment.points[p];
    const number = (i, name) => value(experiment, point, i, name);
    const rows = shown.filter((i) => point.rows[i].name !== NONE && point.rows[i].status !== 'aggregated' && number(i, 'read_ns') !== null).map((i) => {
      const words = note(experiment, point, i, 'break_even_reads.none');
      const base = point.rows.findIndex((row) => row.name === (assay.indexBaseline(words) || NONE));
      return { i, name: point.rows[i].name, base, baseline: base < 0 ? null : point.rows[base].name, words };
    }).filter(({ words }) => words); // an engine without an index is one of those that others are compared with
    if (!rows.length) { empty(frame, 'Nothing that is shown was timed here.'); return; }
    for (const row of rows) Object.assign(row, { gains: gainsOf(number, row), pays: paysOf(experiment, point, number, row), loses: losesOf(experiment, point, number, row) });
    const body = rows.map((row) => make('tr', { className: point.rows[row.i].best ? 'recommended' : '' }, make('th', { scope: 'row' }, make('span', { className: 'name' }, ...assay.breakable(row.name))),
      ...['gains', 'pays', 'loses'].map((part) => make('td', { className: 'words' }, row[part]))));
    frame.querySelector('.filled').replaceChildren(make('div', { className: body.length > 24 ? 'box tall' : 'box', tabIndex: 0, role: 'group', 'aria-label': 'Each index in words' }, make('table', { className: 'writes-table' },
      make('thead', {}, make('tr', {}, ...[experiment.noun, 'gains and costs', 'pays', 'loses'].map((text) => make('th', { scope: 'col' }, text)))), make('tbody', {}, ...body))));
    assay.finish(frame, rows.slice(0, 2).map(({ name, gains, pays }) => `${name}: ${gains} ${pays}`).join(' '),
      [[experiment.noun, (row) => row.name], ['gains and costs', (row) => row.gains], ['pays', (row) => row.pays], ['loses', (row) => row.loses]], rows);
  };

  function gainsOf(number, { i, base, baseline }) {
    const [read, write] = ['read_ns', 'write_ns'].map((name) => [number(i, name), base < 0 ? null : number(base, name)]);
    const parts = [];
    if (read[1] !== null) {
      const ratio = read[1] / read[0];
      parts.push(ratio >= TIE ? `Reads ${assay.times(ratio)} times faster than with ${baseline}` : ratio > 1 / TIE ? `Reads as with ${baseline}` : `Reads ${assay.times(1 / ratio)} times slower than with ${baseline}`);
    }
    const bytes = number(i, 'bytes_per_row');
    if (bytes !== null) parts.push(`${assay.times(bytes)} bytes a row`);
    if (write[0] !== null && write[1] !== null) parts.push(`a write ${ns(Math.abs(write[0] - write[1]))} ${write[0] > write[1] ? 'dearer' : 'cheaper'}`);
    return parts.length ? `${parts.join('; ')}.` : '–';
  }

  function paysOf(experiment, point, number, { i, words }) {
    const reads = number(i, 'break_even_reads.none');
    if (reads === null || reads === 0) {
      const said = words.replace(/^against .+?: /, '');
      return said ? `${said[0].toUpperCase()}${said.slice(1)}.` : '–';
    }
    const direct = number(i, 'break_even_reads_direct.none');
    const agreement = note(experiment, point, i, 'break_even_over_direct.none');
    return `${words.includes('up to') ? 'Up to' : 'From'} ${assay.mixWords(reads)}${direct ? `; measured directly: ${assay.mixWords(direct)}` : ''}${agreement ? ` (${agreement})` : ''}.`;
  }

  function losesOf(experiment, point, number, { i, base, baseline }) {
    const parts = [];
    const slower = experiment.columns.filter(({ name }) => name.startsWith('query_ns.')).map(({ name }) => [name.slice(9), number(i, name), base < 0 ? null : number(base, name)])
      .filter(([, own, other]) => own !== null && other !== null && own > TIE * other);
    if (slower.length) parts.push(`slower than ${baseline}: ${list(slower.map(([name, own, other]) => `${name} (${assay.times(own / other)} times)`))}`);
    const left = note(experiment, point, i, 'read_ns');
    if (left.endsWith(LEFT)) parts.push(`leaves ${left.slice(0, -LEFT.length)} to the scan`);
    const worst = experiment.columns.map((column, j) => [column, j]).filter(([{ key, name }, j]) => key && point.marks[i][j] < 0 && !/^(workload_ns|read_ns|write_ns|read_speedup|memory_bytes|break_even)/.test(name)).map(([{ label }]) => label);
    if (worst.length) parts.push(`worst of all: ${list(worst)}`);
    return parts.length ? `${parts.join('; ')}.`.replace(/^./, (letter) => letter.toUpperCase()) : 'Nothing by a tenth or more.';
  }
})();
