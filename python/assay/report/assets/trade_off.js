// The trade-off of any two metrics: who is best on both, by which no other beats them, and what a better one costs.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;

  /** The kind of a contender: what its spelling begins with. */
  assay.head = (name) => name.match(/^[^(]*/)[0].trim() || name;

  /** Which of `rows` no other beats on both axes; `x` and `y` are the axes' directions. */
  function front(rows, x, y) {
    const sign = (direction) => (direction === 'higher' ? -1 : 1);
    const beats = (a, b) => sign(x) * (a.x - b.x) <= 0 && sign(y) * (a.y - b.y) <= 0 && (a.x !== b.x || a.y !== b.y);
    return rows.filter((row) => !rows.some((other) => beats(other, row)));
  }
  assay.front = front;

  /** The ends of a logarithmic axis with room beyond the outermost values. */
  function roomyLog(values) {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const margin = (most / least) ** 0.1;
    return [least / margin, most * margin];
  }

  const better = (direction, low, high) => (direction === 'higher' ? high : low);

  assay.drawTradeOff = async (frame, experiment, point, shown, state, redraw) => {
    const filled = frame.querySelector('.filled');
    const usable = experiment.columns.map((column, j) => [column, j]).filter(([column]) => column.direction !== 'none');
    const options = usable.map(([column]) => [column.name, column.label]);
    const axes = assay.choosers(frame, [
      { name: 'x', label: 'Across', options, first: experiment.axes[0] },
      { name: 'y', label: 'Up', options, first: experiment.axes[1] }], redraw);
    const find = (name) => experiment.columns.findIndex((column) => column.name === name);
    const [jx, jy, bytes] = [find(axes.x), find(axes.y), find('routing_bytes') < 0 ? find('memory_bytes') : find('routing_bytes')];
    const [x, y] = [experiment.columns[jx], experiment.columns[jy]];
    const known = shown.filter((i) => point.values[i][jx] !== null && point.values[i][jy] !== null && point.rows[i].status !== 'aggregated');
    const drawn = known.slice(0, assay.most.trade_off);
    const places = new Map(drawn.map((i, place) => [i, place + 1]));
    if (!drawn.length) {
      filled.replaceChildren(make('p', { className: 'about' }, 'Nothing that is shown has both numbers.'));
      assay.finish(frame, '', [], []);
      return;
    }
    const kinds = [...new Set(drawn.map((i) => assay.head(point.rows[i].name)))];
    const [own, rest] = [kinds.slice(0, kinds.length > 8 ? 7 : 8), kinds.length > 8];
    const names = rest ? [...own, 'others'] : own;
    const kindOf = (name) => (own.includes(assay.head(name)) ? assay.head(name) : 'others');
    state.hiddenKinds ||= new Set();
    const all = drawn.map((i) => ({ i, name: point.rows[i].name, order: places.get(i), x: point.values[i][jx], y: point.values[i][jy],
      x_text: point.texts[i][jx], y_text: point.texts[i][jy], bytes: (bytes >= 0 && point.values[i][bytes]) || 0,
      bytes_text: bytes < 0 ? '–' : point.texts[i][bytes], kind: kindOf(point.rows[i].name) }));
    const rows = all.filter((row) => !state.hiddenKinds.has(row.kind));
    // A bound cannot be chosen, so that nothing is beaten by it.
    const best = front(rows.filter(({ i }) => !point.rows[i].bound), x.direction, y.direction);
    const node = make('div', { className: 'chart' });
    const choose = (i) => assay.select(state, i);
    const key = make('ol', { className: 'key' }, ...all.map((row) => {
      const { i } = row;
      const onFront = best.includes(row);
      const button = make('button', { type: 'button', className: 'plain', title: 'Show in the table' }, ...assay.breakable(row.name));
      button.addEventListener('click', () => choose(i));
      return make('li', { className: onFront ? 'pareto' : '', value: row.order }, button, onFront ? ' ◈' : '', point.rows[i].pareto ? ' ★' : '');
    }));
    const legend = assay.legend(names, state.hiddenKinds, redraw);
    filled.replaceChildren(legend, make('div', { className: 'beside' }, node, make('div', { className: 'key-box', tabIndex: 0, role: 'group', 'aria-label': `The numbers' ${experiment.noun}` }, key)));
    assay.remark(filled, known.length, drawn.length, experiment.noun);
    assay.finish(frame, `${better(x.direction, 'Left', 'Right')} and ${better(y.direction, 'low', 'high')} is best. `
      + (!best.length ? 'All that is shown are bounds, which cannot be chosen' : best.length === 1 ? `${best[0].name} is best on both` : `On the front, where none is better on both: ${best.slice(0, 6).map((row) => row.name).join(', ')}${best.length > 6 ? ` and ${best.length - 6} more` : ''}`) + '.',
    [[experiment.noun, (row) => row.name], [x.label, (row) => row.x, x.unit], [y.label, (row) => row.y, y.unit],
      ['on the front', (row) => (best.includes(row) ? 'yes' : 'no')]], rows);
    if (!rows.length) return;

    const scaledX = assay.scaled(x.unit, rows.map((row) => row.x));
    const scaledY = assay.scaled(y.unit, rows.map((row) => row.y));
    const placed = rows.map((row) => ({ ...row, x: row.x / scaledX.divisor, y: row.y / scaledY.divisor, front: best.includes(row) }));
    const [xs, ys] = [placed.map((row) => row.x), placed.map((row) => row.y)];
    const [logX, logY] = [assay.wide(xs, 8), assay.wide(ys, 50)];
    const domain = y.unit === 'share' && Math.min(...ys) >= 0 ? assay.span(ys) : null;
    const tall = logY ? Math.log(Math.max(...ys)) - Math.log(Math.min(...ys)) : domain ? domain[1] - domain[0] : Math.max(...ys) - Math.min(...ys);
    const numbered = assay.labelled(placed.map((row) => ({ ...row, y: logY ? Math.log(row.y) : row.y })), node.clientWidth, logX, tall || 1);
    const numbers = new Map(numbered.map((row) => [row.order, row.number]));
    const view = await assay.draw(node, 'trade_off', placed.map((row) => ({ ...row, number: numbers.get(row.order) })), (specification) => {
      specification.description = `${x.label} against ${y.label}. ${frame.querySelector('.in-words').textContent}`;
      for (const layer of specification.layer) {
        const { encoding } = layer;
        encoding.x.scale = logX ? { type: 'log', domain: roomyLog(xs), nice: false } : { zero: false, padding: 24, nice: false };
        encoding.x.title = x.label + scaledX.suffix;
        encoding.x.axis = { format: scaledX.format, tickCount: 6, labelOverlap: true };
        encoding.y.scale = logY ? { type: 'log', domain: roomyLog(ys), nice: false }
          : domain ? { domain, padding: domain[0] > 0 ? 0 : 18, nice: false } : { zero: false, padding: 24, nice: false };
        encoding.y.title = y.label + scaledY.suffix + (domain && domain[0] > 0 ? ` (axis from ${Math.round(100 * domain[0])} %)` : '');
        encoding.y.axis = { format: scaledY.format, tickCount: 5 };
        for (const field of encoding.tooltip || []) {
          if (field.field === 'x_text') field.title = x.label;
          if (field.field === 'y_text') field.title = y.label;
        }
        assay.dress(encoding, names);
        if (layer.mark.type === 'line') layer.mark.interpolate = x.direction === 'higher' ? 'step-before' : 'step-after';
      }
      if (best.length < 2) specification.layer = specification.layer.filter((layer) => layer.mark.type !== 'line');
    });
    if (view) view.addEventListener('click', (event, item) => { if (item && item.datum && item.datum.i !== undefined) choose(item.datum.i); });
  };
})();
