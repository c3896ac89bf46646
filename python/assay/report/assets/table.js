// The table of contenders × metrics, and the heat tables. Text only ever enters as text.
(() => {
  'use strict';
  const assay = (globalThis.assay = globalThis.assay || {});

  /** An element with properties, attributes (given as `aria-…`, `data-…`, `scope` …) and children. */
  function make(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || value === undefined) continue;
      if (name in node && !name.includes('-')) node[name] = value;
      else node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  /** The parts of a contender's spelling, each ending after a comma or a bracket that no quotes enclose. */
  assay.parts = (name) => name.match(/(?:"[^"]*"|[^,( "]|"(?![^"]*"))*[,( ]|.+$/gsu) || [name];

  /** A contender's spelling that may break between its parts. */
  assay.breakable = (name) => assay.parts(name).flatMap((part, i) => (i ? [make('wbr'), part] : [part]));

  /** Numbers by value, missing ones last in either direction; names as people sort them. */
  function compare(a, b, ascending) {
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === 'string' ? a.localeCompare(b, 'en', { numeric: true }) : a - b;
    return ascending ? order : -order;
  }

  function nameCell(row, reason) {
    const name = make('span', { className: 'name' }, ...assay.breakable(row.name));
    const sign = (shown, words) => make('span', { className: 'sign', title: words, role: 'img', 'aria-label': words }, shown);
    const cell = make('th', { scope: 'row' }, row.best ? sign('▶', 'recommended') : '', row.pareto ? sign('★', 'in the Pareto set') : '', name);
    if (row.dropped && reason) cell.append(make('small', {}, `dropped: ${row.dropped}`));
    return cell;
  }

  function numberCell(point, i, j) {
    const mark = point.marks[i][j];
    const cell = make('td', { className: `number ${mark > 0 ? 'best' : mark < 0 ? 'worst' : ''}` }, point.texts[i][j]);
    cell.append(make('span', { className: 'sign', title: mark > 0 ? 'best' : mark < 0 ? 'worst' : null },
      mark > 0 ? '▲' : mark < 0 ? '▼' : ''));
    const interval = point.intervals[`${i}:${j}`];
    if (interval && interval[2] !== interval[3]) cell.append(make('small', {}, `${interval[2]} to ${interval[3]}`));
    const note = point.notes[`${i}:${j}`];
    if (note) cell.append(make('small', { className: 'why' }, note));
    return cell;
  }

  function columnHead(column, j, state, redraw) {
    const sorted = state.sort && state.sort.column === j;
    const button = make('button', { type: 'button', title: column.meaning || null }, column.label);
    button.addEventListener('click', () => {
      const first = column.direction !== 'higher';
      state.sort = { column: j, ascending: sorted ? !state.sort.ascending : first };
      redraw(j);
    });
    const arrow = sorted ? (state.sort.ascending ? ' ↑' : ' ↓') : '';
    const head = make('th', { scope: 'col', className: 'number', 'data-metric': column.name }, button, arrow,
      make('small', {}, [column.label.includes(column.unit) ? '' : column.unit, column.kind === 'exact' ? '' : column.kind].filter(Boolean).join(', ')));
    head.setAttribute('aria-sort', sorted ? (state.sort.ascending ? 'ascending' : 'descending') : 'none');
    return head;
  }

  /** Draws the table of one grid point: the rows in `shown`, the columns of the pressed groups. */
  assay.drawTable = (frame, experiment, point, state, shown) => {
    const filled = frame.querySelector('.filled');
    const redraw = (column) => {
      assay.drawTable(frame, experiment, point, state, shown);
      const again = column === 'name' ? frame.querySelector('thead th button')
        : frame.querySelector(`thead th[data-column="${column}"] button`);
      if (again) again.focus();
    };
    const groups = experiment.groups;
    const toggles = groups.map((group) => {
      const button = make('button', { type: 'button', 'aria-pressed': String(state.groups.has(group)) }, group);
      button.addEventListener('click', () => {
        if (state.groups.has(group)) state.groups.delete(group); else state.groups.add(group);
        redraw(null);
        [...frame.querySelectorAll('.groups button')].find((other) => other.textContent === group).focus();
      });
      return button;
    });
    const columns = experiment.columns
      .map((column, j) => [column, j])
      .filter(([column]) => state.groups.has(column.group) || (column.key && state.groups.has('Key metrics')));
    const order = [...shown];
    if (state.sort) {
      const { column, ascending } = state.sort;
      const value = (i) => (column === 'name' ? point.rows[i].name : point.values[i][column]);
      order.sort((a, b) => compare(value(a), value(b), ascending));
    }
    const byName = state.sort && state.sort.column === 'name';
    const nameButton = make('button', { type: 'button' }, experiment.noun);
    nameButton.addEventListener('click', () => {
      state.sort = { column: 'name', ascending: byName ? !state.sort.ascending : true };
      redraw('name');
    });
    const nameHead = make('th', { scope: 'col' }, nameButton, byName ? (state.sort.ascending ? ' ↑' : ' ↓') : '');
    nameHead.setAttribute('aria-sort', byName ? (state.sort.ascending ? 'ascending' : 'descending') : 'none');
    const head = make('tr', {}, nameHead, ...columns.map(([column, j]) => {
      const cell = columnHead(column, j, state, redraw);
      cell.dataset.column = j;
      return cell;
    }));
    const body = order.map((i) => {
      const row = point.rows[i];
      const line = make('tr', { className: `${row.best ? 'recommended' : ''} ${row.dropped ? 'dropped' : ''}` }, nameCell(row, true));
      if (row.status === 'failed') {
        line.append(make('td', { className: 'failed', colSpan: Math.max(1, columns.length) }, `failed: ${row.error || 'no reason was recorded'}`));
      } else line.append(...columns.map(([, j]) => numberCell(point, i, j)));
      return line;
    });
    const copy = make('button', { type: 'button', className: 'copy' }, 'Copy as CSV');
    copy.addEventListener('click', () => {
      const lines = [[experiment.noun, ...columns.map(([column]) => column.name)],
        ...order.map((i) => [point.rows[i].name, ...columns.map(([, j]) => point.values[i][j])])];
      assay.copy(lines.map((line) => line.map(field).join(',')).join('\r\n') + '\r\n', copy);
    });
    const scrolled = frame.querySelector('.box') ? frame.querySelector('.box').scrollLeft : 0;
    const box = make('div', { className: order.length > 24 ? 'box tall' : 'box', tabIndex: 0, role: 'region', 'aria-label': 'All numbers' },
      make('table', { className: 'numbers-table' }, make('thead', {}, head), make('tbody', {}, ...body)));
    filled.replaceChildren(make('div', { className: 'toolbar groups', role: 'group', 'aria-label': 'Groups of metrics' }, ...toggles, copy), box);
    box.scrollLeft = scrolled;
  };

  /** Draws contenders × the metrics that `pick` accepts; `shade` gives 0 to 1 and `extra` a second text. */
  assay.drawHeat = (frame, experiment, point, shown, { pick, heading, shade, extra }) => {
    const columns = experiment.columns.map((column, j) => [column, j]).filter(([column]) => pick(column));
    const head = make('tr', {}, make('th', { scope: 'col' }, experiment.noun),
      ...columns.map(([column]) => make('th', { scope: 'col', className: 'number' }, heading(column))));
    const body = shown.filter((i) => point.rows[i].status !== 'failed').map((i) => make('tr', { className: point.rows[i].dropped ? 'dropped' : '' }, nameCell(point.rows[i], false),
      ...columns.map(([column, j]) => {
        const value = point.values[i][j];
        const cell = make('td', {}, point.texts[i][j], extra ? extra(column, i) : '');
        if (value !== null) cell.style.background = `rgba(var(--heat), ${(0.5 * Math.min(1, Math.max(0, shade(value)))).toFixed(3)})`;
        return cell;
      })));
    frame.querySelector('.filled').replaceChildren(make('div', { className: body.length > 24 ? 'box tall' : 'box', tabIndex: 0 },
      make('table', { className: 'heat' }, make('thead', {}, head), make('tbody', {}, ...body))));
  };

  function field(value) {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  /** Copies `text`, and says on the button whether that worked. */
  assay.copy = async (text, button) => {
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      const area = make('textarea', { value: text });
      document.body.append(area);
      area.select();
      done = document.execCommand('copy');
      area.remove();
    }
    const words = button.textContent;
    button.textContent = done ? 'Copied' : 'Could not copy';
    setTimeout(() => { button.textContent = words; }, 1500);
  };

  assay.make = make;
})();
