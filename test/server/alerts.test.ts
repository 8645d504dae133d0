/** Alerts of runs that a server follows: kept once, the same as afterwards, told to whom they are for. */
import { cpSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { register } from '../../kernel-bridge/src/cli/runs.ts';
import { runJson } from '../../kernel-bridge/src/cli/testing/run-json.ts';
import { createRun, openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { fakeLoadItems } from './fake-trainer.ts';
import { fakeConfig, reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
beforeEach(async () => {
  t = await testServer({ alerts: true });
  await t.client.setAlertRules({ thresholds: { kl_high: { mean: 0.005 } } }); // that of fake workers is 0.01
  vi.stubEnv('MEDR1_HOME', t.home);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await t.close();
});

const finished = async (config = {}): Promise<string> => {
  const { id } = await t.client.createRun(t.config({ max_steps: 60, ...config }));
  await reached(t.client, id, 'finished');
  return id;
};
const told = async (id: string) =>
  (await t.client.events(id, { kinds: ['alert'] })).events.flatMap((event) => (event.kind === 'alert' ? [event] : []));
const CUT = "(m) => m.now('reward') > 1.5 && `reward ${m.now('reward')}`";

it('a run is looked at while it trains, each onset stands in its log once, and `runs check` sees the same', async () => {
  const id = await finished();
  const { alerts, step } = await until(async () => {
    const found = await t.client.alerts(id);
    return found.step === 60 ? found : `looked at ${found.step} steps`;
  });
  expect(alerts.length).toBeGreaterThan(0);
  const checked = await runJson([register], ['runs', 'check', id]);
  expect(checked).toMatchObject({ run: id, step });
  expect(checked.alerts).toEqual(JSON.parse(JSON.stringify(alerts)));
  const events = await until(async () => {
    const all = await told(id);
    return all.length === alerts.length ? all : `${all.length} of ${alerts.length} told`;
  });
  expect(events.map(({ code, since, by }) => [code, since, by])).toEqual(alerts.map(({ rule, since }) => [rule, since, 'rule']));
});

it('a run that was copied into the home is looked at, too', async () => {
  const elsewhere = await testServer();
  const { id } = await elsewhere.client.createRun(elsewhere.config({ max_steps: 60 }));
  await reached(elsewhere.client, id, 'finished');
  expect((await elsewhere.client.events(id, { kinds: ['alert'] })).events).toEqual([]);
  cpSync(join(elsewhere.home, 'runs', id), join(t.home, 'runs', id), { recursive: true });
  await elsewhere.close();
  await until(async () => (await told(id)).some(({ code }) => code === 'kl_high') || 'nothing told yet');
});

it('thresholds and rules that are off count for all runs and for one; a snoozed alert leaves the summary', async () => {
  const id = await finished();
  const [first] = (await t.client.alerts(id)).alerts;
  const rules = async () => (await t.client.alerts(id)).alerts.map(({ rule }) => rule);
  const { alerts } = await t.client.alertSettings(id, { off: [first.rule] });
  expect(alerts.map(({ rule }) => rule)).not.toContain(first.rule);
  await t.client.alertSettings(id, { off: [] });
  expect(await rules()).toContain(first.rule);
  await t.client.setAlertRules({ off: [first.rule] });
  expect(await rules()).not.toContain(first.rule);
  await t.client.setAlertRules({ off: [] });
  await t.client.alertSettings(id, { snoozed: { [first.rule]: null } });
  expect((await t.client.alerts(id)).alerts.find(({ rule }) => rule === first.rule)).toMatchObject({ snoozed: true });
});

it("a rule of the user's own that is written is checked, with the line that is wrong, and nothing is kept", async () => {
  const check = async (source: string) => {
    const { error, line } = await t.client.checkAlertRule({ source });
    return [line, error];
  };
  expect(await check("(m) => {\n  const most: number = m.step;\n  return m.now('kl') > most;\n}")).toEqual([null, null]);
  expect(await check('(m) => {\n  return nothing.there;\n}')).toEqual([2, expect.stringMatching(/^ReferenceError: nothing/)]);
  expect(await check('(m) => {\n  return 1;')).toEqual([2, expect.any(String)]); // missed after the last line
  expect((await t.client.alertRules()).settings.rules).toEqual({});
});

it("a rule of the user's own is tried before it is taken, and looks at the runs from then on", async () => {
  await expect(t.client.setAlertRules({ rules: { mine: '(m) => {' } })).rejects.toMatchObject({ code: 'ALERT_RULE', http: 422 });
  expect((await t.client.alertRules()).settings.rules).toEqual({});
  await t.client.setAlertRules({ rules: { mine: CUT } });
  expect((await t.client.alertRules()).rules.at(-1)).toMatchObject({ id: 'mine', source: CUT });
  const id = await finished();
  const mine = await until(async () => (await t.client.alerts(id)).alerts.find(({ rule }) => rule === 'mine') ?? 'not seen yet');
  expect(mine).toMatchObject({ since: 3, seen: expect.stringContaining('reward 1.66') });
  await t.client.setAlertRules({ rules: { mine: "(m) => m.step > 20 && m.now('reward').toFixed(2).nothing.there" } }); // it works at step 1
  expect((await t.client.alerts(id)).failures).toEqual({ mine: expect.stringContaining('there') });
});

it("an alert of a client's rule is told once for each step since", async () => {
  const id = await finished({ max_steps: 5 });
  const raised = { rule: 'in a notebook', seen: 'KL above 0.3 \u202e', since: 4 };
  await t.client.raiseAlert(id, raised);
  const { alerts } = await t.client.raiseAlert(id, raised);
  expect(alerts.filter(({ rule }) => rule === 'in a notebook')).toMatchObject([{ since: 4, level: 'warning' }]);
});

it('a server that starts anew tells nothing twice', async () => {
  const id = await finished();
  await t.client.alerts(id);
  const before = (await told(id)).map(({ seq }) => seq);
  await t.server.close();
  const again = await testServer({ home: t.home, alerts: true });
  await again.client.alerts(id);
  expect((await again.client.events(id, { kinds: ['alert'] })).events.map(({ seq }) => seq)).toEqual(before);
  await again.close();
});

it.each([
  [{ off: ['truncatd'] }, /no rule "truncatd"; did you mean truncated/],
  [{ thresholds: { truncated: { sharp: 1 } } }, /rule truncated has no threshold "sharp"; did you mean share/],
])('refuses rules and thresholds that there are not: %j', async (change, message) => {
  const { id } = await t.client.createRun(t.config(), { start: false });
  await expect(t.client.setAlertRules(change)).rejects.toMatchObject({ code: 'REQUEST_INVALID', message: expect.stringMatching(message) });
  await expect(t.client.alertSettings(id, change)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  await expect(t.client.setAlertRules({ rules: { truncated: '() => false' } })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
});

it('a run without steps and one that is damaged have no alerts, and nothing breaks', async () => {
  using run = await createRun(t.home, fakeConfig(t.config().model_name_or_path as string), { loadItems: fakeLoadItems });
  expect(await t.client.alerts(run.row().id)).toMatchObject({ step: 0, alerts: [] });
  await expect(t.client.alerts('none')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
});

const listening = async (answer: (path: string) => [status: number, headers: Record<string, string>]) => {
  const got: { path: string; body: string; type: string | undefined }[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      got.push({ path: request.url!, body, type: request.headers['content-type'] });
      response.writeHead(...answer(request.url!)).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { got, address: `http://127.0.0.1:${port}`, close: () => new Promise((done) => server.close(done)) };
};

it('the webhook gets each warning once, and no word of a completion', async () => {
  const hook = await listening(() => [204, {}]);
  await t.client.setAlertRules({ rules: { mine: CUT }, webhook: `${hook.address}/in` });
  const id = await finished();
  await until(() => hook.got.some(({ body }) => body.includes('mine')) || 'nothing sent yet');
  const sent = hook.got.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  const mine = sent.filter(({ rule }) => rule === 'mine');
  expect(mine).toHaveLength(1);
  expect(Object.keys(mine[0]).toSorted()).toEqual(['level', 'name', 'rule', 'run', 'seen', 'since', 'text', 'title', 'why']);
  expect(mine[0]).toMatchObject({ run: id, since: 3 });
  expect(sent.some(({ level }) => level === 'info')).toBe(false);
  expect(hook.got.map(({ body }) => body).join()).not.toContain('cyst');
  await hook.close();
});

it('a redirect of the webhook is not followed, and a dead address costs the run nothing', async () => {
  const other = await listening(() => [204, {}]);
  const hook = await listening((path) => (path === '/in' ? [307, { location: `${other.address}/taken` }] : [204, {}]));
  await t.client.setAlertRules({ rules: { mine: CUT }, webhook: `${hook.address}/in` });
  await finished();
  await until(() => hook.got.length > 0 || 'nothing sent yet');
  await Promise.all([hook.close(), other.close()]);
  expect(other.got).toEqual([]);
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  const id = await finished({ run_name: 'nobody listens' });
  using run = openRun(t.home, id);
  expect(run.summary().state).toBe('finished');
  const why = new RegExp(`did not take mine of run ${id}: fetch failed: .*ECONNREFUSED`);
  await until(() => said.mock.calls.some(([line]) => why.test(String(line))) || 'the log does not say why');
  said.mockRestore();
  const told = (await t.client.alerts(id)).alerts.filter(({ rule }) => rule === 'WEBHOOK_FAILED');
  expect(told).toEqual([
    expect.objectContaining({
      ...{ title: 'Webhook failed', level: 'warning', since: 3 },
      seen: expect.stringMatching(/^The webhook did not take "mine" of step 3: fetch failed: .*ECONNREFUSED/),
    }),
  ]);
});

it.each(['ftp://example.org/x', 'javascript:alert(1)', 'http://me:secret@example.org/', 'no address'])(
  'takes no webhook %s',
  async (webhook) => {
    await expect(t.client.setAlertRules({ webhook })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    expect((await t.client.alertRules()).settings.webhook).toBeNull();
  },
);
