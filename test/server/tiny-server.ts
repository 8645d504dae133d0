/** A server whose workers train a real model, of a few thousand weights, on a data set of its own. */
import { resolve } from 'node:path';
import { makeTiny, type Tiny } from '../../kernel-bridge/src/rl/testing/tiny.ts';
import { testServer, type TestServer } from './harness.ts';
import { loadTinyItems, writeTinyItems } from './tiny-items.ts';

export interface TinyServer extends AsyncDisposable {
  tiny: Tiny;
  server: TestServer;
}

/** `home`: an existing directory to use; without it the server gets a new one. */
export async function tinyServer(options: { home?: string } = {}): Promise<TinyServer> {
  const tiny = await makeTiny();
  await writeTinyItems(tiny);
  const workerModule = resolve(import.meta.dirname, 'tiny-worker.ts');
  const server = await testServer({ ...options, workerModule, loadItems: loadTinyItems });
  return {
    tiny,
    server,
    async [Symbol.asyncDispose]() {
      await server.close();
      await tiny[Symbol.asyncDispose]();
    },
  };
}
