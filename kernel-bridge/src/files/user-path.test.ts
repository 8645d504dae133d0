import { homedir } from 'node:os';
import { expect, it } from 'vitest';
import { expandHome } from './user-path.ts';

it.each([
  ['~', homedir()],
  ['~/data/set', `${homedir()}/data/set`],
  ['~other/data', '~other/data'],
  ['a~/b', 'a~/b'],
  ['', ''],
])('%s', (path, expanded) => expect(expandHome(path)).toBe(expanded));
