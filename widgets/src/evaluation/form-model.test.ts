import { describe, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { EvaluationFormModel } from './form-model.ts';

const NOTHING = { dataset: null, run: null, model: null };

async function made(begin: Partial<Parameters<EvaluationFormModel['begin']>[0]> = {}) {
  const connector = new FakeConnector({
    runs: [{ id: 'a', steps: 90, variant: 'no-think' }],
    data: { datasets: [{ name: 'omnimedvqa', items: 50 }] },
  });
  const model = new EvaluationFormModel(connector);
  await model.begin({ ...NOTHING, ...begin });
  const sent: unknown[] = [];
  connector.evals.start = (request) => {
    sent.push(request);
    return Promise.resolve({ id: 'e1' }) as never;
  };
  return { connector, model, sent, typed: () => model.state.value.typed };
}

it('every field has a title, a group and a description', async () => {
  const { model } = await made();
  for (const { key, title, group, description } of model.fields)
    expect([key, title !== key, group !== 'Other', description !== '']).toEqual([key, true, true, true]);
});

it('a run brings its newest checkpoint, its prompt and its data; a directory takes its place', async () => {
  const { model, typed, sent } = await made({ run: 'a', dataset: 'omnimedvqa', model: 'm' });
  expect(typed()).toMatchObject({ run: 'a', step: '60', variant: 'no-think', model: '' });
  await model.chooseRun('');
  model.set('model', '/models/m');
  model.set('dataset', 'omnimedvqa');
  expect(await model.start()).toBe('e1');
  expect(sent).toEqual([
    { model: '/models/m', variant: 'no-think', dataset: 'omnimedvqa', split: 'modality/test', controls: ['blank-image', 'option-prior'] },
  ]);
});

it('the run that was chosen last counts, however late the one before is told', async () => {
  const { connector, model, typed } = await made();
  const late = Promise.withResolvers<void>();
  const { run } = connector;
  connector.run = async (id, ...rest) => {
    if (id === 'slow') await late.promise;
    return run.call(connector, 'a', ...rest);
  };
  const first = model.chooseRun('slow');
  await model.chooseRun('');
  late.resolve();
  await first;
  expect(typed()).toMatchObject({ run: '', step: '', variant: 'think' });
});

describe('what is wrong is said at its field, and nothing is sent', () => {
  it('numbers out of bounds, and what is needed', async () => {
    const { model, sent } = await made();
    model.set('max_new_tokens', '9000');
    model.set('limit', 'many');
    expect(await model.start()).toBeNull();
    expect(model.state.value.problems).toEqual({ dataset: 'Needed.', max_new_tokens: 'At most 8192.', limit: 'Not a number.' });
    model.set('limit', '');
    expect(model.state.value.problems).toEqual({});
    expect(sent).toEqual([]);
  });

  it('what the server says of a key', async () => {
    const { connector, model } = await made({ dataset: 'omnimedvqa', model: 'm' });
    const refused = { code: 'REQUEST_INVALID', message: 'body split: no split of that name', remedy: 'Choose another.' };
    connector.evals.start = () => Promise.reject(Object.assign(new Error(refused.message), refused));
    expect(await model.start()).toBeNull();
    expect(model.state.value.problems).toEqual({ split: 'body split: no split of that name. Choose another.' });
  });
});

it('offers the splits of the data set that is named', async () => {
  const { model } = await made({ dataset: 'omnimedvqa' });
  await expect.poll(() => model.splits.length).toBeGreaterThan(2);
  model.set('dataset', '/data/elsewhere');
  expect(model.splits).toEqual(['modality/test', 'question_type/test']);
});
