/** The connector over the backend's own client: websocket and REST, in JupyterLab through its relay. */
import type { Client } from '@medr1/kernel-bridge/client';
import type { ConnectionState, Connector } from './connector.ts';
import { Observable } from './observable.ts';

export function clientConnector(client: Client): Connector {
  const connection = new Observable<ConnectionState>(client.status);
  client.onStatus((status) => connection.set(status));
  return {
    connection,
    data: client.data,
    evals: client.evals,
    generate: client.generate,
    server: client.server,
    schema: client.schema,
    checkConfig: async (config) => (await client.checkConfig(config)).config,
    estimate: client.estimate,
    runs: client.runs,
    createRun: (config, start, reward_files) => client.createRun(config, { start, reward_files }),
    run: client.run,
    deleteRun: async (id) => void (await client.deleteRun(id)),
    act: client.action,
    fork: (id, step, config, start) => client.fork(id, step, config, { start }),
    exportUrl: client.exportUrl,
    metrics: client.metrics,
    groups: async (id, query) => (await client.groups(id, query)).groups,
    tokenTexts: client.tokenTexts,
    events: async (id, query) => (await client.events(id, query)).events,
    editRewards: client.editRewards,
    builtInRewards: client.builtInRewards,
    checkRewards: client.checkRewards,
    tryRewards: client.tryRewards,
    moveView: client.moveView,
    subscribeView: (onMove, onReset) => ({ close: client.subscribe('view', { onReset }, onMove) }),
    imageUrl: client.imageUrl,
    subscribeRun: (id, { epoch, since }, onEvent, onReset) => ({
      close: client.subscribe(`run:${id}`, { epoch, since, onReset }, onEvent),
    }),
    subscribeEvals: (onEvent, onReset) => ({ close: client.subscribe('evals', { onReset }, onEvent) }),
    subscribeRuns: (onEvent, onReset) => ({ close: client.subscribe('runs', { onReset }, onEvent) }),
  };
}
