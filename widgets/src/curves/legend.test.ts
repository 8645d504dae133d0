// @vitest-environment jsdom
import { render } from 'lit';
import { expect, it } from 'vitest';
import { legend } from './legend.ts';
import type { ChartLine } from './line.ts';
import type { Reading } from './readings.ts';

/** Of two runs, each with these metrics, the values 0, 1, 2, ... */
function drawn(names: readonly string[]): HTMLElement {
  const readings = ['a', 'b'].flatMap((id) =>
    names.map((name, at): Reading => {
      const line = {
        run: { series: { id } },
        who: `Run ${id}`,
        metric: name,
        name,
        label: `Run ${id} · ${name}`,
        colour: 'red',
        dash: 'solid',
      };
      return { line: line as unknown as ChartLine, x: 1, value: at, raw: at };
    }),
  );
  const page = document.createElement('div');
  render(legend(readings, true), page);
  return page;
}
const textsOf = (page: HTMLElement, selector: string): string[] =>
  [...page.querySelectorAll(selector)].map((one) => one.textContent!.trim());

it('of a few metrics each is a column, its name in full, with the value of each run', () => {
  const names = ['groups_all_right', 'groups_all_wrong', 'reward_zero_std'];
  const page = drawn(names);
  expect(textsOf(page, 'th[scope=col]')).toEqual(names);
  expect(textsOf(page, 'th[scope=row]')).toEqual(['Run a', 'Run b']);
  expect(textsOf(page, 'td.number')).toEqual(['0.00', '1.00', '2.00', '0.00', '1.00', '2.00']);
});

it('of more than there is room for, runs and metrics are named, each once', () => {
  const modalities = ['CT', 'Dermoscopy', 'Fundus', 'MRI', 'Microscopy', 'OCT', 'Ultrasound', 'X-Ray'];
  const page = drawn(modalities);
  expect(page.querySelector('table')).toBeNull();
  expect(textsOf(page, '.entry')).toEqual(['Run a', 'Run b', ...modalities]);
});
