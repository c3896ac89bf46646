// Indexes: the cost of an operation over the share of reads with the mixes from which each pays, and times against sizes.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;
  const STEPS = 96; // points of a line; it is smooth on logarithmic axes
  const POWERS = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5];
  const [LEAST, MOST] = [1e-5, 1e5]; // reads for each write, beyond which nothing is drawn

  const place = (experiment, name) => experiment.columns.findIndex((column) => column.name === name);
  const value = (experiment, point, i, name) => { const j = place(experiment, name); return j < 0 ? null : point.values[i][j]; };
  const note = (experiment, point, i, name) => point.notes[`${i}:${place(experiment, name)}`] || '';
  const interval = (experiment, point, i, name) => point.intervals[`${i}:${place(experiment, name)}`] || [null, null];
  Object.assign(assay, { indexNumber: value, indexNote: note });

  /** What an index was compared with, from the note of its break-even: `against scan: pays …`. */
  assay.indexBaseline = (words) => { const found = /^against (.+?): /.exec(words); return found ? found[1] : null; };

  /** A mix as people say it: 3 reads for each write, one read for 500 writes. */
  assay.mixWords = (reads) => {
    const digits = (number) => (number >= 100 ? Math.round(number).toLocaleString('en-US') : String(Number(number.toPrecision(3))));
    if (!(reads > 0)) return 'no read at all';
    if (digits(reads) === '1' || digits(1 / reads) === '1') return 'one read for each write';
    return reads > 1 ? `${digits(reads)} reads for each write` : `one read for ${digits(1 / reads)} writes`;
  };

  const share = (reads) => { // with as many nines as tell it from all
    const rest = 1 / (1 + reads);
    const digits = Math.max(0, Math.ceil(-Math.log10(Math.min(rest, 1 - rest))) - 1);
    return `${(100 * (1 - rest)).toFixed(Math.min(4, digits))} %`;
  };

  const at = (line, reads) => (reads * line.read + line.write) / (1 + reads);

  /** Which line is the lowest from where to where: {name, from, to}, by the mixes at which two lines cross. */
  function regionsOf(lines, from, to) {
    const crossings = [from, to];
    for (const a of lines) {
      for (const b of lines) {
        const reads = (b.write - a.write) / (a.read - b.read);
        if (reads > from && reads < to) crossings.push(reads);
      }
    }
    crossings.sort((a, b) => a - b);
    const found = [];
    for (let i = 1; i < crossings.length; i += 1) {
      const [low, high] = [crossings[i - 1], crossings[i]];
      if (low === high) continue;
      const middle = Math.sqrt(low * high);
      const best = lines.reduce((least, line) => (at(line, middle) < at(least, middle) ? line : least));
      if (found.length && found.at(-1).name === best.name) found.at(-1).to = high;
      else found.push({ name: best.name, from: low, to: high });
    }
    return found;
  }

  assay.drawIndexCosts = async (frame, experiment, p, shown, state, redraw) => {
    const filled = frame.querySelector('.filled');
    const point = experiment.points[p];
    const lines = shown.filter((i) => point.rows[i].status !== 'aggregated').map((i) => ({ i, name: point.rows[i].name,
      read: value(experiment, point, i, 'read_ns'), write: value(experiment, point, i, 'write_ns') })).filter(({ read, write }) => read !== null && write !== null);
    if (!lines.length) {
      filled.replaceChildren(make('p', { className: 'about' }, 'Nothing that is shown was timed here.'));
      assay.finish(frame, '', [], []);
      return;
    }
    const own = point.parameters.read_share ?? experiment.fixed.read_share;
    const mix = own > 0 && own < 1 ? own / (1 - own) : null;
    const crossed = lines.map((line) => ({ ...line, reads: value(experiment, point, line.i, 'break_even_reads.none'), words: note(experiment, point, line.i, 'break_even_reads.none') }))
      .filter(({ reads }) => reads !== null && reads > 0);
    const inside = (reads) => Math.min(MOST, Math.max(LEAST, reads));
    const ends = [...crossed.map(({ reads }) => inside(reads)), mix ?? 1, 1];
    const [from, to] = [inside(10 ** Math.floor(Math.log10(Math.min(...ends)) - 0.5)), inside(10 ** Math.ceil(Math.log10(Math.max(...ends)) + 0.5))];
    const engines = lines.filter(({ i }) => note(experiment, point, i, 'write_ns').includes('own writes among them'));
    const apart = lines.filter((line) => !engines.includes(line)); // an engine's writes are those of the table too
    const mixed = engines.length > 0 && apart.some(({ name }) => name !== 'scan');
    const regions = regionsOf(mixed ? apart : engines.length ? engines : lines, from, to);
    // The scan, the winners, then the cheapest at the workload's mix.
    const order = [...(mixed ? apart : engines.length ? engines : lines)].sort((a, b) => at(a, mix ?? 1) - at(b, mix ?? 1)).map(({ name }) => name);
    const sorted = [...new Set([...regions.map(({ name }) => name), ...lines.filter(({ name }) => name === 'scan').map(({ name }) => name), ...order, ...lines.map(({ name }) => name)])];
    const names = sorted.slice(0, assay.most.lines);
    state.hiddenIndexes ||= new Set();
    const drawn = lines.filter(({ name }) => names.includes(name) && !state.hiddenIndexes.has(name));
    const rows = drawn.flatMap((line) => Array.from({ length: STEPS + 1 }, (_, step) => {
      const x = from * (to / from) ** (step / STEPS);
      return { name: line.name, x, y: at(line, x) };
    }));
    const known = new Map(lines.map((line) => [line.name, line]));
    const marks = crossed.filter(({ name }) => drawn.some((line) => line.name === name)).map((line) => {
      const j = 'break_even_reads_direct.none';
      const [low, high] = interval(experiment, point, line.i, j);
      const base = known.get(assay.indexBaseline(line.words));
      const direct = value(experiment, point, line.i, j);
      return { ...line, x: line.reads, y: at(base || line, line.reads), kind: base ? base.name : 'no index', direct, low, high,
        text: `${assay.mixWords(line.reads)} (${share(line.reads)} reads)` };
    });
    const placed = marks.filter(({ x }) => x >= from && x <= to);
    const node = make('div', { className: 'chart' });
    filled.replaceChildren(assay.legend(names, state.hiddenIndexes, redraw), node);
    assay.remark(filled, sorted.length, names.length, experiment.noun);
    const beyond = marks.filter(({ x }) => x < from || x > to);
    if (beyond.length) filled.append(make('p', { className: 'about' }, `Beyond the chart: ${beyond.map(({ name, text }) => `${name} at ${text}`).join('; ')}.`));
    if (engines.length) {
      filled.append(make('p', { className: 'about' }, 'An engine keeps the table too: its writes are those of table and index, and its mark is where it costs what the same engine does without an index. The structures’ writes are those of the index alone, so that engines and structures are not told apart by who is cheapest.'));
    }
    const told = regions.map(({ name, from: first, to: last }) => (regions.length === 1 ? `${name} at every mix drawn` : first === from ? `${name} up to ${share(last)} reads` : last === to ? `${name} from ${share(first)} on` : `${name} from ${share(first)} to ${share(last)}`));
    const best = order.length && mix !== null ? ` At the workload’s ${share(mix)} reads: ${order[0]}, ${assay.format(at(known.get(order[0]), mix), 'ns')} an operation${order.length > 1 ? `, then ${order[1]}, ${assay.format(at(known.get(order[1]), mix), 'ns')}` : ''}.` : '';
    assay.finish(frame, `Cheapest${mixed ? ', engines apart' : engines.length ? ' engine' : ''}: ${told.slice(0, 6).join('; ')}${told.length > 6 ? '; and more' : ''}.${best}`,
      [[experiment.noun, (row) => row.name], ['read', (row) => row.read, 'ns'], ['write', (row) => row.write, 'ns'],
        ['at the workload’s mix', (row) => (mix === null ? null : at(row, mix)), 'ns'],
        ['pays', (row) => { const i = crossed.find(({ name }) => name === row.name); return i ? `${/up to/.test(i.words) ? 'up to' : 'from'} ${assay.mixWords(i.reads)}` : note(experiment, point, row.i, 'break_even_reads.none').replace(/^against .+?: /, '') || null; }],
        ['measured directly', (row) => { const direct = value(experiment, point, row.i, 'break_even_reads_direct.none'); return direct ? assay.mixWords(direct) : null; }]], lines);
    if (!rows.length) return;
    const whole = Math.log(to / from);
    const bands = regions.filter(({ name }) => names.includes(name)).map(({ name, from: first, to: last }) => ({ name, from: first, to: last, middle: Math.sqrt(first * last),
      said: (Math.log(last / first) / whole) * (node.clientWidth - 80) > 7.5 * name.length ? name : '' }));
    const ys = [...rows, ...placed].map(({ y }) => y).filter((y) => y > 0);
    const low = Math.min(...ys.filter((y) => y >= Math.max(...ys) / 1e9));
    await assay.draw(node, 'index_costs', rows.filter(({ y }) => y > 0), (specification) => {
      specification.description = `Time of an operation over the share of reads, a line for each of ${names.join(', ')}. ${frame.querySelector('.in-words').textContent}`;
      const [shades, words, rule, said, , bars, points] = specification.layer;
      shades.data.values = bands;
      words.data.values = bands.filter((band) => band.said);
      rule.data.values = mix !== null && mix >= from && mix <= to ? [{ at: mix }] : [];
      said.data.values = rule.data.values.map((one) => ({ ...one, said: `${share(mix)} reads` }));
      if (rule.data.values.length && Math.log(mix / from) / whole > 0.8) Object.assign(said.mark, { align: 'right', dx: -5 });
      bars.data.values = placed.filter((mark) => mark.low !== null && mark.high !== null && mark.high > 0).map((mark) => ({ ...mark, low: inside(Math.max(from, mark.low)), high: inside(Math.min(to, mark.high)) }));
      points.data.values = placed;
      specification.layer = specification.layer.filter(({ data }) => !data || data.values.length);
      for (const { encoding } of specification.layer) {
        encoding.x.scale = { type: 'log', nice: false, domain: [from, to] };
        encoding.x.title = 'share of operations that read';
        if (encoding.x.axis) encoding.x.axis.values = POWERS.map((power) => 10 ** power).flatMap((reads) => (reads === 1 ? [1] : [reads < 1 ? reads / (1 - reads) : reads - 1])).filter((reads) => reads >= from && reads <= to);
        if (encoding.y && encoding.y.field) {
          encoding.y.scale = { type: 'log', nice: false, domain: [low / 1.3, 2.2 * Math.max(...ys)] };
          encoding.y.title = 'time of an operation';
          if (encoding.y.axis) encoding.y.axis.values = powersWithin(low / 1.3, 2.2 * Math.max(...ys));
        }
        assay.dress(encoding, names);
      }
    });
  };

  /** Powers of ten, or where there are few also 2 and 5 times them. */
  function powersWithin(low, high) {
    const tens = Array.from({ length: 22 }, (_, power) => 10 ** (power - 3));
    const found = tens.filter((number) => number >= low && number <= high);
    return found.length >= 3 ? found : tens.flatMap((number) => [number, 2 * number, 5 * number]).filter((number) => number >= low && number <= high);
  }

  const BYTES = { bytes: 'bytes of the index', rows: 'rows' };

  /** Times over the number of rows, or over the index's bytes with what the processor's caches hold shaded. */
  assay.drawIndexSizes = async (frame, experiment, p, shown, state, redraw, matches) => {
    const filled = frame.querySelector('.filled');
    const others = (point) => JSON.stringify(Object.entries(point.parameters).filter(([name]) => name !== 'rows').sort());
    const points = experiment.points.filter((point) => others(point) === others(experiment.points[p]));
    const usable = experiment.columns.filter(({ name, unit }) => unit === 'ns' && /^(lookup_|range_|query_|ordered_|insert_|update_|delete_|build_)/.test(name)
      && points.some((point) => point.rows.some((_, i) => value(experiment, point, i, name) !== null)));
    if (points.length < 2 || !usable.length) {
      filled.replaceChildren(make('p', { className: 'about' }, 'Nothing that is shown was timed at more than one number of rows.'));
      assay.finish(frame, '', [], []);
      return;
    }
    const { metric, over } = assay.choosers(frame, [
      { name: 'metric', label: 'Time', options: usable.map(({ name, label }) => [name, label]), first: usable.some(({ name }) => name === 'lookup_ns.hit') ? 'lookup_ns.hit' : usable[0].name },
      { name: 'over', label: 'Over', options: Object.entries(BYTES), first: 'bytes' }], redraw);
    const column = experiment.columns[place(experiment, metric)];
    const across = over === 'bytes' ? 'memory_bytes' : 'rows_indexed';
    const all = points.flatMap((point) => point.rows.map((row, i) => ({ name: row.name, status: row.status, x: value(experiment, point, i, across), y: value(experiment, point, i, metric),
      rows: value(experiment, point, i, 'rows_indexed'), bytes: value(experiment, point, i, 'memory_bytes'), text: point.texts[i][place(experiment, metric)],
      low: interval(experiment, point, i, metric)[0], high: interval(experiment, point, i, metric)[1] }))).filter(({ name, status, y }) => status !== 'aggregated' && y > 0 && matches(name));
    const sized = all.filter(({ x }) => x > 0);
    const listed = [...new Set([...shown.map((i) => experiment.points[p].rows[i].name), ...sized.map(({ name }) => name)])].filter((name) => sized.some((row) => row.name === name));
    const names = listed.slice(0, assay.most.lines);
    const without = [...new Set(all.filter(({ x }) => !(x > 0)).map(({ name }) => name))];
    if (!names.length) {
      filled.replaceChildren(make('p', { className: 'about' }, 'Nothing that is shown has this time and takes memory; choose rows above.'));
      assay.finish(frame, '', [], []);
      return;
    }
    state.hiddenSizes ||= new Set();
    const rows = sized.filter(({ name }) => names.includes(name) && !state.hiddenSizes.has(name)).sort((a, b) => a.x - b.x)
      .map((row) => ({ ...row, size: `${assay.counted(row.rows, 'row')}, ${assay.format(row.bytes, 'bytes')}` }));
    const node = make('div', { className: 'chart' });
    filled.replaceChildren(assay.legend(names, state.hiddenSizes, redraw), node);
    assay.remark(filled, listed.length, names.length, experiment.noun);
    if (without.length) filled.append(make('p', { className: 'about' }, `${without.join(', ')} ${without.length > 1 ? 'take' : 'takes'} no memory of ${without.length > 1 ? 'their' : 'its'} own: choose rows above to see ${without.length > 1 ? 'them' : 'it'}.`));
    const change = names.map((name) => rows.filter((row) => row.name === name)).filter((own) => own.length > 1).map((own) => `${own[0].name} ${own[0].text} to ${own.at(-1).text}, ${assay.times(own.at(-1).y / own[0].y)} × over ${assay.times(own.at(-1).rows / own[0].rows)} × the rows`);
    assay.finish(frame, `${column.label}: ${change.slice(0, 4).join('; ')}${change.length > 4 ? '; and more' : ''}.`,
      [[experiment.noun, (row) => row.name], ['rows', (row) => row.rows, 'rows'], ['bytes of the index', (row) => row.bytes, 'bytes'], [column.label, (row) => row.y, 'ns'], ['low', (row) => row.low, 'ns'], ['high', (row) => row.high, 'ns']], rows);
    if (!rows.length) return;
    const xs = rows.map(({ x }) => x);
    const [from, to] = [Math.min(...xs) / 1.4, Math.max(...xs) * 1.4];
    const ys = rows.flatMap(({ y, low, high }) => [y, low, high]).filter((y) => y > 0);
    const [low, high] = [Math.min(...ys) / 1.3, Math.max(...ys) * 1.5];
    const bands = over === 'bytes' ? bandsOf(experiment.caches || [], from, to, node.clientWidth) : [];
    const values = over === 'bytes' ? Array.from({ length: 22 }, (_, i) => 4 ** i).filter((size) => size >= from && size <= to) : [...new Set(xs)];
    await assay.draw(node, 'index_sizes', rows, (specification) => {
      specification.description = `${column.label} over ${BYTES[over]}, a line for each of ${names.join(', ')}.`;
      specification.layer[0].data.values = bands;
      specification.layer[1].data.values = bands.filter(({ said }) => said);
      specification.layer = specification.layer.filter((layer) => (!layer.data || layer.data.values.length) && (layer.mark.type !== 'area' || rows.some((row) => row.low !== null && row.high > row.low)));
      for (const { encoding } of specification.layer) {
        encoding.x.scale = { type: 'log', nice: false, domain: [from, to] };
        encoding.x.title = BYTES[over];
        if (encoding.x.axis) {
          encoding.x.axis.values = values;
          if (over !== 'bytes') { delete encoding.x.axis.labelExpr; encoding.x.axis.format = to > 1e5 ? '.3~s' : ','; }
        }
        if (encoding.y && encoding.y.field) {
          encoding.y.scale = { type: 'log', nice: false, domain: [low, high] };
          if (encoding.y.axis) Object.assign(encoding.y.axis, { values: powersWithin(low, high) });
          encoding.y.title = encoding.y.field === 'y' ? column.label : null;
        }
        assay.dress(encoding, names);
      }
    });
  };

  /** The parts of an axis of bytes that each cache holds, and what is beyond the last: a darker shade each. */
  function bandsOf(caches, from, to, width) {
    const ends = [0, ...caches.map(([, size]) => size), Infinity];
    return !caches.length ? [] : ends.slice(1).map((end, i) => {
      const [first, last] = [Math.max(from, ends[i]), Math.min(to, end)];
      const words = i < caches.length ? `within ${caches[i][0]}, ${assay.format(caches[i][1], 'bytes').replace('.0 ', ' ')}` : 'in memory';
      const room = (Math.log(last / first) / Math.log(to / from)) * (width - 80);
      const said = [words, i < caches.length ? caches[i][0] : words].find((text) => room > 7.2 * text.length) || '';
      return { from: first, to: last, middle: Math.sqrt(first * last), said, shade: 0.06 + 0.12 * i };
    }).filter((band) => band.from < band.to);
  }

  /** A ratio in words: three digits, and no power of ten. */
  assay.times = (ratio) => (ratio >= 100 ? Math.round(ratio).toLocaleString('en-US') : String(Number(ratio.toPrecision(3))));
})();
