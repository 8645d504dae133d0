/** Loads the page anew when its bundle was built again. Part of development builds alone (`npm run dev`). */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

const LOOK_MS = 1000;

const reload: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:reload',
  description: 'Loads the page anew when its bundle was built again.',
  autoStart: true,
  activate: ({ serviceManager: { serverSettings } }: JupyterFrontEnd): void => {
    const url = URLExt.join(serverSettings.baseUrl, 'lab/extensions/@medr1/workbench/package.json');
    let loaded: string | null = null;
    const look = async (): Promise<void> => {
      const answer = await ServerConnection.makeRequest(url, { cache: 'no-store' }, serverSettings).catch(() => null);
      const manifest = answer?.ok
        ? ((await answer.json().catch(() => null)) as { jupyterlab?: { _build?: { load?: string } } } | null)
        : null;
      const built = manifest?.jupyterlab?._build?.load ?? null; // null while it is being written
      if (built !== null && loaded !== null && built !== loaded) location.reload();
      loaded ??= built;
    };
    setInterval(() => void look(), LOOK_MS);
  },
};

export default reload;
