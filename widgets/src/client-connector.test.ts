import type { Client } from '@medr1/kernel-bridge/client';
import { expect, it } from 'vitest';
import { clientConnector } from './client-connector.ts';

it('tells polling apart from a websocket', () => {
  let tell: (status: 'open' | 'connecting') => void = () => {};
  const client = { status: 'closed', polling: false, onStatus: (listener: typeof tell) => (tell = listener) };
  const { connection } = clientConnector(client as unknown as Client);
  const seen: string[] = [];
  connection.subscribe(() => seen.push(connection.value));
  tell('open');
  tell('connecting');
  client.polling = true;
  tell('open');
  expect(seen).toEqual(['open', 'connecting', 'polling']);
});
