import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { demoConfig, presets } from './presets.ts';

const sample = { dataset: '.medr1/sample', models: { model: 'examples/sample/model' } };

describe("the demo's configuration", () => {
  it('is none until the sample and a model for it are there', () => {
    expect(demoConfig({ sample: null })).toBeNull();
    expect(demoConfig({ sample: { dataset: '.medr1/sample', models: {} } })).toBeNull();
    expect(presets({ sample: null })).toEqual({});
  });

  it('is that of examples/recipes/demo.yaml', () => {
    const recipe = parse(readFileSync(resolve(import.meta.dirname, '../../../examples/recipes/demo.yaml'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(recipe).toMatchObject(demoConfig({ sample })!);
  });

  it("takes a variant's own model where there is one", () => {
    const models = { think: 'a', 'no-think': 'b' };
    expect(presets({ sample: { ...sample, models } })).toMatchObject({
      'demo-think': { model_name_or_path: 'a', variant: 'think' },
      'demo-no-think': { model_name_or_path: 'b', variant: 'no-think' },
      'demo-think-after': { model_name_or_path: 'a', variant: 'think-after' },
    });
  });
});
