// The table of contenders × metrics: sorted, filtered, a page at a time; a row opens to what measures it again.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;
  const PAGE = 100; // rows drawn at once, whatever the run holds
  const PRINTED = 1000; // rows on paper

  function nameCell(row, reason) {
    const name = make('span', { className: 'name' }, ...assay.breakable(row.name));
    const sign = (shown, words) => make('span', { className: 'sign', title: words, role: 'img', 'aria-label': words }, shown);
    const cell = make('th', { scope: 'row' }, row.best ? sign('▶', 'recommended') : '', row.pareto ? sign('★', 'in the Pareto set') : '', name);
    if (row.dropped && reason) cell.append(make('small', {}, `dropped: ${row.dropped}`));
    if (row.status === 'aggregated') cell.append(make('small', {}, ['aggregated: median, and from the least to the greatest', row.error].filter(Boolean).join('; ')));
    return cell;
  }

  function numberCell(point, i, j, unit, told) {
    const mark = point.marks[i][j];
    const cell = make('td', { className: `number ${mark > 0 ? 'best' : mark < 0 ? 'worst' : ''}` }, point.texts[i][j]);
    cell.append(make('span', { className: 'sign', title: mark > 0 ? 'best' : mark < 0 ? 'worst' : null },
      mark > 0 ? '▲' : mark < 0 ? '▼' : ''));
    const interval = point.intervals[`${i}:${j}`];
    if (interval) {
      const [low, high] = interval.map((bound) => assay.format(bound, unit));
      if (low !== high) cell.append(make('small', {}, `${low} to ${high}`));
    }
    const note = point.notes[`${i}:${j}`];
    if (note && note !== told) cell.append(make('small', { className: 'why' }, note));
    return cell;
  }

  /** A heading that sorts; `key` names the column in the state. */
  function sortHead(label, key, state, redraw, { first = true, unit = '', title = null, ...attributes } = {}) {
    const sorted = state.sort && state.sort.column === key;
    const button = make('button', { type: 'button', title }, label);
    button.addEventListener('click', () => {
      state.sort = { column: key, ascending: sorted ? !state.sort.ascending : first };
      redraw(key);
    });
    const head = make('th', { scope: 'col', ...attributes, 'data-column': String(key) }, button, sorted ? (state.sort.ascending ? ' ↑' : ' ↓') : '', unit ? make('small', {}, unit) : '');
    head.setAttribute('aria-sort', sorted ? (state.sort.ascending ? 'ascending' : 'descending') : 'none');
    return head;
  }

  const shell = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);

  /** What measures one cell again, as a suite and as a command; null where the data cannot be named. */
  assay.again = (experiment, p, i) => {
    const { again, points } = experiment;
    if (!again || points[p].rows[i].status === 'aggregated') return null;
    const { name } = points[p].rows[i];
    const { toml, flags } = points[p].again;
    return {
      toml: `${again.toml}${toml}${again.contenders} = [${JSON.stringify(name)}]\n`,
      command: [again.command, flags, again.flag, shell(name)].filter(Boolean).join(' '),
    };
  };

  /** The line below an opened row. */
  function detailLine(experiment, p, i, span) {
    const point = experiment.points[p];
    const row = point.rows[i];
    const parts = [];
    if (row.error) parts.push(make('p', { className: 'failed' }, row.error));
    if (row.dropped) parts.push(make('p', {}, `Dropped before choosing: ${row.dropped}`));
    for (const [metric, { baseline, cells }] of Object.entries(experiment.ratios)) {
      const found = cells[`${p}:${i}`];
      if (found) {
        parts.push(make('p', {}, `${metric}: ${found.ratio.toFixed(3)} × ${baseline}${found.low === undefined ? '' : ` (${found.low.toFixed(3)} to ${found.high.toFixed(3)})`}: ${found.verdict}, from ${found.processes ?? '?'} processes and ${found.rounds ?? '?'} rounds.`));
      }
    }
    const again = assay.again(experiment, p, i);
    if (again) {
      parts.push(make('h4', {}, 'Run this cell again'), assay.block(again.command, 'the command'),
        make('h4', {}, 'As a suite'), assay.block(again.toml, 'the suite'));
    } else parts.push(make('p', {}, 'This line has no command of its own.'));
    return make('tr', { className: 'detail' }, make('td', { colSpan: span }, make('div', { className: 'detail-box' }, ...parts)));
  }

  /** The rows to list as [grid point, row], filtered and sorted. */
  function ordered(experiment, state, shown) {
    const rows = state.every
      ? experiment.points.flatMap((point, p) => point.rows.map((_, i) => [p, i])).filter(([p, i]) => state.matches(p, i))
      : shown.map((i) => [state.point, i]);
    if (!state.sort) return rows;
    const { column, ascending } = state.sort;
    const value = ([p, i]) => (column === 'name' ? experiment.points[p].rows[i].name
      : typeof column === 'number' ? experiment.points[p].values[i][column] : experiment.points[p].parameters[column.slice(1)]);
    return rows.sort((a, b) => assay.compare(value(a), value(b), ascending));
  }

  /** Draws the table: the rows in `shown`, or those of every grid point; the columns of the pressed groups. */
  assay.drawTable = (frame, experiment, state, shown) => {
    const filled = frame.querySelector('.filled');
    const redraw = (column, focus) => {
      assay.drawTable(frame, experiment, state, shown);
      const again = focus ? frame.querySelector(focus) || frame.querySelector('.pager button:enabled') : column === null ? null : [...frame.querySelectorAll('thead th')].find((head) => head.dataset.column === String(column));
      if (again) (again.querySelector('button') || again).focus();
    };
    const toggles = experiment.groups.map((group) => {
      const button = make('button', { type: 'button', 'aria-pressed': String(state.groups.has(group)) }, group);
      button.addEventListener('click', () => {
        if (state.groups.has(group)) state.groups.delete(group); else state.groups.add(group);
        redraw(null);
        [...frame.querySelectorAll('.groups button')].find((other) => other.textContent === group).focus();
      });
      return button;
    });
    if (experiment.points.length > 1) {
      const every = make('input', { type: 'checkbox', checked: state.every, className: 'every' });
      every.addEventListener('change', () => { state.every = every.checked; state.page = 0; redraw(null, '.every'); });
      toggles.push(make('label', {}, every, ' every grid point'));
    }
    const columns = experiment.columns.map((column, j) => [column, j])
      .filter(([column]) => state.groups.has(column.group) || (column.key && state.groups.has('Key metrics')));
    const parameters = state.every ? [...new Set(experiment.points.flatMap((point) => Object.keys(point.parameters)))] : [];
    const order = ordered(experiment, state, shown);
    const last = Math.max(0, Math.ceil(order.length / PAGE) - 1);
    state.page = Math.min(state.page, last);
    if (state.selected !== null) {
      const at = order.findIndex(([p, i]) => p === state.point && i === state.selected);
      if (at >= 0 && state.follow) state.page = Math.floor(at / PAGE);
    }
    const [begin, end] = state.printing ? [0, PRINTED] : [state.page * PAGE, (state.page + 1) * PAGE];
    const listed = order.slice(begin, end);
    const span = 1 + parameters.length + columns.length;

    // A note that stands in every line of a column is told once, in its heading.
    const told = new Map(columns.map(([, j]) => {
      const notes = new Set(listed.map(([p, i]) => experiment.points[p].notes[`${i}:${j}`]));
      return [j, listed.length > 1 && notes.size === 1 ? [...notes][0] : undefined];
    }));
    const head = make('tr', {}, sortHead(experiment.noun, 'name', state, redraw),
      ...parameters.map((name) => sortHead(name.replaceAll('_', ' '), `:${name}`, state, redraw, { className: 'number' })),
      ...columns.map(([column, j]) => sortHead(column.label, j, state, redraw, {
        first: column.direction !== 'higher', className: 'number', 'data-metric': column.name, title: column.meaning || null,
        unit: [column.label.includes(column.unit) ? '' : column.unit, column.kind === 'exact' ? '' : column.kind, told.get(j)].filter(Boolean).join(', ') })));
    const body = listed.flatMap(([p, i]) => {
      const point = experiment.points[p];
      const row = point.rows[i];
      const open = state.open.has(`${p}:${i}`);
      const cell = nameCell(row, true);
      const opener = make('button', { type: 'button', className: 'opener', 'aria-expanded': String(open), 'aria-label': `Details of ${row.name}` }, open ? '▾' : '▸');
      opener.addEventListener('click', () => {
        if (open) state.open.delete(`${p}:${i}`); else state.open.add(`${p}:${i}`);
        redraw(null, `tr[data-cell="${p}:${i}"] .opener`);
      });
      cell.prepend(opener);
      const line = make('tr', { className: [row.best && 'recommended', row.dropped && 'dropped', p === state.point && i === state.selected && 'selected'].filter(Boolean).join(' '), 'data-cell': `${p}:${i}` }, cell);
      line.append(...parameters.map((name) => make('td', { className: 'number' }, point.parameters[name] === undefined ? '–' : String(point.parameters[name]))));
      if (row.status === 'failed') {
        line.append(make('td', { className: 'failed', colSpan: Math.max(1, columns.length) }, `failed: ${row.error || 'no reason was recorded'}`));
      } else line.append(...columns.map(([column, j]) => numberCell(point, i, j, column.unit, told.get(j))));
      return open ? [line, detailLine(experiment, p, i, span)] : [line];
    });

    const copy = make('button', { type: 'button', className: 'copy' }, 'Copy as CSV');
    copy.addEventListener('click', () => assay.copy(assay.csv([
      [experiment.noun, ...parameters, ...columns.map(([column]) => column.name)],
      ...order.map(([p, i]) => [experiment.points[p].rows[i].name, ...parameters.map((name) => experiment.points[p].parameters[name]), ...columns.map(([, j]) => experiment.points[p].values[i][j])]),
    ]), copy));
    const scrolled = frame.querySelector('.box') ? frame.querySelector('.box').scrollLeft : 0;
    const box = make('div', { className: listed.length > 24 ? 'box tall' : 'box', tabIndex: 0, role: 'group', 'aria-label': 'Table of all numbers' },
      make('table', { className: 'numbers-table' }, make('thead', {}, head), make('tbody', {}, ...body)));
    filled.replaceChildren(make('div', { className: 'toolbar groups', role: 'group', 'aria-label': 'What the table shows' }, ...toggles, copy), box, pager(state, order.length, begin, listed.length, last, redraw));
    box.scrollLeft = scrolled;
    if (state.follow && state.selected !== null) {
      const line = frame.querySelector('tr.selected');
      if (line) line.scrollIntoView({ block: 'center', behavior: 'instant' });
    }
    state.follow = false;
  };

  /** Which rows are listed, and buttons to the others; nothing where all are. */
  function pager(state, all, begin, listed, last, redraw) {
    if (!last) return '';
    const to = (page, label, words) => {
      const button = make('button', { type: 'button', disabled: page < 0 || page > last, className: words }, label);
      button.addEventListener('click', () => { state.page = page; redraw(null, `.${words}:enabled`); });
      return button;
    };
    return make('nav', { className: 'toolbar pager', 'aria-label': 'Pages of the table' }, to(state.page - 1, '← Previous', 'previous'),
      make('span', { role: 'status' }, `rows ${(begin + 1).toLocaleString('en-US')} to ${(begin + listed).toLocaleString('en-US')} of ${all.toLocaleString('en-US')}`),
      to(state.page + 1, 'Next →', 'next'));
  }

  /** Marks a row of the table of the chosen grid point and brings it into view. */
  assay.select = (state, i) => {
    state.selected = state.selected === i ? null : i;
    state.follow = state.selected !== null;
    state.redrawTable();
  };

  /** Draws contenders × the metrics that `pick` accepts; `shade` gives 0 to 1 and `extra` a second text. */
  assay.drawHeat = (frame, experiment, point, shown, { pick, heading, shade, extra }) => {
    const most = 100;
    const columns = experiment.columns.map((column, j) => [column, j]).filter(([column]) => pick(column));
    const head = make('tr', {}, make('th', { scope: 'col' }, experiment.noun),
      ...columns.map(([column]) => make('th', { scope: 'col', className: 'number' }, heading(column))));
    const known = shown.filter((i) => point.rows[i].status !== 'failed');
    const body = known.slice(0, most).map((i) => make('tr', { className: point.rows[i].dropped ? 'dropped' : '' }, nameCell(point.rows[i], false),
      ...columns.map(([column, j]) => {
        const value = point.values[i][j];
        const cell = make('td', {}, point.texts[i][j], extra ? extra(column, i) : '');
        if (value !== null) cell.style.background = `rgba(var(--heat), ${(0.45 * Math.min(1, Math.max(0, shade(value)))).toFixed(3)})`;
        return cell;
      })));
    const filled = frame.querySelector('.filled');
    filled.replaceChildren(make('div', { className: body.length > 24 ? 'box tall' : 'box', tabIndex: 0, role: 'group', 'aria-label': `Table: ${frame.querySelector('h3').textContent}` },
      make('table', { className: 'heat' }, make('thead', {}, head), make('tbody', {}, ...body))));
    assay.remark(filled, known.length, body.length, experiment.noun);
  };
})();
