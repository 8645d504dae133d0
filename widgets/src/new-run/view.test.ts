// @vitest-environment jsdom
import { TrainConfig } from '@medr1/kernel-bridge/protocol';
import { afterEach, expect, it, vi } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { settled, until } from '../../testing/until.ts';
import type { HostFiles } from '../host-files.ts';
import { Workbench } from '../store/workbench.ts';
import './view.ts';
import type { NewRunView } from './view.ts';

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function view(files: HostFiles | null) {
  const connector = new FakeConnector({ schema: JSON.parse(JSON.stringify(TrainConfig)), runs: [{ id: 'a', name: 'parent', steps: 100 }] });
  workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-new-run') as NewRunView, { workbench, files });
  document.body.append(element);
  await settled();
  const row = (name: string) => element.shadowRoot!.querySelector<HTMLElement>(`[data-reward=${name}]`);
  const find = <T extends HTMLElement>(selector: string) => element.shadowRoot!.querySelector<T>(selector)!;
  return { connector, element, row, find };
}

it('keeps what is typed when it is closed and when the page is loaded again, until it is cleared', async () => {
  const { element, find } = await view(null);
  const type = async (key: string, value: string): Promise<void> => {
    const field = find<HTMLInputElement>(`#field-${key}`);
    field.value = value;
    field.dispatchEvent(new Event('input'));
    await settled();
  };
  expect(find('[data-testid=clear-form]')).toBeNull();
  await type('run_name', 'half filled');
  const kept = JSON.parse(JSON.stringify(workbench.newRunDraft));
  expect(kept.typed).toEqual({ run_name: 'half filled' });

  element.remove();
  const again = Object.assign(document.createElement('medr1-new-run') as NewRunView, { workbench, files: null });
  document.body.append(again);
  await settled();
  const nameOf = (one: NewRunView) => one.shadowRoot!.querySelector<HTMLInputElement>('#field-run_name')!.value;
  expect(nameOf(again)).toBe('half filled');
  again.shadowRoot!.querySelector<HTMLElement>('[data-testid=clear-form]')!.click();
  await settled();
  expect([nameOf(again), workbench.newRunDraft.value]).toEqual(['', null]);

  again.remove();
  workbench.dispose();
  const other = await view(null);
  workbench.newRunDraft.restore({ ...kept, files: 'none' });
  expect(workbench.newRunDraft.value).toBeNull();
  workbench.newRunDraft.restore(kept); // later than the form was drawn
  await settled();
  expect(nameOf(other.element)).toBe('half filled');
});

it('a refused start is seen where the reader is: at the field whose text it quotes, else in the foot; the names that there are can be chosen', async () => {
  const { connector, element, find } = await view(null);
  for (const [key, value] of Object.entries({ model_name_or_path: '/no/model', dataset_name: 'data' })) {
    const field = find<HTMLInputElement>(`#field-${key}`);
    field.value = value;
    field.dispatchEvent(new Event('input'));
  }
  const refuse = async (message: string): Promise<void> => {
    vi.spyOn(connector, 'createRun').mockRejectedValueOnce({ code: 'X', message, remedy: 'Mend it.' });
    find('form').dispatchEvent(new Event('submit', { cancelable: true }));
    await settled();
  };
  await refuse('The model directory /no/model does not exist.');
  expect(find('#field-model_name_or_path').getAttribute('aria-invalid')).toBe('true');
  expect(element.shadowRoot!.activeElement).toBe(find('#field-model_name_or_path'));
  await refuse('The disk is full.');
  expect(find('footer [data-testid=error]').textContent).toMatch(/The disk is full\.\s+Mend it\./);
  const offered = (key: string): string[] => [...find(`#field-${key}-list`).children].map((one) => (one as HTMLOptionElement).value);
  await until(() => expect(offered('dataset_name')).toContain('omnimedvqa'));
});

