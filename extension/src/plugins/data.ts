import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { dataIcon } from '../icons.ts';
import { registerMainView } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const STATE_KEY = 'medr1:data';
const SAVE_DELAY_MS = 300;

const data: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:data',
  description: 'The data browser: questions and images under facets, search and order.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ILayoutRestorer, ICommandPalette, IStateDB, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    state: IStateDB | null,
    translator: ITranslator | null,
  ): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const restored = state ? restore(workbench, state) : Promise.resolve();
    registerMainView({
      app,
      workbench,
      restorer,
      palette,
      name: 'data',
      command: CommandIDs.openData,
      label: trans.__('Data'),
      caption: trans.__('Browse questions and images, filter them, start runs on them'),
      icon: dataIcon,
      // Not before the filter is back: all questions would show for a moment.
      load: () => Promise.all([import('@medr1/widgets/data/view'), restored]),
      tag: 'medr1-data',
    });
  },
};

/** Data set, filter and saved views live with the workspace. */
async function restore({ data }: IWorkbench, state: IStateDB): Promise<void> {
  data.restore(await state.fetch(STATE_KEY).catch(() => undefined));
  let saved = JSON.stringify(data.toJSON());
  let timer: ReturnType<typeof setTimeout> | undefined;
  data.state.subscribe(() => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const json = JSON.stringify(data.toJSON());
      if (json === saved) return;
      saved = json;
      void state.save(STATE_KEY, JSON.parse(json));
    }, SAVE_DELAY_MS);
  });
}

export default data;
