/** What is refused leaves no run, row or process behind, and says what was wrong. */
import { createServer } from 'node:http';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServer } from '../../kernel-bridge/src/server/server.ts';
import { fakeLoadItems } from './fake-trainer.ts';
import { ENDLESS, makeHome, reached, testServer, type TestServer } from './harness.ts';

let t: TestServer;
beforeEach(async () => {
  t = await testServer();
});
afterEach(() => t.close());

describe('a new run', () => {
  it.each([
    ['an unknown key', { learning_rat: 1 }, { code: 'CONFIG_UNKNOWN_KEY', http: 422, remedy: 'Did you mean "learning_rate"?' }],
    ['a value of the wrong type', { beta: 'x' }, { code: 'CONFIG_INVALID', http: 422 }],
    ['a model that does not exist', { model_name_or_path: '/nowhere/model' }, { code: 'MODEL_MISSING' }],
    ['a model without weights', { model_name_or_path: '..' }, { code: 'MODEL_MISSING' }],
  ])('with %s is refused and leaves nothing', async (_, changes, error) => {
    await expect(t.client.createRun(t.config(changes))).rejects.toMatchObject(error);
    expect(readdirSync(join(t.home, 'runs'))).toEqual([]);
    expect(await t.client.runs()).toEqual([]);
  });

  it('on data without a usable question is refused and leaves nothing', async () => {
    await t.server.close();
    const unusable = async (root: string) => ({ root, items: [{ problem: 'image-missing' }] as never, left_out: 0, hash: '' });
    const { home, model, remove } = makeHome();
    const other = await testServer({ home, loadItems: unusable });
    await expect(other.client.createRun({ model_name_or_path: model, dataset_name: 'd' })).rejects.toMatchObject({ code: 'DATA_EMPTY' });
    expect(readdirSync(join(home, 'runs'))).toEqual([]);
    await other.close();
    remove();
  });

  it('sent twice with one request id is made once', async () => {
    const send = () =>
      fetch(url('/runs'), {
        method: 'POST',
        headers: headers(),
        body: JSON.stringify({ config: t.config(), start: false, request_id: 'r1' }),
      });
    const [a, b] = await Promise.all([send(), send()]);
    expect(((await a.json()) as { id: string }).id).toBe(((await b.json()) as { id: string }).id);
    expect(await t.client.runs()).toHaveLength(1);
  });

  it('of another configuration under a request id that was used is refused', async () => {
    const send = (config: Record<string, unknown>): Promise<Response> =>
      fetch(url('/runs'), { method: 'POST', headers: headers(), body: JSON.stringify({ config, start: false, request_id: 'r2' }) });
    expect((await send(t.config())).status).toBe(200);
    const other = await send(t.config({ max_steps: 7 }));
    expect([other.status, ((await other.json()) as { code: string }).code]).toEqual([409, 'REQUEST_ID_USED']);
    expect(await t.client.runs()).toHaveLength(1);
  });
});

const port = (): number => (t.server.address as { port: number }).port;
const url = (path: string): string => `http://127.0.0.1:${port()}/api${path}`;
const headers = (): Record<string, string> => ({ authorization: `Bearer ${t.server.secret}`, 'content-type': 'application/json' });

it.each([
  ['POST', '/runs', 'not json', 400, 'REQUEST_INVALID'],
  ['POST', '/runs', '[1]', 400, 'REQUEST_INVALID'],
  ['POST', '/runs', '{"config": {}, "extra": 1}', 400, 'REQUEST_INVALID'],
  ['POST', '/runs', JSON.stringify({ config: { run_name: 'x'.repeat(17 << 20) } }), 413, 'REQUEST_TOO_LARGE'],
  ['GET', '/runs/..%2f..%2fetc', undefined, 404, 'RUN_UNKNOWN'],
  ['GET', '/runs/20260101-000000-aaaa', undefined, 404, 'RUN_UNKNOWN'],
  ['POST', '/runs/20260101-000000-aaaa/actions', '{"action": "start"}', 404, 'RUN_UNKNOWN'],
])('%s %s with body %.40s answers %i %s', async (method, path, body, status, code) => {
  const answer = await fetch(url(path), { method, headers: headers(), body });
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code]);
});

it.each([
  ['POST', '/generate', '{"temperatur": 1, "question": "x"}', /no "temperatur" \(did you mean "temperature"\?\)/],
  ['POST', '/runs', '{"config": {}, "reward_fils": {}}', /did you mean "reward_files"/],
  ['GET', '/runs/x/metrics?max_point=3', undefined, /no "max_point" \(did you mean "max_points"\?\); there are /],
])('a name that there is not is answered by the one that is meant: %s %s', async (method, path, body, message) => {
  const answer = await fetch(url(path), { method, headers: headers(), body });
  expect([answer.status, (await answer.json()) as object]).toEqual([
    400,
    expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringMatching(message) }),
  ]);
});

describe('an action that the state does not allow', () => {
  it('is refused with the state and what to do', async () => {
    const { id } = await t.client.createRun(t.config({ max_steps: 2 }));
    await reached(t.client, id, 'finished');
    await expect(t.client.action(id, 'resume')).rejects.toMatchObject({
      code: 'RUN_CONFLICT',
      http: 409,
      message: `Run ${id} is finished: it cannot resume.`,
    });
    await expect(t.client.action(id, 'pause')).rejects.toMatchObject({ code: 'RUN_CONFLICT' });
    await expect(t.client.action(id, 'dance' as never)).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: /"dance" is none of start, pause/,
    });
  });

  it('deleting is refused while it trains, and moves the run to the trash afterwards', async () => {
    const { id } = await t.client.createRun(t.config(ENDLESS));
    await reached(t.client, id, 'running');
    await expect(t.client.deleteRun(id)).rejects.toMatchObject({ http: 409 });
    await t.client.action(id, 'stop');
    await reached(t.client, id, 'stopped');
    const { trash } = await t.client.deleteRun(id);
    expect(statSync(join(trash, 'run.db')).isFile()).toBe(true);
    await expect(t.client.run(id)).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
  });
});

