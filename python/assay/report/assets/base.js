// What all parts of the page use: elements, spellings, numbers as people read them, copying, choosers.
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
  assay.make = make;

  /** The parts of a contender's spelling, each ending after a comma or a bracket that no quotes enclose. */
  assay.parts = (name) => name.match(/(?:"[^"]*"|[^,( "]|"(?![^"]*"))*[,( ]|.+$/gsu) || [name];

  /** A contender's spelling that may break between its parts. */
  assay.breakable = (name) => assay.parts(name).flatMap((part, i) => (i ? [make('wbr'), part] : [part]));

  const thousands = (value, digits) => value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const nanoseconds = (value) => {
    for (const [limit, divisor, unit] of [[1e3, 1, 'ns'], [1e6, 1e3, 'µs'], [1e9, 1e6, 'ms']]) {
      if (Math.abs(value) < limit) return `${(value / divisor).toFixed(1)} ${unit}`;
    }
    return `${(value / 1e9).toFixed(2)} s`;
  };

  const percentage = (percent) => {
    if (percent === 0 || Math.abs(percent) >= 1) return percent.toFixed(1);
    let [decimals, bound] = [2, 0.1];
    for (; Math.abs(percent) < bound && decimals < 6; decimals += 1) bound /= 10;
    return Math.abs(percent) >= bound ? percent.toFixed(decimals) : percent.toExponential(1);
  };

  /** A number with its unit, as assay.units.format_value writes it. */
  assay.format = (value, unit) => {
    if (value === null || value === undefined || Number.isNaN(value)) return '–';
    if (unit === 'share') return `${percentage(100 * value)} %`;
    if (unit === 'bytes') {
      for (const prefix of ['B', 'KiB', 'MiB', 'GiB', 'TiB']) {
        if (Math.abs(value) < 1024 || prefix === 'TiB') return prefix === 'B' ? `${value.toFixed(0)} B` : `${value.toFixed(1)} ${prefix}`;
        value /= 1024;
      }
    }
    if (unit === 'ns') return nanoseconds(value);
    if (unit === 's') {
      for (const [limit, divisor, name] of [[120, 1, 's'], [7200, 60, 'min'], [172800, 3600, 'h'], [Infinity, 86400, 'd']]) {
        if (Math.abs(value) < limit) return name === 's' ? nanoseconds(1e9 * value) : `${(value / divisor).toFixed(1)} ${name}`;
      }
    }
    if (unit === 'GB/s') return `${Math.abs(value) < 1 ? value.toFixed(3) : thousands(value, 1)} GB/s`;
    if (unit === 'ratio' && value !== 0 && Math.abs(value) < 0.01) return value.toPrecision(2);
    if (unit === 'ratio') return Math.abs(value) < 10 ? value.toFixed(3) : thousands(value, 1);
    return Number.isInteger(value) ? thousands(value, 0) : thousands(value, 2);
  };

  /** How an axis shows numbers of this unit: what they are divided by, what stands behind its title, and the format. */
  assay.scaled = (unit, values) => {
    const most = Math.max(0, ...values.map(Math.abs));
    const pick = (steps) => steps.find(([size]) => most >= size) || steps.at(-1);
    if (unit === 'share') {
      const least = Math.min(most, ...values.map(Math.abs).filter((value) => value > 0));
      const range = Math.max(...values) - Math.min(...values);
      return { divisor: 1, suffix: '', format: most < 0.005 || least < most / 100 ? '.2~p' : most < 0.05 || (range > 0 && range < 0.05) ? '.1~%' : '.0%' };
    }
    if (unit === 'ns' || unit === 's') {
      const base = unit === 's' ? 1e9 : 1;
      const [size, name] = pick([[1e9 / base, 's'], [1e6 / base, 'ms'], [1e3 / base, 'µs'], [1 / base, 'ns']]);
      return { divisor: size, suffix: `, ${name}`, format: '~r' };
    }
    if (unit === 'bytes') {
      const [size, name] = pick([[2 ** 40, 'TiB'], [2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'bytes']]);
      return { divisor: size, suffix: `, ${name}`, format: '~r' };
    }
    return { divisor: 1, suffix: unit === 'ratio' || unit === 'count' ? '' : `, ${unit}`, format: most >= 10000 ? '~s' : '~r' };
  };

  /** Whether numbers span so much that only a logarithmic axis shows them. */
  assay.wide = (values, factor = 20) => {
    const least = Math.min(...values);
    return least > 0 && Math.max(...values) / least > factor;
  };

  assay.median = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    const half = sorted.length / 2;
    return sorted.length % 2 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
  };

  /** Numbers by value, missing ones last in either direction; names as people sort them. */
  assay.compare = (a, b, ascending) => {
    if (a === null || b === null || a === undefined || b === undefined) return ((a ?? null) === null) - ((b ?? null) === null);
    const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
    return ascending ? order : -order;
  };

  function field(value) {
    const text = value === null || value === undefined ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  /** A number of contenders, in their noun: 1 strategy, 3 strategies, 2 indexes. */
  assay.counted = (count, noun) => `${count.toLocaleString('en-US')} ${count === 1 ? noun : noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : noun + (/[xs]$/.test(noun) ? 'es' : 's')}`;

  /** Lines of fields as CSV. */
  assay.csv = (lines) => lines.map((line) => line.map(field).join(',')).join('\r\n') + '\r\n';

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
    const words = button.dataset.words || button.textContent;
    button.dataset.words = words;
    button.textContent = done ? 'Copied' : 'Could not copy';
    setTimeout(() => { button.textContent = words; }, 1500);
  };

  /** A command or a suite with a button that copies it. */
  assay.block = (text, what) => {
    const button = make('button', { type: 'button', className: 'copy-command', 'aria-label': `Copy ${what}` }, 'Copy');
    button.addEventListener('click', () => assay.copy(text, button));
    return make('div', { className: 'command' }, make('pre', { tabIndex: 0 }, make('code', {}, text)), button);
  };

  /**
   * The choosers of a frame, made once and kept, so that a redrawing never takes the focus away.
   * `wanted` lists {name, label, options: [[value, words]]}; the chosen values are in the result, by name.
   */
  assay.choosers = (frame, wanted, changed) => {
    let box = frame.querySelector(':scope > .controls');
    if (!box) {
      box = make('div', { className: 'toolbar controls' });
      frame.querySelector('.filled').before(box);
      box.made = new Map();
    }
    const chosen = {};
    for (const { name, label, options, first } of wanted) {
      const words = JSON.stringify(options);
      let select = box.made.get(name);
      if (!select) {
        select = make('select', {});
        box.made.set(name, select);
        box.append(make('label', {}, `${label} `, select));
        select.addEventListener('change', () => select.changed());
      }
      if (select.words !== words) {
        const before = select.words === undefined ? first : select.value;
        select.words = words;
        select.replaceChildren(...options.map(([value, text]) => make('option', { value }, text)));
        if (options.some(([value]) => String(value) === String(before))) select.value = String(before);
      }
      select.changed = changed;
      select.parentElement.hidden = options.length < 2;
      chosen[name] = select.value;
    }
    box.hidden = wanted.every(({ options }) => options.length < 2);
    return chosen;
  };

  /** Says that not all of what is shown has been drawn. */
  assay.remark = (filled, shown, drawn, noun) => {
    if (drawn < shown) filled.append(make('p', { className: 'about' }, `${drawn} of ${shown} shown: filter by the name of ${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun} to see others.`));
  };
})();
