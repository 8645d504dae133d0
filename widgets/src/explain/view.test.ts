// @vitest-environment jsdom
import { afterEach, describe, expect, it } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled, until } from '../../testing/until.ts';
import type { AskAttribution, ExplainTarget } from '../connector.ts';
import { readable } from '../marked.ts';
import { visible } from '../rollouts/tokens.ts';
import { fullAt, peakOf } from './heat-map.ts';
import type { Subject } from './model.ts';
import './view.ts';
import type { ExplainPanel } from './view.ts';

afterEach(() => document.body.replaceChildren());

const HOSTILE = '<img src=x onerror=alert(1)> **bold** \u202e\u200b \u001b[31m';
const subject = (changes: Partial<Subject> = {}): Subject => ({
  target: { run: 'a', rollout: { step: 3, group: 0, completion: 1 } },
  text: '<think> It is round. So it is B. </think> <answer> B </answer>',
  options: ['cyst', HOSTILE].map((text, index) => ({ letter: 'AB'[index], text, index })),
  image: 'image.png',
  ...changes,
});

async function panel(changes: Partial<Subject> = {}, options: Partial<FakeOptions> = {}, token: number | null = null) {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps: 7 }], ...options });
  const element = Object.assign(document.createElement('medr1-explain') as ExplainPanel, { connector, subject: subject(changes), token });
  document.body.append(element);
  await settled();
  const find = <E extends HTMLElement>(testid: string): E | null => element.shadowRoot!.querySelector<E>(`[data-testid=${testid}]`);
  const press = async (testid: string): Promise<void> => {
    find(testid)!.click();
    await settled();
  };
  const pick = async (testid: string, value: string): Promise<void> => {
    const control = find<HTMLSelectElement | HTMLInputElement>(testid)!;
    control.value = value;
    control.dispatchEvent(new Event('change'));
    control.dispatchEvent(new Event('input'));
    await settled();
  };
  const asked = <T>(name: string): T[] => connector.calls.filter(([call]) => call === `explain.${name}`).map(([, target]) => target as T);
  return { connector, element, find, press, pick, asked };
}

describe('where it looked', () => {
  it('asks nothing before it is told to, then for the chosen token by the chosen method', async () => {
    const { find, press, pick, asked } = await panel({}, {}, 4);
    expect(asked('attribution')).toEqual([]);
    await pick('map-method', 'occlusion');
    await pick('map-against', 'A');
    await press('map-ask');
    const ask = { run: 'a', rollout: { step: 3, group: 0, completion: 1 }, method: 'occlusion', token: 4, against: ['A'] } as const;
    expect(asked<AskAttribution>('attribution')).toEqual([{ ...ask, orders: 0 }, ask]); // the map, then its check
    expect(find('map')!.textContent).toContain('against A');
    expect(find('map')!.querySelectorAll('rect')).toHaveLength(49);
  });

  it('prints on the map what deletion and insertion say of it, and which policy was asked', async () => {
    const { find, press } = await panel();
    await press('map-ask');
    expect(find('map-verdict')!.dataset.verdict).toBe('better');
    expect(find('map-verdict')!.textContent).toMatch(/Better than 10 of 10 random orders/);
    expect(find('map')!.textContent!.replace(/\s+/g, ' ')).toContain('the model that the run starts from, the nearest to step 2');
    expect(find('map')!.querySelector('.heard')!.textContent).toMatch(/the largest value, .*row 3, column 5/);
  });

  it('shows the map while it is checked, and says that nothing vouches for it where the check is given up', async () => {
    const { connector, find, press } = await panel();
    const { attribution } = connector.explain;
    const checks: AbortSignal[] = [];
    connector.explain.attribution = (ask = {}, signal) => {
      if (ask.orders === 0) return attribution(ask, signal);
      checks.push(signal!);
      return new Promise<never>(() => {}); // a check that takes its time
    };
    await press('map-ask');
    expect(find('map')!.querySelectorAll('rect')).toHaveLength(49);
    expect(find('map-verdict')!.textContent).toContain('held against ten random orders');
    expect(find('map-verdict')!.querySelector('progress')).not.toBeNull();
    await press('map-ask-cancel');
    expect(checks.map(({ aborted }) => aborted)).toEqual([true]);
    expect(find('map')!.querySelectorAll('rect')).toHaveLength(49);
    expect(find('map-verdict')!.textContent).toContain('Not checked');
    expect(find('map-ask')!.textContent).toBe('Show the map');
  });

  it('colours the words too where the method gives them values', async () => {
    const { find, press, pick } = await panel();
    await press('map-ask');
    expect(find('map-words')).toBeNull();
    await pick('map-method', 'gradient');
    await press('map-ask');
    expect(find('map-words')!.textContent).toContain('▣What is shown?');
  });

  it('asks the newest policy where that is chosen', async () => {
    const { press, pick, asked } = await panel();
    await pick('explain-policy', 'newest');
    await press('map-ask');
    expect(asked<ExplainTarget>('attribution')[0].policy).toBe('newest');
  });

  it('is given up, and asked again', async () => {
    const { connector, find, press } = await panel();
    connector.options.silent = true;
    await press('map-ask');
    await press('map-ask-cancel');
    expect(find('map-ask')!.textContent).toBe('Show the map');
    connector.options.silent = false;
    connector.options.failure = { code: 'DATA_IMAGE', message: 'The image is gone.', remedy: 'Put it back.' };
    await press('map-ask');
    await until(() => expect(find('explain-where')!.textContent).toContain('Put it back.'));
  });
});

