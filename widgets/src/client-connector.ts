/** The connector over the client of kernel-bridge: websocket and REST, in JupyterLab through its relay. */
import type { Client } from '@medr1/kernel-bridge/client';
import type { ConnectionState, Connector } from './connector.ts';
import { Observable } from './observable.ts';

export function clientConnector(client: Client): Connector {
  const connection = new Observable<ConnectionState>(client.status);
  client.onStatus((status) => connection.set(status === 'open' && client.polling ? 'polling' : status));
  return {
    ...client,
    connection,
    subscribeView: (onMove, onReset) => ({ close: client.subscribe('view', { onReset }, onMove) }),
    subscribeRun: (id, { epoch, since }, onEvent, onReset) => ({
      close: client.subscribe(`run:${id}`, { epoch, since, onReset }, onEvent),
    }),
    subscribeEvals: (onEvent, onReset) => ({ close: client.subscribe('evals', { onReset }, onEvent) }),
    subscribeRuns: (onEvent, onReset) => ({ close: client.subscribe('runs', { onReset }, onEvent) }),
  };
}