it('what the server could not be asked while it was gone is asked again once it is back', async () => {
  const { connector, find } = await view(null);
  vi.spyOn(connector, 'checkConfig').mockRejectedValueOnce({ code: 'BACKEND_LOST', message: 'It ended.', remedy: 'Wait.' });
  for (const [key, value] of Object.entries({ model_name_or_path: 'model', dataset_name: 'data' })) {
    const field = find<HTMLInputElement>(`#field-${key}`);
    field.value = value;
    field.dispatchEvent(new Event('input'));
  }
  await until(() => expect(find('footer').textContent).toContain('It ended.'));
  connector.connection.set('connecting');
  connector.connection.set('open');
  await until(() => expect(find('[data-testid=estimate]').textContent).toContain('needs'));
  expect(find('footer [data-testid=error]')).toBeNull();
});

it('starts a pair: the variant that is chosen beside no-think, both selected', async () => {
  const { connector, element, find } = await view(null);
  const commands: string[] = [];
  element.addEventListener('medr1-command', (event) => commands.push((event as CustomEvent<{ id: string }>).detail.id));
  for (const [key, value] of Object.entries({ model_name_or_path: 'model', dataset_name: 'data' })) {
    const field = find<HTMLInputElement>(`#field-${key}`);
    field.value = value;
    field.dispatchEvent(new Event('input'));
  }
  find('[data-testid=start-pair]').click();
  await settled();
  expect(connector.calls.find(([name]) => name === 'createPair')).toEqual([
    'createPair',
    { model_name_or_path: 'model', dataset_name: 'data' },
    ['think', 'no-think'],
  ]);
  expect(workbench.selection.value.runs).toEqual(['new-think', 'new-no-think']);
  expect(commands).toEqual(['open-pair']);
});

it('says before a start what a run takes: memory of each process, the fewest devices, rollouts a second', async () => {
  const { connector, find } = await view(null);
  const said = async (estimate: FakeConnector['options']['estimate'], name: string): Promise<string> => {
    connector.options.estimate = estimate;
    for (const [key, value] of Object.entries({ model_name_or_path: 'model', dataset_name: 'data', run_name: name })) {
      const field = find<HTMLInputElement>(`#field-${key}`);
      field.value = value;
      field.dispatchEvent(new Event('input'));
    }
    return until(() => {
      const text = find('[data-testid=estimate]').textContent.replaceAll(/\s+/g, ' ');
      expect(text).toMatch(estimate?.least_devices === null ? /no number of devices like these is enough/ : /at least/);
      return text;
    });
  };
  const text = await said(
    {
      processes: 2,
      least_devices: 2,
      total_bytes: 3e9,
      available_bytes: 4e9,
      seconds_per_step: 2,
      seconds_from: 'run a',
      rollouts_per_s: 16,
    },
    'one',
  );
  expect(text).toMatch(
    /needs 2\.79 GiB of 3\.73 GiB in each of 2 processes 2 devices at least about 2\.0 s a step, .* 16 rollouts a second/,
  );
  await said({ fits: false, least_devices: null }, 'two');
});

it('reward functions are rows: chosen in the host, weighted, refused with the reason, removed', async () => {
  let saved: (path: string) => void = () => {};
  let source = 'export default () => { throw 1; };';
  const files: HostFiles = {
    chooseRewards: () => Promise.resolve(['work/short.ts']),
    read: () => Promise.resolve(source),
    onSaved: (listener) => {
      saved = listener;
      return { close: () => {} };
    },
  };
  const { element, row, find } = await view(files);
  find('[data-testid=choose-rewards]').click();
  await until(() =>
    expect(row('short')!.textContent).toMatch(/short.*work\/short\.ts.*⚠ reward short \(short\.ts:2\) cannot be read as a program/s),
  );
  await until(() => expect(find('[data-testid=estimate]').textContent).toMatch(/to put right/));
  source = 'export default () => [];';
  saved('work/short.ts');
  await until(() => expect(row('short')!.querySelector('[data-testid=reward-state]')!.textContent).toMatch(/✓ tests 3\/3/));
  const weight = row('short')!.querySelector<HTMLInputElement>('[data-testid=reward-weight]')!;
  weight.value = '0.3';
  weight.dispatchEvent(new Event('change'));
  row('format')!.querySelector<HTMLButtonElement>('[data-testid=remove-reward]')!.click();
  await settled();
  expect(row('format')).toBeNull();
  expect([...element.shadowRoot!.querySelectorAll<HTMLInputElement>('[data-testid=reward-weight]')].map(({ value }) => value)).toEqual([
    '1',
    '0.3',
  ]);
});

