// What varies over a run: settings of the grid, and numbers within the contenders' own spellings.
(() => {
  'use strict';
  const assay = globalThis.assay;

  const SPELLED = /(?<=[(,])([A-Za-z_]\w*)=(\d+(?:\.\d+)?)(?=[,)])/g;
  const WORDS = { partitions: 'partitions', nodes: 'nodes' };

  /**
   * The parameters over which metrics can be followed, each as {name, label, numeric, values, cells}.
   * `cells(p)` gives, for the grid point that is chosen, [{line, value, p, i}]: which line a cell is on, and where.
   */
  assay.parametersOf = (experiment) => {
    if (experiment.parameters) return experiment.parameters;
    const found = [];
    const canonical = (value) => JSON.stringify(value);
    const names = [...new Set(experiment.points.flatMap((point) => Object.keys(point.parameters)))];
    for (const name of names) {
      const values = [...new Map(experiment.points.map(({ parameters }) => [canonical(parameters[name]), parameters[name]])).values()].filter((value) => value !== undefined);
      if (values.length < 2) continue;
      const numeric = values.every((value) => typeof value === 'number');
      values.sort((a, b) => assay.compare(share(a), share(b), true));
      const cells = (chosen) => {
        const others = (point) => canonical(names.filter((other) => other !== name).map((other) => point.parameters[other]));
        const wanted = others(experiment.points[chosen]);
        return experiment.points.flatMap((point, p) => (others(point) !== wanted || point.parameters[name] === undefined ? []
          : point.rows.map((row, i) => ({ line: row.name, value: point.parameters[name], p, i }))));
      };
      found.push({ name, label: WORDS[name] || name.replaceAll('_', ' '), numeric, values, cells });
    }
    const spelled = new Map();
    for (const { rows } of experiment.points) {
      for (const { name: contender } of rows) {
        for (const [, name, number] of contender.matchAll(SPELLED)) {
          const family = familyOf(contender, name);
          if (!spelled.has(name)) spelled.set(name, new Map());
          const families = spelled.get(name);
          families.set(family, (families.get(family) || new Set()).add(Number(number)));
        }
      }
    }
    for (const [name, families] of spelled) {
      if (![...families.values()].some((numbers) => numbers.size > 1)) continue;
      const values = [...new Set([...families.values()].flatMap((numbers) => [...numbers]))].sort((a, b) => a - b);
      const cells = (p) => experiment.points[p].rows.flatMap((row, i) => {
        const number = [...row.name.matchAll(SPELLED)].find(([, other]) => other === name);
        return number && families.get(familyOf(row.name, name)).size > 1 ? [{ line: familyOf(row.name, name), value: Number(number[2]), p, i }] : [];
      });
      found.push({ name: `spelled ${name}`, label: `${name} in the spelling`, numeric: true, values, cells });
    }
    experiment.parameters = found;
    return found;
  };

  /** A share such as "10%" as its number, so that it stands after "3%". */
  function share(value) {
    return /^[\d.]+ *%$/.test(value) ? Number.parseFloat(value) : value;
  }

  /** A contender's spelling with one parameter left open. */
  function familyOf(contender, name) {
    return contender.replaceAll(SPELLED, (whole, other) => (other === name ? `${name}=…` : whole));
  }

  /** The metrics that can be followed: those that vary over the cells of `parameter` at all. */
  assay.varying = (experiment, cells) => experiment.columns.map((column, j) => [column, j]).filter(([, j]) => {
    const known = new Set(cells.map(({ p, i }) => experiment.points[p].values[i][j]).filter((value) => value !== null));
    return known.size > 1;
  });
})();
