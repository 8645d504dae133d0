/** Files as JupyterLab shows them, for views that take some. */
import { PageConfig } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { isRewardFile } from '@medr1/kernel-bridge/protocol/reward-names';
import type { HostFiles } from '@medr1/widgets/host-files';

/** A path of JupyterLab's files as the machine of the server names it; its home folder may be `~`. */
export const pathOnServer = (contents: Contents.IManager, path: string): string =>
  `${PageConfig.getOption('serverRoot').replace(/\/$/, '')}/${contents.localPath(path)}`;

/** The log of another trainer that the user chose, or the folder that was shown when nothing was selected; null when the dialog was dismissed. */
export async function chooseLog(manager: IDocumentManager, trans: TranslationBundle): Promise<string | null> {
  const { button, value } = await FileDialog.getOpenFiles({
    manager,
    title: trans.__('Log of a training'),
    label: trans.__('An output_dir, a checkpoint in it, or a trainer_state.json'),
    filter: ({ type, name }) => (type === 'directory' || name.endsWith('.json') ? {} : null),
  });
  const chosen = button.accept ? value?.[0] : undefined;
  return chosen ? pathOnServer(manager.services.contents, chosen.path) : null;
}

export function labFiles(manager: IDocumentManager, trans: TranslationBundle): HostFiles {
  const { contents } = manager.services;
  return {
    async chooseRewards() {
      const { button, value } = await FileDialog.getOpenFiles({
        manager,
        title: trans.__('Reward functions'),
        label: trans.__('TypeScript or JavaScript files; several with Ctrl or Shift'),
        filter: ({ type, name }) => (type === 'directory' || isRewardFile(name) ? {} : null),
      });
      if (!button.accept) return [];
      // With nothing selected the dialog gives the folder that it shows.
      return (value ?? []).filter(({ type }) => type !== 'directory').map(({ path }) => path);
    },

    async read(path) {
      try {
        return String((await contents.get(path, { type: 'file', format: 'text', content: true })).content);
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        const remedy = trans.__('Choose the file anew; it is UTF-8 text that ends in .ts or .js.');
        throw Object.assign(new Error(trans.__('%1 cannot be read: %2', path, why), { cause }), { code: 'REWARD_FILE', remedy });
      }
    },

    onSaved(listener) {
      const told = (_: Contents.IManager, { type, newValue }: Contents.IChangedArgs): void => {
        if (type === 'save' && newValue?.path !== undefined) listener(newValue.path);
      };
      contents.fileChanged.connect(told);
      return { close: () => void contents.fileChanged.disconnect(told) };
    },
  };
}
