/** The shared selection as a link: copied, and opened again by the page's address or by a command. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, ICommandPalette, InputDialog, Notification } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { linkIn, pageLinkOf, selectionOf, withoutLink } from '@medr1/widgets/link';
import type { Selection } from '@medr1/widgets/selection';
import { keepingFocus } from '../dialog-focus.ts';
import { showError } from '../notify.ts';
import { CommandIDs, IWorkbench, PALETTE_CATEGORY, TRANSLATION_DOMAIN } from '../tokens.ts';

const links: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:links',
  description: 'Copies the shared selection as the address of a page and opens such links.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ICommandPalette, ITranslator],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, palette: ICommandPalette | null, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const { commands } = app;
    const { selection, runs } = workbench;

    commands.addCommand(CommandIDs.copyLink, {
      label: trans.__('Copy link to the selection'),
      caption: trans.__('The address of a page of this JupyterLab that opens with what is selected'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        const link = pageLinkOf(
          selection.value,
          PageConfig.getUrl({ mode: 'multiple-document', workspace: PageConfig.defaultWorkspace, treePath: '', toShare: true }),
        );
        Clipboard.copyToSystem(link);
        Notification.info(trans.__('Copied the address of a page that opens with this selection'), { autoClose: 4000 });
        return link;
      },
    });

    commands.addCommand(CommandIDs.openLink, {
      label: trans.__('Open link …'),
      caption: trans.__('Shows what a link stands for: the address of a page with medr1= in it, or medr1:?…'),
      describedBy: { args: { type: 'object', properties: { link: { type: 'string', description: 'Asked for when left out' } } } },
      execute: async ({ link }) => {
        const given = typeof link === 'string' ? link : await ask();
        if (given === null) return;
        try {
          const wanted = selectionOf(given);
          const gone = runs.state.value.status === 'ready' ? wanted.runs.filter((id) => !runs.get(id)) : [];
          if (gone.length > 0) throw unknownRun(gone[0]);
          selection.move(wanted);
          await commands.execute(viewOf(wanted, runs), {});
          if (wanted.token !== null && commands.hasCommand(CommandIDs.showInspector)) await commands.execute(CommandIDs.showInspector); // the view that marks a token
        } catch (error) {
          showError(error);
        }
      },
    });
    for (const command of [CommandIDs.copyLink, CommandIDs.openLink]) palette?.addItem({ command, category: PALETTE_CATEGORY });

    const opened = linkIn(location.href);
    if (opened !== null)
      void Promise.all([app.restored, listed(runs)]).then(() => {
        history.replaceState(history.state, '', withoutLink(location.href));
        return commands.execute(CommandIDs.openLink, { link: opened });
      });

    const ask = async (): Promise<string | null> => {
      const { value } = await keepingFocus(() =>
        InputDialog.getText({
          title: trans.__('Open a link (http://…?medr1=… or medr1:?runs=…)'),
          okLabel: trans.__('Open'),
        }),
      );
      return value === null || value.trim() === '' ? null : value;
    };
    const unknownRun = (id: string) => ({
      code: 'RUN_UNKNOWN',
      message: trans.__('There is no run %1 on this server.', id),
      remedy: trans.__('The link may be of another server, or the run was moved to the trash.'),
    });
  },
};

/** Once the runs are known, or it is known that they cannot be read. */
const listed = ({ state }: IWorkbench['runs']): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (state.value.status === 'loading') return;
      stop();
      resolve();
    };
    const stop = state.subscribe(look);
    look();
  });

/** The view that shows most of it. */
function viewOf({ item, runs, step, evaluations, search }: Selection, known: IWorkbench['runs']): string {
  if (search !== null) return CommandIDs.openSearch;
  if (evaluations.length > 0) return CommandIDs.openCompare;
  if (isPair(runs, known)) return CommandIDs.openPair;
  if (step !== null) return CommandIDs.openRollouts;
  if (item !== null) return CommandIDs.openSample;
  return runs.length > 0 ? CommandIDs.openCurves : CommandIDs.openData;
}

const isPair = (ids: readonly string[], known: IWorkbench['runs']): boolean => ids.length === 2 && known.get(ids[0])?.pair?.with === ids[1];

export default links;
