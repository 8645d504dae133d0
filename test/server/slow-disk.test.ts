/** A disk that takes its time: a commit stands in the journal for a while before anybody can read it. */
import { afterEach, expect, it } from 'vitest';
import { forkWorker } from '../../kernel-bridge/src/server/fork-worker.ts';
import { diskEnvironment, lacksDisk } from '../faults/disk.ts';
import { ENDLESS, reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer | undefined;
afterEach(() => t?.close());

const lacks = lacksDisk();

it.skipIf(lacks)(
  `lists and tables show the end of a run that was looked at while it was written${lacks ? ` (skipped: ${lacks})` : ''}`,
  async () => {
    t = await testServer({
      fork: (module, args, options) =>
        forkWorker(module, args, { ...options, env: { ...options.env, ...diskEnvironment({ dir: t!.home, slow_ms: 300 }) } }),
    });
    const { client } = t;
    const { id } = await client.createRun(t.config(ENDLESS));
    await reached(client, id, 'running');
    await client.action(id, 'stop');
    const look = async () => [(await client.runs())[0].state, (await client.runTable({ columns: ['state'] })).rows[0].values.state];
    await until(async () => {
      await look(); // also in the moment in which the end is on its way to the disk
      const { state } = (await client.run(id)).summary;
      return state === 'stopped' || state;
    });
    expect(await look()).toEqual(['stopped', 'stopped']);
  },
);
