// Draws a chart from its specification, and gives every chart a summary, its data as a table, CSV and one SVG file.
(() => {
  'use strict';
  const assay = globalThis.assay;
  const { make } = assay;
  const specifications = JSON.parse(document.getElementById('specifications').textContent);
  const MOST_ROWS = 300; // of a chart's data that are listed; the CSV has all

  assay.most = { load: 12, bars: 24, trade_off: 150, advice: 400, shared_scale: 4, lines: 8 };

  const style = () => getComputedStyle(document.documentElement);
  const colour = (name) => style().getPropertyValue(`--${name}`).trim();
  assay.colour = colour;

  // Okabe and Ito's palette; a dash and a shape besides, so that no line is told by its colour alone.
  const DASHES = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [1, 3], [12, 4], [3, 6]];
  const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down', 'triangle-right', 'triangle-left'];
  const SIGNS = ['●', '■', '▲', '◆', '✚', '▼', '▶', '◀'];

  /** Colour, dash and shape of the lines 0 to 7. */
  assay.strokes = (count) => Array.from({ length: count }, (_, i) => ({
    colour: colour(`series-${i % 8}`), dash: DASHES[i % 8], shape: SHAPES[i % 8], sign: SIGNS[i % 8] }));

  /** Colours, dashes and shapes by name for the encodings of a layer that has them. */
  assay.dress = (encoding, names) => {
    const strokes = assay.strokes(names.length);
    const ranges = { color: 'colour', strokeDash: 'dash', shape: 'shape', fill: 'colour' };
    for (const [channel, part] of Object.entries(ranges)) {
      if (!encoding[channel] || encoding[channel].value !== undefined || !encoding[channel].field) continue;
      encoding[channel].scale = { domain: names, range: strokes.map((stroke) => stroke[part]) };
      encoding[channel].legend = null;
    }
  };

  /** Chart colours and type, read from the page's style so that both follow the theme. */
  function theme() {
    const text = { labelColor: colour('ink'), titleColor: colour('ink'), labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 };
    return {
      background: null,
      mark: { aria: false }, // a drawing is one picture with one description; its data are in a table
      font: getComputedStyle(document.body).fontFamily,
      lineBreak: '\n',
      axis: { ...text, aria: false, gridColor: colour('line'), domainColor: colour('line'), tickColor: colour('line') },
      legend: { ...text, aria: false, labelLimit: 400 },
      view: { stroke: null },
      bar: { color: colour('blue') },
      point: { color: colour('blue') },
      text: { color: colour('ink'), fontSize: 12 },
      range: { category: [colour('blue'), colour('other')] },
      style: { reference: { color: colour('orange'), fill: colour('orange'), strokeWidth: 2 },
        alone: { color: colour('blue'), strokeWidth: 2 }, so_far: { color: colour('quiet'), strokeWidth: 1.5 }, interval: { color: colour('blue'), opacity: 0.55 },
        limit: { color: colour('quiet'), strokeWidth: 1.5 }, band: { color: colour('other'), opacity: 0.35 } },
    };
  }

  /** Draws `rows` into `node`; `adjust` may change the specification. Gives the view, or null where it failed. */
  assay.draw = async (node, name, rows, adjust) => {
    const specification = structuredClone(specifications[name]);
    specification.data = { name: 'rows', values: rows };
    specification.config = theme();
    if (adjust) adjust(specification);
    const dark = style().colorScheme === 'dark';
    try {
      const { view } = await vegaEmbed(node, specification, {
        mode: 'vega-lite',
        renderer: 'svg',
        ast: true,
        expr: vegaInterpreter.expressionInterpreter,
        tooltip: { theme: dark ? 'dark' : 'light' },
        actions: false,
      });
      const drawing = node.querySelector('svg');
      const caption = node.parentElement && node.parentElement.querySelector('figcaption');
      for (const part of drawing.querySelectorAll('[role], [aria-roledescription], [aria-label]')) {
        for (const name of ['role', 'aria-roledescription', 'aria-label']) part.removeAttribute(name);
      }
      drawing.removeAttribute('aria-roledescription');
      drawing.setAttribute('role', 'img');
      drawing.setAttribute('aria-label', [caption && caption.textContent, specification.description, 'The data are in the table below.'].filter(Boolean).join('. '));
      return view;
    } catch (error) {
      node.replaceChildren(make('p', { className: 'failed' }, `This chart could not be drawn: ${error.message}`));
      console.error(error);
      return null;
    }
  };

  /** A name in lines that fit beside a chart of this width. */
  assay.wrap = (name, pixels) => {
    const most = Math.max(12, Math.floor(pixels / 7.2));
    const lines = [''];
    for (const part of assay.parts(name)) {
      if (lines[lines.length - 1] && (lines[lines.length - 1] + part).length > most) lines.push('');
      lines[lines.length - 1] += part;
      while (lines[lines.length - 1].length > most) {
        const long = lines.pop();
        lines.push(long.slice(0, most), long.slice(most));
      }
    }
    return lines.filter((line) => line).join('\n');
  };

  /** Room for all names: a line's height grows with the longest wrapped name. */
  assay.roomy = (rows) => (specification) => {
    const lines = Math.max(...rows.map((row) => row.shown.split('\n').length));
    specification.height = rows.length * Math.max(24, 15 * lines + 6);
  };

  /** Buttons that show and hide what a chart draws, with its colour and sign. `hidden` is a Set that they change. */
  assay.legend = (names, hidden, changed) => {
    const strokes = assay.strokes(names.length);
    const box = make('div', { className: 'legend', role: 'group', 'aria-label': 'Shown in the chart' });
    box.append(...names.map((name, i) => {
      const sign = make('span', { className: 'swatch', 'aria-hidden': 'true' }, strokes[i].sign);
      sign.style.color = strokes[i].colour;
      const button = make('button', { type: 'button', 'aria-pressed': String(!hidden.has(name)), 'data-name': name }, sign, ' ', ...assay.breakable(name));
      button.addEventListener('click', () => {
        if (hidden.has(name)) hidden.delete(name); else hidden.add(name);
        button.setAttribute('aria-pressed', String(!hidden.has(name)));
        changed();
      });
      return button;
    }));
    return box;
  };

  /**
   * What stands below a frame's charts: a sentence that says what they show, and their data.
   * `columns` are [title, row => value, unit or null]; `rows` are what was drawn.
   */
  assay.finish = (frame, words, columns, rows) => {
    let box = frame.querySelector(':scope > .alternative');
    if (!box) {
      const list = make('div', {});
      const copy = make('button', { type: 'button' }, 'Copy as CSV');
      const save = make('button', { type: 'button', className: 'save' }, 'Save as SVG');
      const opened = make('details', { className: 'data' }, make('summary', {}, 'Data of this chart'),
        make('div', { className: 'toolbar' }, copy, save), list);
      box = make('div', { className: 'alternative' }, make('p', { className: 'in-words' }), opened);
      frame.append(box);
      const fill = () => {
        if (!opened.open) { list.replaceChildren(); return; }
        const { columns: heads, rows: all } = box.data;
        const body = all.slice(0, MOST_ROWS).map((row) => make('tr', {}, ...heads.map(([, value, unit], place) => {
          const found = value(row);
          const text = typeof found === 'number' ? assay.format(found, unit || 'count') : found ?? '–';
          return make(place ? 'td' : 'th', place ? { className: typeof found === 'number' ? 'number' : '' } : { scope: 'row' }, text);
        })));
        list.replaceChildren(make('div', { className: all.length > 16 ? 'box tall' : 'box', tabIndex: 0, role: 'group', 'aria-label': `Data: ${frame.querySelector('h3').textContent}` },
          make('table', {}, make('thead', {}, make('tr', {}, ...heads.map(([title]) => make('th', { scope: 'col' }, title)))), make('tbody', {}, ...body))));
        if (all.length > MOST_ROWS) list.append(make('p', { className: 'about' }, `The first ${MOST_ROWS} of ${all.length.toLocaleString('en-US')} rows; the CSV has all.`));
      };
      box.fill = fill;
      opened.addEventListener('toggle', fill);
      copy.addEventListener('click', () => assay.copy(assay.csv([box.data.columns.map(([title]) => title),
        ...box.data.rows.map((row) => box.data.columns.map(([, value]) => value(row)))]), copy));
      save.addEventListener('click', () => saveDrawings(frame));
    }
    box.data = { columns, rows };
    box.hidden = !rows.length;
    box.querySelector('.in-words').textContent = words;
    box.querySelector('.save').hidden = !frame.querySelector('.filled svg');
    box.fill();
  };

  /** All drawings of a frame, one below the other with their captions, as one SVG file. */
  function saveDrawings(frame) {
    const space = 'http://www.w3.org/2000/svg';
    const whole = document.createElementNS(space, 'svg');
    const write = (text, y, size) => {
      const node = document.createElementNS(space, 'text');
      for (const [name, value] of Object.entries({ x: 12, y, fill: colour('ink'), 'font-family': 'sans-serif', 'font-size': size })) node.setAttribute(name, value);
      node.textContent = text;
      whole.append(node);
    };
    let [wide, high] = [0, 30];
    write(frame.querySelector('h3').textContent, 22, 16);
    for (const drawing of frame.querySelectorAll('.filled svg.marks')) {
      const figure = drawing.closest('figure');
      const caption = figure && figure.querySelector('figcaption');
      if (caption) { high += 18; write(caption.textContent, high, 13); high += 6; }
      const copy = drawing.cloneNode(true);
      copy.setAttribute('x', 12);
      copy.setAttribute('y', high);
      whole.append(copy);
      wide = Math.max(wide, Number(drawing.getAttribute('width')));
      high += Number(drawing.getAttribute('height')) + 14;
    }
    whole.setAttribute('width', wide + 24);
    whole.setAttribute('height', high);
    const paper = document.createElementNS(space, 'rect');
    for (const [name, value] of Object.entries({ width: '100%', height: '100%', fill: colour('paper') })) paper.setAttribute(name, value);
    whole.prepend(paper);
    const address = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(whole)], { type: 'image/svg+xml' }));
    make('a', { href: address, download: `assay-${frame.dataset.frame}.svg` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }
})();
