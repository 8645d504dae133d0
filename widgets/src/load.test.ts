import { expect, it } from 'vitest';
import { Doing, Latest, type Load } from './load.ts';

const failure = { code: 'DISK_FULL', message: 'The disk is full.', remedy: 'Make room.' };

/** A question whose answers are given by hand, with the signals it was asked under. */
function questions() {
  const asked: (PromiseWithResolvers<string> & { signal: AbortSignal })[] = [];
  const read = (signal: AbortSignal): Promise<string> => {
    const one = { ...Promise.withResolvers<string>(), signal };
    asked.push(one);
    return one.promise;
  };
  return { asked, read };
}

function made() {
  const latest = new Latest<string>();
  const told: Load<string>[] = [];
  latest.subscribe(() => told.push(latest.value));
  return { latest, told, ...questions() };
}

it('waits, then has come', async () => {
  const { latest, told, asked, read } = made();
  expect([latest.value, latest.isPending]).toEqual([{ status: 'idle' }, false]);
  const answer = latest.ask(read);
  expect([latest.value, latest.isPending]).toEqual([{ status: 'loading' }, true]);
  asked[0].resolve('one');
  expect(await answer).toEqual({ status: 'ready', value: 'one' });
  expect([latest.answer, latest.error, latest.isPending]).toEqual(['one', null, false]);
  expect(told).toEqual([{ status: 'loading' }, { status: 'ready', value: 'one' }]);
});

it('a failure is kept as it can be read, also one that is thrown at once', async () => {
  const { latest, asked, read } = made();
  const answer = latest.ask(read);
  asked[0].reject(failure);
  expect(await answer).toEqual({ status: 'error', error: failure });
  expect([latest.error, latest.answer, latest.isPending]).toEqual([failure, null, false]);
  await latest.ask(() => {
    throw Object.assign(new Error(failure.message), failure);
  });
  expect(latest.error).toMatchObject(failure);
});

it('the last call wins: the one before is aborted, and its answer or failure is dropped', async () => {
  const { latest, told, asked, read } = made();
  const answers = [latest.ask(read), latest.ask(read), latest.ask(read)];
  expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
  asked[2].resolve('three');
  asked[0].resolve('one');
  asked[1].reject(failure);
  expect(await Promise.all(answers)).toEqual([null, null, { status: 'ready', value: 'three' }]);
  expect(latest.answer).toBe('three');
  expect(told).toHaveLength(2); // loading once, then the answer
});

it('an answer stays, marked as stale, where that is asked for; a failure takes its place', async () => {
  const { latest, asked, read } = made();
  void latest.ask(read, { keep: true });
  expect(latest.value.status).toBe('loading');
  asked[0].resolve('one');
  await expect.poll(() => latest.answer).toBe('one');
  const second = latest.ask(read, { keep: true });
  expect(latest.value).toEqual({ status: 'ready', value: 'one', stale: true });
  asked[1].resolve('two');
  await second;
  expect(latest.value).toEqual({ status: 'ready', value: 'two' });
  const third = latest.ask(read, { keep: true });
  asked[2].reject(failure);
  await third;
  expect(latest.answer).toBeNull();
  void latest.ask(read);
  expect(latest.value).toEqual({ status: 'loading' });
});

it('is asked once for a key, failed or not; another key, another question or a retry asks', async () => {
  const { latest, asked, read } = made();
  void latest.askOnce('a', read);
  expect(await latest.askOnce('a', read)).toBeNull();
  asked[0].reject(failure);
  await expect.poll(() => latest.error).not.toBeNull();
  void latest.askOnce('a', read);
  expect(asked).toHaveLength(1);
  void latest.retry();
  void latest.askOnce('a', read);
  expect(asked).toHaveLength(2);
  void latest.askOnce('b', read);
  expect([asked.length, asked[1].signal.aborted]).toEqual([3, true]);
  void latest.ask(read);
  void latest.askOnce('b', read);
  expect(asked).toHaveLength(5);
});

it('a retry before any question asks nothing', async () => {
  const { latest } = made();
  expect(await latest.retry()).toBeNull();
  expect(latest.value.status).toBe('idle');
});

it('stopping aborts and leaves what is here; what comes later is dropped, and the same key asks again', async () => {
  const { latest, asked, read } = made();
  const first = latest.askOnce('a', read);
  latest.stop();
  expect([asked[0].signal.aborted, latest.value.status, latest.isPending]).toEqual([true, 'idle', false]);
  asked[0].resolve('late');
  expect(await first).toBeNull();
  expect(latest.answer).toBeNull();
  const second = latest.askOnce('a', read);
  asked[1].resolve('two');
  await second;
  void latest.ask(read, { keep: true });
  latest.stop();
  expect(latest.value).toEqual({ status: 'ready', value: 'two' });
  latest.clear();
  expect(latest.value).toEqual({ status: 'idle' });
});

it('what is done runs to its end beside others, busy under its name, and a failure stays until the next thing is done', async () => {
  const doing = new Doing();
  const [one, two] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const done = [doing.do(() => one.promise, 'a'), doing.do(() => two.promise, 'b')];
  expect([doing.isBusy('a'), doing.isBusy('b'), doing.isBusy('c'), doing.isBusy()]).toEqual([true, true, false, true]);
  one.reject(failure);
  await done[0];
  expect([doing.isBusy('a'), doing.isBusy('b'), doing.error]).toEqual([false, true, failure]);
  two.resolve('done');
  expect(await Promise.all(done)).toEqual([null, { status: 'ready', value: 'done' }]);
  expect([doing.isBusy(), doing.error]).toEqual([false, failure]);
  await doing.do(() => Promise.resolve());
  expect(doing.error).toBeNull();
  await doing.do(() => Promise.reject(Object.assign(new Error(failure.message), failure)));
  doing.forgive();
  expect(doing.value).toEqual({ busy: [], error: null });
});
