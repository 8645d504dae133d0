import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { rolloutsIcon } from '../icons.ts';
import { keptInWorkspace } from '../kept.ts';
import { registerMainView } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const STATE_KEY = 'medr1:rollouts';

const rollouts: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:rollouts',
  description: 'The rollouts of a step: each question with its group of completions.',
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
    const model = workbench.rollouts;
    if (state) void keptInWorkspace(state, STATE_KEY, model, model.state);
    registerMainView({
      app,
      workbench,
      restorer,
      palette,
      name: 'rollouts',
      command: CommandIDs.openRollouts,
      label: trans.__('Rollouts'),
      caption: trans.__('Questions and completions of a step'),
      icon: rolloutsIcon,
      load: () => import('@medr1/widgets/rollouts/view'),
      tag: 'medr1-rollouts',
    });
  },
};

export default rollouts;