it('a trainer that throws ends its run as failed with the reason, and the server goes on', async () => {
  const { id } = await t.client.createRun(t.config({ run_name: 'fail-at-3' }));
  const { error, step } = await reached(t.client, id, 'failed');
  expect(error?.message).toBe('the trainer failed at step 3');
  expect(step).toBe(2);
  expect((await t.client.log(id)).join('\n')).toContain('the trainer failed at step 3');
  await t.client.server();
});

it.each([
  ['no-probabilities', 'the model gave no probabilities'],
  ['no-image', 'an image of the test split cannot be read'],
])('an evaluation while training that fails (%s) is an alert, and the run goes on', async (run_name, message) => {
  const { id } = await t.client.createRun(t.config({ run_name, eval_steps: 2, dataset_test_split: 'test' }));
  await reached(t.client, id, 'finished');
  const { events } = await t.client.events(id);
  const alerts = events.filter((event) => event.kind === 'alert' && event.message === message);
  expect(alerts.map(({ step }) => step)).toEqual([2, 4]);
});

it('a full disk pauses the run with a clear state, and it goes on by itself when there is room', async () => {
  const { id } = await t.client.createRun(t.config({ run_name: 'full', save_steps: 2 }));
  await reached(t.client, id, 'finished');
  const { events } = await t.client.events(id);
  const paused = events.find((event) => event.kind === 'state' && event.state === 'paused');
  expect(paused).toMatchObject({ step: 2, error: { code: 'DISK_FULL' } });
  expect(events.filter(({ kind }) => kind === 'checkpoint').map(({ step }) => step)).toEqual([2, 4, 5]);
});

it('a taken port, a second server on the home and a live socket are named', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const number = (taken.address() as { port: number }).port;
  const { home, remove } = makeHome();
  const options = { home, loadItems: fakeLoadItems };
  await expect(startServer({ ...options, port: number })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: `Port ${number} is taken by another program.`,
  });
  expect(readdirSync(home)).not.toContain('server.json');
  await expect(startServer({ ...options, home: t.home })).rejects.toMatchObject({ code: 'SERVER_RUNNING' });
  const first = await startServer({ ...options, socket: join(home, 's') });
  const other = makeHome();
  await expect(startServer({ ...options, home: other.home, socket: join(home, 's') })).rejects.toMatchObject({ code: 'SOCKET_TAKEN' });
  await first.close();
  writeFileSync(join(home, 'notes.txt'), 'mine');
  await expect(startServer({ ...options, socket: join(home, 'notes.txt') })).rejects.toMatchObject({ code: 'SOCKET_UNUSABLE' });
  expect(readFileSync(join(home, 'notes.txt'), 'utf8')).toBe('mine');
  taken.close();
  remove();
  other.remove();
});

it('server.json and the socket are readable by the owner only', async () => {
  const { home, remove } = makeHome();
  const server = await startServer({ home, loadItems: fakeLoadItems, socket: join(home, 's') });
  expect([statSync(join(home, 'server.json')).mode & 0o777, statSync(join(home, 's')).mode & 0o777]).toEqual([0o600, 0o600]);
  await server.close();
  expect(readdirSync(home)).not.toContain('server.json');
  remove();
});

describe('images', () => {
  let id: string;
  let root: string;
  beforeEach(async () => {
    const config = t.config();
    root = config.dataset_name as string;
    mkdirSync(join(root, 'Images'));
    await sharp({ create: { width: 40, height: 20, channels: 3, background: 'red' } })
      .jpeg()
      .toFile(join(root, 'Images', 'a b.jpg'));
    writeFileSync(join(root, 'Images', 'cut.jpg'), 'no image');
    writeFileSync(join(root, 'Images', 'x.svg'), '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
    symlinkSync('/etc/passwd', join(root, 'Images', 'out.jpg'));
    ({ id } = await t.client.createRun(config, { start: false }));
  });

  it('are sent as PNG that no page can run, at most as large as asked', async () => {
    const answer = await fetch(t.client.imageUrl(id, 'Images/a b.jpg', 10), { headers: headers() });
    expect(answer.headers.get('content-type')).toBe('image/png');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('content-security-policy')).toContain('sandbox');
    expect(await sharp(Buffer.from(await answer.arrayBuffer())).metadata()).toMatchObject({ width: 10, height: 5, format: 'png' });
  });

  it.each([
    ['../config.yaml', 'PATH_REFUSED'],
    ['/etc/passwd', 'PATH_REFUSED'],
    ['Images/../../x', 'PATH_REFUSED'],
    ['', 'PATH_REFUSED'],
    ['Images/\0.jpg', 'PATH_REFUSED'],
    ['Images', 'IMAGE_MISSING'],
    ['Images/none.jpg', 'IMAGE_MISSING'],
    ['Images/cut.jpg', 'IMAGE_UNREADABLE'],
    ['Images/x.svg', 'IMAGE_UNREADABLE'],
    ['Images/out.jpg', 'IMAGE_UNREADABLE'], // a link that the user made is followed, and what it leads to is no picture
  ])('%j is refused as %s', async (path, code) => {
    await expect(t.client.image(id, { path })).rejects.toMatchObject({ code });
  });
});
