import { TrainConfig } from '@medr1/kernel-bridge/protocol';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import type { RunDetail } from '../connector.ts';
import type { HostFiles } from '../host-files.ts';
import { NewRunModel } from './model.ts';

let connector: FakeConnector;
let model: NewRunModel;
const called = (name: string) => connector.calls.filter(([one]) => one === name);

beforeEach(async () => {
  vi.useFakeTimers();
  connector = new FakeConnector({ schema: JSON.parse(JSON.stringify(TrainConfig)), runs: [{ id: 'a', name: 'parent', steps: 100 }] });
  model = new NewRunModel(connector);
  await model.load();
  model.set('model_name_or_path', 'model');
  model.set('dataset_name', 'data');
  return () => vi.useRealTimers();
});

describe('checking', () => {
  it('asks the server once after a pause in typing, then for the estimate', async () => {
    await vi.runAllTimersAsync();
    expect(called('checkConfig')).toHaveLength(1);
    expect(model.state.value.estimate?.fits).toBe(true);
  });

  it('asks nothing while the form itself sees a problem', async () => {
    model.set('temperature', '-1');
    await vi.runAllTimersAsync();
    expect(called('checkConfig')).toHaveLength(0);
    expect(model.state.value.problems).toEqual({ temperature: 'Greater than 0.' });
  });

  it('puts the refusal of the server at the key it names', async () => {
    connector.checkConfig = () =>
      Promise.reject({ code: 'C', message: 'per_device_train_batch_size is no multiple of 8', remedy: 'Choose 8 or 16.' });
    await vi.runAllTimersAsync();
    expect(model.state.value.problems).toEqual({
      per_device_train_batch_size: 'per_device_train_batch_size is no multiple of 8. Choose 8 or 16.',
    });
    expect(model.state.value.refusal).toBeNull();
  });
});

it("a preset's name goes on to tell the variant, one of one's own stays", () => {
  model.apply({ id: 'demo', config: { run_name: 'Demo, think', variant: 'think' } });
  model.set('variant', 'no-think');
  expect(model.state.value.typed).toMatchObject({ run_name: 'Demo, no-think', variant: 'no-think' });
  model.set('run_name', 'mine');
  model.set('variant', 'think');
  expect(model.state.value.typed).toMatchObject({ run_name: 'mine', variant: 'think' });
});

describe('starting', () => {
  it('sends only what differs from the defaults', async () => {
    model.set('learning_rate', '1e-4');
    expect(await model.start()).toMatchObject({ id: 'new' });
    expect(called('createRun')[0][1]).toEqual({ model_name_or_path: 'model', dataset_name: 'data', learning_rate: 1e-4 });
  });

  it('with a needed key missing starts nothing and says which', async () => {
    model.set('dataset_name', '');
    expect(await model.start()).toBeNull();
    expect(called('createRun')).toHaveLength(0);
    expect(model.state.value.problems).toEqual({ dataset_name: 'Needed.' });
  });

  it('keeps the form and says why when the server refuses', async () => {
    connector.createRun = () => Promise.reject({ code: 'C', message: 'The disk is full.', remedy: 'Free some space.' });
    expect(await model.start()).toBeNull();
    expect(model.state.value).toMatchObject({ starting: false, refusal: { message: 'The disk is full.' } });
    expect(model.state.value.typed.model_name_or_path).toBe('model');
  });
});

describe('a fork', () => {
  const revision = (number: number, step: number, change: object) => ({ revision: number, step, sources: {}, ...change });
  async function parent(): Promise<RunDetail> {
    const detail = await connector.run('a');
    return {
      ...detail,
      config: { ...detail.config, run_name: 'parent', beta: 0.04 },
      rewards: [
        revision(1, 1, { weights: { accuracy: 1, format: 1 } }),
        revision(2, 5, { weights: { accuracy: 1, format: 0.3 }, settings: { beta: 0.01 } }),
      ] as unknown as RunDetail['rewards'],
    };
  }

  it('begins as its parent was at the checkpoint, and sends what differs', async () => {
    model.fork({ parent: await parent(), step: 8 });
    expect([model.changes, model.state.value.typed.beta, model.rewards.map(({ weight }) => weight)]).toEqual([[], '0.01', [1, 0.3]]);
    model.set('learning_rate', '1e-4');
    model.set('beta', '0.01');
    expect(await model.start()).toMatchObject({ id: 'fork', parent: 'a' });
    expect(called('fork')[0].slice(1)).toEqual(['a', { step: 8, config: { learning_rate: 1e-4 } }]);
    expect(called('createRun')).toEqual([]);
  });

  it('from another checkpoint keeps what was changed, and nothing else', async () => {
    model.fork({ parent: await parent(), step: 8 });
    model.set('temperature', '0.7');
    model.forkFrom(4);
    expect(model.changes.map(({ field, before, after }) => [field.key, before, after])).toEqual([['temperature', 1, 0.7]]);
    expect([model.state.value.typed.beta, model.state.value.typed.reward_weights]).toEqual(['0.04', '']);
    model.undo(model.changes[0]);
    expect(model.changes).toEqual([]);
  });

  it('tells all that is rewarded where one part of it changes', async () => {
    model.fork({ parent: await parent(), step: 8 });
    model.weighReward('format', 0);
    await model.start();
    expect(called('fork')[0][2]).toEqual({
      step: 8,
      config: {
        reward_funcs: ['accuracy', 'format'],
        reward_weights: [1, 0],
        reward_weight_schedules: null,
        reward_parameters: null,
      },
    });
  });

  it('takes changes that another view proposes; a key that there is not is told', async () => {
    model.fork({ parent: await parent(), step: 8 }, { loss_type: 'dr_grpo', betta: 1 });
    expect(model.changes.map(({ field }) => field.key)).toEqual(['loss_type']);
    expect(model.state.value.refusal).toMatchObject({ code: 'CONFIG_UNKNOWN_KEY', message: expect.stringContaining('betta') });
  });
});

