import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonParts } from '../files/json-parts.ts';
import { completeConfig } from './config.ts';
import { tableLines } from './export.ts';
import { longMetrics, minMaxRows, readMetrics } from './metrics.ts';
import { RunStore } from './store.ts';

const column = fc.array(fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), { freq: 5 }), { minLength: 1, maxLength: 400 });

describe('minMaxRows', () => {
  it('keeps every stretch’s smallest and largest value of every column, the first row and the last', () => {
    fc.assert(
      fc.property(fc.array(column, { minLength: 1, maxLength: 3 }), fc.integer({ min: 2, max: 60 }), (columns, maxPoints) => {
        const length = Math.min(...columns.map((each) => each.length));
        const rows = minMaxRows(columns, length, maxPoints);
        expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
        expect([rows[0], rows.at(-1)]).toEqual([0, length - 1]);
        const buckets = Math.floor(maxPoints / 2);
        for (const values of columns) {
          for (let b = 0; b < buckets && length > maxPoints; b++) {
            const [start, end] = [Math.floor((b * length) / buckets), Math.floor(((b + 1) * length) / buckets)];
            const all = values.slice(start, end).filter((value) => value !== null);
            const kept = rows.filter((i) => i >= start && i < end).flatMap((i) => values[i] ?? []);
            if (all.length === 0) continue;
            expect(Math.min(...kept)).toBe(Math.min(...all));
            expect(Math.max(...kept)).toBe(Math.max(...all));
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a spike one step wide among 100,000', () => {
    const values = new Array<number | null>(100_000).fill(1);
    values[54_321] = 1000;
    const rows = minMaxRows([values], values.length, 500);
    expect(rows).toContain(54_321);
    expect(rows.length).toBeLessThanOrEqual(502);
  });

  it('keeps everything when it fits', () => {
    expect(minMaxRows([[3, 1, 2]], 3, 3)).toEqual([0, 1, 2]);
  });
});

describe('a long run', () => {
  let directory: string;
  let run: RunStore;
  const STEPS = 2500;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'medr1-metrics-'));
    const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
    run = RunStore.create(directory, { id: 'x', name: 'x', parent: null, config, root: '', data_hash: '' });
    run.db.exec('PRAGMA synchronous = OFF');
    for (let step = 1; step <= STEPS; step++) {
      const odd = { 207: NaN, 1507: -Infinity }[step] ?? step;
      const seldom: Record<string, number> = step % 100 === 7 ? { seldom: odd } : {};
      run.commitStep({ step, metrics: { loss: 1 / step, none: null, ...seldom }, groups: [] });
    }
  });
  afterAll(() => {
    run[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });
  const told = (table: object): unknown => JSON.parse([...jsonParts(table)].join(''));

  it.each([{}, { names: ['seldom', 'unknown'] }, { from: 1024, to: 2049 }, { from: 3000 }, { names: [] }])(
    'read in stretches is what it is read as a whole: %j',
    (query) => {
      const whole = readMetrics(run.db, query);
      expect(told(longMetrics(() => run, query))).toEqual(JSON.parse(JSON.stringify(whole)));
      expect(whole.step).toHaveLength({ 1024: 1026, 3000: 0 }[query.from ?? 0] ?? STEPS);
    },
  );

  it('of which a part is wanted has the rows that all of it has there', () => {
    const [whole, part] = [readMetrics(run.db, {}), readMetrics(run.db, { max_points: 60 })];
    expect(part.step.length).toBeLessThan(200);
    expect(part.non_finite).toEqual(whole.non_finite);
    for (const [at, step] of part.step.entries())
      for (const name of Object.keys(whole.metrics)) expect(part.metrics[name][at]).toBe(whole.metrics[name][step - 1]);
  });

  it('is a table of as many lines as steps', () => {
    const lines = [...tableLines(run, 'csv')].join('').split('\n');
    expect(lines).toHaveLength(STEPS + 2);
    expect(lines[0]).toBe('step,time_ms,"loss","none","seldom"');
    const { time } = readMetrics(run.db, {});
    expect([lines[1], lines[7], lines[207], lines[2407]]).toEqual([
      `1,${time[0]},1,,`,
      `7,${time[6]},${1 / 7},,7`,
      `207,${time[206]},${1 / 207},,NaN`,
      `2407,${time[2406]},${1 / 2407},,2407`,
    ]);
  });

  it('that is rolled back while it is read breaks off', () => {
    const column = longMetrics(() => run, {}).metrics.loss[Symbol.iterator]();
    column.next();
    run.dropAfter(STEPS - 1, { revisions: 'drop' });
    expect(() => column.next()).toThrow(expect.objectContaining({ code: 'RUN_CONFLICT' }));
  });
});
