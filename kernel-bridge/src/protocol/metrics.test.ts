import { describe, expect, it } from 'vitest';
import { METRICS, describeMetric } from './metrics.ts';

describe('the table of metrics', () => {
  it('finds a row by the name that is logged', () => {
    expect(describeMetric('rewards/accuracy/mean')?.name).toBe('rewards/{function}/mean');
    expect(describeMetric('answers/none')?.unit).toBe('share');
    expect(describeMetric('rewards/accuracy')).toBeUndefined();
    expect(describeMetric('lossy')).toBeUndefined();
  });

  it('names each metric once, and every name leads back to its own row', () => {
    for (const info of METRICS) expect(describeMetric(info.name.replaceAll(/\{\w+\}/g, 'x'))).toBe(info);
  });
});