describe('when it decided', () => {
  it('shows each option after each sentence, and where it decided', async () => {
    const { find, press } = await panel();
    await press('decision-ask');
    const sentences = [...find('decision')!.querySelectorAll('.sentences li')].map((one) => one.textContent!.trim().replace(/\s+/g, ' '));
    expect(sentences[0]).toMatch(/^before it reasons/);
    expect(sentences[1]).toMatch(/decided$/);
    const table = find('decision')!.querySelectorAll('.heard tr');
    expect(table).toHaveLength(sentences.length + 1);
  });

  it('asks again with other words, order and image, and sets the two beside each other', async () => {
    const { find, press, pick, asked } = await panel();
    await press('decision-ask');
    await press('change');
    await pick('change-text', 'Other words');
    find('change-form')!.querySelectorAll<HTMLElement>('[data-testid=option-up]')[1].click();
    await settled();
    await pick('change-image', 'blank');
    await press('change-ask');
    expect(asked<ExplainTarget>('decision')[1]).toEqual({
      run: 'a',
      rollout: { step: 3, group: 0, completion: 1 },
      text: 'Other words',
      order: [1, 0],
      blank: true,
    });
    expect(find('compared')!.querySelectorAll('tbody tr').length).toBeGreaterThan(1);
  });

  it('asks as it was said where nothing was changed', async () => {
    const { press, asked } = await panel();
    await press('change');
    await press('change-ask');
    expect(asked<ExplainTarget>('decision')).toEqual([{ run: 'a', rollout: { step: 3, group: 0, completion: 1 } }]);
  });

  it('shows hostile text as text', async () => {
    const { element, press } = await panel({ text: HOSTILE });
    await press('change');
    expect(element.shadowRoot!.querySelector('img[src=x]')).toBeNull();
    expect(element.shadowRoot!.querySelector('.order')!.textContent).toContain('<img src=x onerror=alert(1)>');
  });

  it('shows hostile reasoning as text in sentences, chart and table, and what turns text round as an escape', async () => {
    const said = `<think> It says ${HOSTILE}. So it is B. </think> <answer> B </answer>`;
    const { element, find, press, pick } = await panel();
    await press('change');
    await pick('change-text', said);
    await press('change-ask');
    const shown = readable(HOSTILE);
    expect(shown).toContain('\\u202e');
    expect(find('changed')!.querySelector('.sentences')!.textContent).toContain(shown);
    expect(find('changed')!.querySelector('.heard')!.textContent).toContain(shown);
    expect(element.shadowRoot!.querySelectorAll('img[src=x], script, b, strong')).toHaveLength(0);
    expect(visible(' \u202e\u200b\n')).toBe('·\\u202e\\u200b⏎');
  });
});

it('another completion begins anew', async () => {
  const { element, find, press } = await panel();
  await press('map-ask');
  element.subject = subject({ target: { run: 'a', rollout: { step: 3, group: 0, completion: 2 } } });
  await settled();
  expect(find('map')).toBeNull();
});

describe('the scale of a map', () => {
  it('has its full colour at the largest value, or where 98 % of the sum is reached', () => {
    const values = [...new Array<number>(99).fill(1), -1000];
    expect(fullAt(values, 'largest')).toBe(1000);
    expect(fullAt([...new Array<number>(100).fill(1), 2], 'cut')).toBe(1);
    expect([fullAt([], 'cut'), fullAt([0, 0], 'largest')]).toEqual([0, 0]);
  });

  it('finds its peak', () => {
    expect(peakOf([[0, -5], [3, 1]])).toEqual({ row: 2, column: 1, value: 3 }); // prettier-ignore
  });
});