describe('reward functions', () => {
  /** The host's files: what is in `texts` by path; `chosen` is what the dialog gives. */
  const host = (texts: Record<string, string>, chosen = Object.keys(texts)): HostFiles => ({
    chooseRewards: () => Promise.resolve(chosen),
    read: (path) => (path in texts ? Promise.resolve(texts[path]) : Promise.reject(new Error(`${path} cannot be read`))),
    onSaved: () => ({ close: () => {} }),
  });
  const withFiles = async (files: HostFiles): Promise<void> => {
    model = new NewRunModel(connector, files);
    await model.load();
    model.set('model_name_or_path', 'model');
    model.set('dataset_name', 'data');
    await model.chooseRewards();
    await vi.runAllTimersAsync();
  };

  it('that were chosen are looked at before the run starts, and sent with it', async () => {
    await withFiles(host({ 'work/short.ts': 'export default', 'work/other.js': 'export' }));
    expect(model.state.value.typed.reward_funcs).toBe('accuracy, format, short.ts, other.js');
    expect(model.state.value.rewards!['short.ts']).toMatchObject({ name: 'short', tests: { passed: 3, total: 3 }, error: null });
    model.weighReward('short.ts', 0.3);
    model.removeReward('other.js');
    expect(await model.start()).toMatchObject({ id: 'new' });
    expect(called('createRun')[0].slice(1)).toEqual([
      {
        ...{ model_name_or_path: 'model', dataset_name: 'data' },
        ...{ reward_funcs: ['accuracy', 'format', 'short.ts'], reward_weights: [1, 1, 0.3] },
      },
      { reward_files: { 'short.ts': 'export default' } },
    ]);
  });

  it('that cannot be used start no run, until the file is saved anew or the function removed', async () => {
    const texts: Record<string, string> = { 'short.ts': 'throw' };
    await withFiles(host(texts));
    model.addReward('gone.ts');
    await vi.runAllTimersAsync();
    expect(Object.values(model.state.value.rewards!).flatMap(({ name, error }) => (error ? [[name, error.code]] : []))).toEqual([
      ['short', 'REWARD_SYNTAX'],
      ['gone', 'REWARD_FILE'],
    ]);
    expect(model.wrongRewards).toBe(2);
    expect(await model.start()).toBeNull();
    expect(called('createRun')).toHaveLength(0);
    texts['short.ts'] = 'export default';
    await model.reread('elsewhere/short.ts');
    expect(model.state.value.files['short.ts'].source).toBe('throw');
    await model.reread('short.ts');
    model.removeReward('gone.ts');
    await vi.runAllTimersAsync();
    expect(model.wrongRewards).toBe(0);
    expect(await model.start()).toMatchObject({ id: 'new' });
  });

  it('are looked at once for each change of them, also while other keys are wrong', async () => {
    await vi.runAllTimersAsync();
    expect(called('checkRewards')).toHaveLength(1);
    model.set('temperature', '-1');
    model.set('learning_rate', '1e-4');
    await vi.runAllTimersAsync();
    expect(called('checkRewards')).toHaveLength(1);
    model.addReward('accuracy_tolerant');
    await vi.runAllTimersAsync();
    expect(called('checkRewards')).toHaveLength(2);
    expect(called('checkRewards')[1][1]).toMatchObject({ reward_funcs: ['accuracy', 'format', 'accuracy_tolerant'], variant: 'think' });
  });

  it('of a file that cannot be read, or with a name that is none, are refused with the reason', async () => {
    await withFiles(host({}, ['away.ts']));
    expect(model.state.value.refusal).toMatchObject({ message: 'away.ts cannot be read' });
    await withFiles(host({ 'a,b.ts': '' }));
    expect(model.state.value.refusal).toMatchObject({ code: 'REWARD_NAME' });
    expect(model.state.value.typed.reward_funcs).toBe('accuracy, format');
  });
});

it('a preset sets its keys and puts all others back', () => {
  model.set('beta', '0.5');
  model.apply({ id: 'p', config: { learning_rate: 1e-4 } });
  expect(model.state.value.typed).toMatchObject({ learning_rate: '0.0001', beta: '0.04', model_name_or_path: '' });
});

it('a preset leaves what another view has chosen, until that is dropped', () => {
  model.take({ dataset_name: 'omnimedvqa', modality: ['CT'] });
  const preset = { id: 'p', config: { dataset_name: 'sample', model_name_or_path: 'm' } };
  model.apply(preset);
  expect(model.state.value.typed).toMatchObject({ dataset_name: 'omnimedvqa', model_name_or_path: 'm' });
  expect(model.state.value.typed.modality).toContain('CT');
  model.dropCarried();
  model.apply(preset);
  expect(model.state.value.typed).toMatchObject({ dataset_name: 'sample' });
});

it('keys that another view has chosen come over what is typed, and clear what they leave empty', () => {
  model.set('learning_rate', '1e-4');
  model.set('dataset_train_split', 'old/train');
  model.take({ dataset_name: 'omnimedvqa', dataset_train_split: null, modality: ['CT', 'MRI'] });
  expect(model.state.value.typed).toMatchObject({
    dataset_name: 'omnimedvqa',
    dataset_train_split: '',
    modality: 'CT, MRI',
    learning_rate: '1e-4',
    model_name_or_path: 'model',
  });
});
