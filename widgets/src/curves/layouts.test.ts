import { expect, it } from 'vitest';
import { SavedLayouts } from './layouts.ts';

it('keeps layouts by name, in place of one that has it, and removes them', () => {
  const layouts = new SavedLayouts();
  layouts.save(' Paper ', { smoother: 'mean' });
  layouts.save('Paper', { smoother: 'none' });
  layouts.save('x'.repeat(99), {});
  expect(Object.keys(layouts.value)).toEqual(['Paper', 'x'.repeat(60)]);
  expect(layouts.value.Paper).toEqual({ smoother: 'none' });
  layouts.remove('Paper');
  expect(Object.keys(layouts.value)).toEqual(['x'.repeat(60)]);
});

it('takes what is well formed of what was kept, and tells nobody when that is what it has', () => {
  const layouts = new SavedLayouts();
  let told = 0;
  layouts.subscribe(() => told++);
  layouts.restore({ Paper: { smoother: 'mean' }, broken: 7, list: [] });
  layouts.restore({ Paper: { smoother: 'mean' } });
  layouts.restore(null);
  expect([layouts.value, told]).toEqual([{ Paper: { smoother: 'mean' } }, 1]);
});
