import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { dataIcon } from '../icons.ts';
import { keptInWorkspace } from '../kept.ts';
import { registerMainView } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const STATE_KEY = 'medr1:data';

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
    const model = workbench.data;
    // data set, filter and saved views
    const restored = state ? keptInWorkspace(state, STATE_KEY, model, model.state) : Promise.resolve();
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

export default data;
