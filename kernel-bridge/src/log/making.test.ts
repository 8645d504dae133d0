import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { becomeTogether, clearAway, Making } from './making.ts';

let parent: string;
beforeEach(() => (parent = mkdtempSync(join(tmpdir(), 'medr1-making-'))));
afterEach(() => rmSync(parent, { recursive: true }));

/** As a process that was killed leaves it. */
function left(name: string, files: Record<string, string> = {}): void {
  mkdirSync(join(parent, name));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(parent, name, file), text);
  writeFileSync(join(parent, `${name}.lock`), '');
}

it('a folder has its name once it is whole, and nothing stays of one that was given up', () => {
  {
    using given_up = Making.in(parent);
    writeFileSync(join(given_up.directory, 'a'), 'a part');
  }
  expect(readdirSync(parent)).toEqual([]);
  {
    using making = Making.in(parent);
    writeFileSync(join(making.directory, 'a'), 'all');
    expect(existsSync(join(parent, 'whole'))).toBe(false);
    making.become(join(parent, 'whole'));
  }
  expect(readdirSync(parent, { recursive: true })).toEqual(['whole', join('whole', 'a')]);
});

it('what a killed process left is cleared away by the next, and what another one makes is not', () => {
  left('.making-01234567', { a: 'a part' });
  writeFileSync(join(parent, '.making-89abcdef.lock'), ''); // killed between the two
  mkdirSync(join(parent, '.making-00000000')); // of a version without locks
  mkdirSync(join(parent, 'mine'));
  using one = Making.in(parent);
  using other = Making.in(parent);
  expect(
    readdirSync(parent)
      .filter((name) => !name.endsWith('.lock'))
      .toSorted(),
  ).toEqual(
    [one.directory, other.directory]
      .map((path) => path.slice(parent.length + 1))
      .toSorted()
      .concat('mine'),
  );
});

it('of several that belong together all have their names or none', () => {
  const [a, b] = ['a', 'b'].map((name) => join(parent, name));
  using first = Making.in(parent);
  {
    using second = Making.in(parent);
    becomeTogether([
      { making: first, target: a },
      { making: second, target: b },
    ]);
  }
  expect(
    readdirSync(parent, { recursive: true })
      .filter((name) => !String(name).endsWith('.lock'))
      .toSorted(),
  ).toEqual(['a', 'b']);
  // killed after the first had its name, and before
  left('.making-01234567', { 'belongs.json': '["a","c"]', content: '' });
  left('.making-89abcdef', { 'belongs.json': '["not there","d"]', content: '' });
  left('.making-00000000', { 'belongs.json': '["a","b"]', content: '' });
  clearAway(parent);
  expect(readdirSync(join(parent, 'c'))).toEqual(['content']);
  expect(
    readdirSync(parent)
      .filter((name) => !name.startsWith('.'))
      .toSorted(),
  ).toEqual(['a', 'b', 'c']);
});

it('where one of several cannot have its name none has', () => {
  using first = Making.in(parent);
  using second = Making.in(parent);
  const [a, b] = ['a', 'b'].map((name) => join(parent, name));
  mkdirSync(b);
  writeFileSync(join(b, 'taken'), '');
  expect(() =>
    becomeTogether([
      { making: first, target: a },
      { making: second, target: b },
    ]),
  ).toThrow();
  expect(existsSync(a)).toBe(false);
  expect(readdirSync(b)).toEqual(['taken']);
});
