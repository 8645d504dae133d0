/** Text from outside that is the name of something every object has: no route looks it up there. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROUTES } from '../../kernel-bridge/src/protocol/routes.ts';
import { reached, testServer, type TestServer } from './harness.ts';

const NAMES = ['constructor', '__proto__', 'toString'];

let t: TestServer;
let run: string;
beforeAll(async () => {
  t = await testServer({ port: 0 });
  ({ id: run } = await t.client.createRun(t.config({ max_steps: 3 })));
  await reached(t.client, run, 'finished');
});
afterAll(() => t.close());

/** Status of the answer; `body` is JSON text, in which __proto__ is a key like others. */
async function status(method: string, path: string, body?: string): Promise<number> {
  const { port } = t.server.address as { port: number };
  const headers = { authorization: `Bearer ${t.server.secret}`, 'content-type': 'application/json' };
  return (await fetch(`http://127.0.0.1:${port}/api${path}`, { method, headers, body: method === 'GET' ? undefined : body })).status;
}

it.each(NAMES)('%s as a parameter, a part of a path, a key and a value is answered by every route', { timeout: 600_000 }, async (name) => {
  for (const [route, { method, path }] of Object.entries(ROUTES)) {
    const ofRun = path.replaceAll(':id', run).replaceAll(/:\w+/g, name);
    const asked: [string, string?][] = [
      [`${ofRun}?${name}=1`, '{}'],
      [path.replaceAll(/:\w+/g, name), '{}'],
      [ofRun, `{"${name}":{"${name}":1},"request_id":"${name}"}`],
    ];
    for (const [where, body] of asked) expect(await status(method, where, body), `${route}: ${where} ${body}`).toBeLessThan(500);
  }
  const further: [string, string, string?][] = [
    ['PATCH', `/runs/${run}/rewards`, `{"weights":{"${name}":2},"base_revision":1}`],
    ['PATCH', `/runs/${run}/rewards`, `{"parameters":{"${name}":{"${name}":2}},"base_revision":1}`],
    ['PATCH', `/runs/${run}/settings`, `{"settings":{"${name}":2}}`],
    ['POST', '/runs', `{"config":{"${name}":2}}`],
    ['PATCH', `/runs/${run}/annotations`, `{"tags":["${name}"],"name":"${name}","notes":"${name}"}`],
    ['GET', `/runs/${run}/metrics?names=${name}`],
    ['GET', `/runs/table?sort=${name}&columns=${name}`],
    ['GET', `/search?text=${name}&function=${name}&modality=${name}&question_type=${name}`],
  ];
  for (const [method, path, body] of further) expect(await status(method, path, body), `${method} ${path} ${body}`).toBeLessThan(500);
});

it.each(NAMES)('%s is no name of a reward', async (name) => {
  const file = join(t.home, `${name}.js`);
  writeFileSync(file, 'export default (all) => all.map(() => 1);');
  const config = t.config({ reward_funcs: [file] });
  await expect(t.client.createRun(config)).rejects.toMatchObject({ code: 'REWARD_NAME' });
  await expect(t.client.createRun(t.config({ reward_funcs: [name] }))).rejects.toMatchObject({ http: 422 });
  const { id } = await t.client.createRun(t.config({ max_steps: 3 })); // the other one lies in the trash: its routes were asked
  const edit = `{"weights":{"${name}":2},"base_revision":1,"author":"a","reason":""}`;
  expect(await status('PATCH', `/runs/${id}/rewards`, edit)).toBe(422);
  expect((await t.client.rewards(id)).length).toBe(1);
});
