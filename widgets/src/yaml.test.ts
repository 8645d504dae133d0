import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { yamlOf } from './yaml.ts';

it('a configuration as YAML reads back as it was, in YAML 1.1 too', () => {
  const config = {
    learning_rate: 1e-7,
    beta: 0,
    run_name: 'yes: "no"\n#',
    modality: null,
    reward_funcs: ['a', 'b.ts'],
    flag: true,
    kwargs: { x: 1 },
    max: -2e21,
  };
  for (const version of ['1.1', '1.2'] as const) expect(parse(yamlOf(config), { version })).toEqual(config);
});
