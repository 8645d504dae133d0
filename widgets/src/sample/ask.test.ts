import { describe, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import type { GenerateRequest, Generation } from '../connector.ts';
import { Tries } from '../store/tries.ts';
import { AskModel, editOf, policiesOf } from './ask.ts';

const SET = 'omnimedvqa';

async function make(selected = ['a']) {
  const connector = new FakeConnector({
    runs: [
      { id: 'a', steps: 90, state: 'paused' },
      { id: 'b', steps: 0, variant: 'no-think' },
    ],
    data: { datasets: [{ name: SET, items: 50 }] },
  });
  const tries = new Tries();
  const model = new AskModel(connector, tries);
  const [runs, server] = await Promise.all([connector.runs(), connector.server()]);
  model.offer(runs, selected, server);
  await settled();
  const [item, other] = connector.data.all(SET).map(({ id }) => id);
  model.ask(SET, item);
  const requests = () => connector.calls.filter(([name]) => name === 'generate').map(([, request]) => request as GenerateRequest);
  return { connector, model, tries, item, other, requests, runs, server };
}

const outcomes = (model: AskModel): string[] =>
  model.state.value.tries[0].answers.map(({ variant, answer }) => `${variant} ${answer.status}`);

describe('who may answer', () => {
  it('selected runs with their checkpoints, other runs, then the models of the sample', async () => {
    const { model } = await make();
    expect(model.state.value.policies.map(({ group, label }) => `${group}: ${label}`)).toEqual([
      'Selected runs: a, newest policy (step 90)',
      'Selected runs: a, checkpoint of step 60',
      'Other runs: b, the model it starts from',
      'Made sample: model of the sample, think',
      'Made sample: model of the sample, no-think',
    ]);
    expect(model.policy?.request).toEqual({ run: 'a' });
  });

  it('a step of a run changes no choice and asks for no checkpoint', async () => {
    const { connector, model, runs, server } = await make();
    model.choose('run:a@60');
    connector.calls.length = 0;
    model.offer(
      [{ ...runs[1], step: 91 }, runs[0]].map((run) => (run.id === 'a' ? { ...run, step: 91 } : run)),
      ['a'],
      server,
    );
    await settled();
    expect(connector.calls).toEqual([]);
    expect(model.policy?.request).toEqual({ run: 'a', step: 60 });
  });

  it('a directory typed in; nobody while it is empty', async () => {
    const { model } = await make();
    model.setDirectory('  /models/Med-R1 ');
    expect(model.policy?.request).toEqual({ model: '/models/Med-R1' });
    model.setDirectory(' ');
    expect(model.policy).toBeNull();
  });

  it('nobody without runs and sample', () => expect(policiesOf([], [], new Map(), null)).toEqual([]));
});

describe('trying it', () => {
  it('asks each variant with the settings chosen', async () => {
    const { model, item, requests } = await make();
    model.set({ num: 2, temperature: 0.7, seed: 5 });
    await model.run();
    const common = { run: 'a', dataset: SET, item, num: 2, temperature: 0.7, max_new_tokens: 256, seed: 5, rewards: 'a' };
    expect(requests()).toEqual([
      { ...common, variant: 'think' },
      { ...common, variant: 'no-think' },
    ]);
    expect(model.isRunning).toBe(false);
    expect(outcomes(model)).toEqual(['think ready', 'no-think ready']);
  });

  it('shows the model a part of the image, or grey in its place, and keeps with the answers what it saw', async () => {
    const { model, item, other, requests } = await make();
    const crop = { left: 4, top: 0, width: 20, height: 10 };
    model.look({ crop });
    model.look({ blank: true });
    model.set({ variants: ['think'] });
    await model.run();
    expect(requests()).toMatchObject([{ item, crop, blank: true }]);
    expect(model.state.value.tries[0].look).toEqual({ blank: true, crop });
    model.look({ blank: false });
    model.edit({ question: 'What now?', image: 'a.png' });
    expect(model.state.value.look.crop).toEqual(crop);
    model.edit({ question: 'What now?', image: 'b.png' }); // of another image it is no part
    expect(model.state.value.look).toEqual({ blank: false, crop: null });
    model.look({ crop, blank: true });
    model.edit({ question: 'What now?', image: '' });
    await model.run();
    expect(requests().at(-1)).toMatchObject({ question: 'What now?' });
    expect(Object.keys(requests().at(-1)!)).not.toEqual(expect.arrayContaining(['blank']));
    model.ask(SET, other);
    expect(model.state.value.look).toEqual({ blank: false, crop: null });
  });

  it('asks for the rewards of the run that is selected first, whoever answers, unless they are switched off', async () => {
    const { model, requests } = await make(['b', 'a']);
    expect(model.scorer?.id).toBe('b');
    model.choose('model:sample/model');
    model.set({ variants: ['think'] });
    await model.run();
    model.set({ scored: false });
    await model.run();
    expect(requests().map(({ rewards }) => rewards)).toEqual(['b', undefined]);
  });

  it('a refusal of one variant leaves the other', async () => {
    const { connector, model } = await make();
    const { generate } = connector;
    const busy = { code: 'GENERATE_BUSY', message: 'Eight questions are waiting.', remedy: 'Ask again in a moment.' };
    connector.generate = (request = {}) =>
      request.variant === 'think' ? Promise.reject(Object.assign(new Error(busy.message), busy)) : generate(request);
    await model.run();
    expect(model.state.value.tries[0].answers).toMatchObject([
      { variant: 'think', answer: { status: 'error', error: busy } },
      { variant: 'no-think', answer: { status: 'ready' } },
    ]);
  });

  it('cancelling stops the request and keeps what has been answered', async () => {
    const { connector, model } = await make();
    const { generate } = connector;
    const signals = new Map<unknown, AbortSignal>();
    connector.generate = (request = {}, signal) => {
      signals.set(request.variant, signal!);
      return request.variant === 'think' ? new Promise<Generation>(() => {}) : generate(request);
    };
    void model.run();
    await settled();
    model.cancel();
    expect(signals.get('think')!.aborted).toBe(true);
    expect(model.isRunning).toBe(false);
    expect(outcomes(model)).toEqual(['no-think ready']);
  });

  it('another question drops the answers, and an answer that comes late is not taken for it', async () => {
    const { connector, model, other } = await make();
    const slow = Promise.withResolvers<Generation>();
    connector.generate = () => slow.promise;
    void model.run();
    model.ask(SET, other);
    slow.resolve({} as Generation);
    await settled();
    expect([model.isRunning, model.state.value.tries]).toEqual([false, []]);
  });

  it.each([
    ['num', '17', false],
    ['num', '1.5', false],
    ['temperature', '0.7', true],
    ['temperature', '', false],
    ['max_new_tokens', 'x', false],
    ['seed', '', true],
    ['seed', '-1', false],
  ] as const)('%s %j is taken: %s', async (key, text, taken) => {
    const { model } = await make();
    expect(model.setNumber(key, text)).toBe(taken);
  });
});

describe('the prompt', () => {
  it('is asked for only while it is looked at, once for each question, policy and variant', async () => {
    const { model, item, other, requests } = await make();
    expect(requests()).toEqual([]);
    model.openPrompt(true);
    model.openPrompt(true);
    await settled();
    expect(requests()).toEqual([{ run: 'a', dataset: SET, item, variant: 'think', num: 0 }]);
    expect(model.prompt.value).toMatchObject({ status: 'ready', value: { prompt: { image: { tokens: 196 } }, completions: [] } });
    model.ask(SET, other);
    model.showPrompt('no-think');
    model.choose('model:sample/model-no-think');
    expect(requests().slice(1)).toEqual([
      { run: 'a', dataset: SET, item: other, variant: 'think', num: 0 },
      { run: 'a', dataset: SET, item: other, variant: 'no-think', num: 0 },
      { model: 'sample/model-no-think', dataset: SET, item: other, variant: 'no-think', num: 0 },
    ]);
  });
});

it('answers keep the name of who gave them when another model is chosen', async () => {
  const { model } = await make();
  await model.run();
  model.choose('run:b');
  // without the step that the run had when it was asked: the answer has its own
  expect(model.state.value.tries[0].answers[0].policy).toEqual({ key: 'run:a', heading: 'a, newest policy' });
  expect(model.policy?.key).toBe('run:b');
});

describe('several policies, other words, and what was tried before', () => {
  it('each policy is asked each variant, at most four policies at once', async () => {
    const { model, requests } = await make();
    model.set({ variants: ['think'] });
    for (const key of ['run:a@60', 'run:b', 'run:a@60', 'run:a@60']) model.toggleBeside(key);
    await model.run();
    expect(requests().map(({ run, step }) => [run, step])).toEqual([
      ['a', undefined],
      ['a', 60],
      ['b', undefined],
    ]);
    expect(model.state.value.tries[0].answers.map(({ policy }) => policy.key)).toEqual(['run:a', 'run:a@60', 'run:b']);
    for (const { key } of model.state.value.policies.slice(1)) if (!model.state.value.beside.includes(key)) model.toggleBeside(key);
    expect(model.asked.length).toBe(4);
  });

  it('a try keeps the settings that it was made with, and those before stay below it', async () => {
    const { model } = await make();
    model.set({ variants: ['think'], temperature: 0.7, seed: 5 });
    await model.run();
    model.set({ temperature: 0 });
    await model.run();
    expect(model.state.value.tries.map(({ settings }) => settings.temperature)).toEqual([0, 0.7]);
    model.forget(model.state.value.tries[0].id);
    expect(model.state.value.tries.map(({ settings }) => settings)).toEqual([{ num: 1, temperature: 0.7, max_new_tokens: 256, seed: 5 }]);
  });

  it('the tries of a question are there again when it is looked at again', async () => {
    const { model, item, other } = await make();
    await model.run();
    model.ask(SET, other);
    expect(model.state.value.tries).toEqual([]);
    model.ask(SET, item);
    expect(outcomes(model)).toEqual(['think ready', 'no-think ready']);
  });

  it('another page shows them with their models and settings; those that were forgotten stay so', async () => {
    const { connector, model, tries, item, other } = await make();
    model.setNumber('temperature', '0.7');
    await model.run();
    model.look({ blank: true });
    await model.run();
    const kept = new Tries();
    kept.restore(JSON.parse(JSON.stringify(tries)));
    const page = new AskModel(connector, kept);
    page.ask(SET, item);
    const shown = ({ state }: AskModel) =>
      state.value.tries.map(({ settings, look, answers }) => [
        settings.temperature,
        look.blank,
        ...answers.map(({ policy, variant, answer }) => [policy.heading, variant, answer.status]),
      ]);
    expect(shown(page)).toEqual(shown(model));
    expect(shown(page)[1]).toEqual([0.7, false, ['a, newest policy', 'think', 'ready'], ['a, newest policy', 'no-think', 'ready']]);
    for (const { id } of page.state.value.tries) page.forget(id);
    page.ask(SET, other);
    page.ask(SET, item);
    expect(page.state.value.tries).toEqual([]);
  });

  it('other words go in place of the item, with the image, another one or none; another question is asked as it stands', async () => {
    const { model, other, requests } = await make();
    model.set({ variants: ['think'] });
    const edit = editOf({ question: 'Where?', options: ['left', 'right'], image: 'a.png' });
    expect(edit).toEqual({ question: 'Where? A)left, B)right', image: 'a.png' });
    model.edit(edit);
    await model.run();
    model.edit({ ...edit, image: '' });
    await model.run();
    const [own, none] = requests();
    expect(own).toMatchObject({ dataset: SET, question: 'Where? A)left, B)right', image: 'a.png' });
    expect([own.item, none.image]).toEqual([undefined, undefined]);
    expect(model.state.value.tries[1].edit).toEqual(edit);
    model.ask(SET, other);
    expect(model.state.value.edit).toBeNull();
    model.openPrompt(true);
    expect(requests().at(-1)).toMatchObject({ item: other });
  });
});
