/** The backend through Jupyter's relay: under its base URL, with its authentication and its XSRF check. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { createClient } from '@medr1/kernel-bridge/client';
import { clientConnector } from '@medr1/widgets/client-connector';
import type { Connector } from '@medr1/widgets/connector';

export function createLabConnector(settings: ServerConnection.ISettings): Connector {
  const wsUrl = URLExt.join(settings.wsUrl, 'medr1/api/ws');
  return clientConnector(
    createClient({
      baseUrl: URLExt.join(settings.baseUrl, 'medr1/api'),
      wsUrl: settings.appendToken && settings.token ? `${wsUrl}?token=${encodeURIComponent(settings.token)}` : wsUrl,
      fetch: (url, init) => ServerConnection.makeRequest(url, init ?? {}, settings),
      WebSocket: settings.WebSocket,
    }),
  );
}