it('without a dialog paths are typed; one that leads nowhere says so', async () => {
  const { row, find } = await view(null);
  expect(find('[data-testid=choose-rewards]')).toBeNull();
  const path = find<HTMLInputElement>('[data-testid=reward-path]');
  path.value = 'rewards/gone.ts';
  path.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', cancelable: true }));
  await until(() => expect(row('gone')!.textContent).toMatch(/rewards\/gone\.ts cannot be read.*Check the path/s));
  expect(path.value).toBe('');
});

it('a built-in function is added from the list, which then leaves it out', async () => {
  const { row, find } = await view(null);
  const add = find<HTMLSelectElement>('[data-testid=add-built-in]');
  add.value = 'accuracy_tolerant';
  add.dispatchEvent(new Event('change'));
  await settled();
  expect(row('accuracy_tolerant')).not.toBeNull();
  expect([...add.options].map(({ value }) => value)).not.toContain('accuracy_tolerant');
});

it.each(['learning_rate', 'temperature'])(
  'Start with a wrong %s starts nothing and goes to it, also where it was folded away',
  async (key) => {
    const { connector, element, find } = await view(null);
    for (const [name, text] of [
      ['model_name_or_path', 'model'],
      ['dataset_name', 'data'],
      [key, 'abc'],
    ]) {
      const field = find<HTMLInputElement>(`#field-${name}`);
      field.value = text;
      field.dispatchEvent(new Event('input'));
    }
    await settled();
    find('form').dispatchEvent(new Event('submit', { cancelable: true }));
    const field = find(`#field-${key}`);
    await until(() => expect(element.shadowRoot!.activeElement).toBe(field));
    expect(field.closest('details')?.open ?? true).toBe(true);
    expect(connector.calls.some(([name]) => name === 'createRun')).toBe(false);
  },
);

it('parameters of a built-in function go with it into the configuration, and out of it', async () => {
  const { row, find } = await view(null);
  const add = find<HTMLSelectElement>('[data-testid=add-built-in]');
  add.value = 'soft_overlong_punishment';
  add.dispatchEvent(new Event('change'));
  await settled();
  const cache = row('soft_overlong_punishment')!.querySelector<HTMLInputElement>(
    '[data-parameter=soft_punish_cache] [data-testid=parameter-value]',
  )!;
  cache.value = '7';
  cache.dispatchEvent(new Event('change'));
  await settled();
  const typed = () => find<HTMLInputElement>('#field-reward_parameters').value;
  expect(typed()).toBe('{"soft_overlong_punishment":{"soft_punish_cache":7}}');
  row('soft_overlong_punishment')!.querySelector<HTMLButtonElement>('[data-testid=remove-reward]')!.click();
  await settled();
  expect(typed()).toBe('');
});

it('a fork is the same form: from where, what differs from the parent, and what the checkpoint decides', async () => {
  const { connector, find } = await view(null);
  const commands: string[] = [];
  document.body.addEventListener('medr1-command', (event) => commands.push((event as CustomEvent<{ id: string }>).detail.id));
  const parent = await connector.run('a');
  workbench.draft.set({ config: {}, fork: { parent, step: parent.checkpoints.at(-1)!.step } });
  await settled();
  expect(find('[data-testid=fork]').textContent).toMatch(new RegExp(`Fork of ${parent.summary.name}.*Nothing is changed`, 's'));
  await until(() => expect(find('[data-testid=estimate]').textContent).toMatch(/steps, to/));
  expect([find('[data-testid=start-pair]'), find('input#field-model_name_or_path'), find('input#field-run_name')]).toEqual([
    null,
    null,
    expect.anything(),
  ]);
  const temperature = find<HTMLInputElement>('#field-temperature');
  temperature.value = '0.7';
  temperature.dispatchEvent(new Event('input'));
  await settled();
  expect(find('[data-change=temperature]').textContent).toMatch(/1\s*→\s*0\.7/);
  expect(find('[data-testid=field-temperature] [data-testid=was]').textContent).toBe('was 1');
  find('form').dispatchEvent(new Event('submit', { cancelable: true }));
  await until(() => expect(commands).toEqual(['open-curves']));
  expect(workbench.selection.value.runs).toEqual(['fork', 'a']);
  expect(find('[data-testid=fork]')).toBeNull();
});
