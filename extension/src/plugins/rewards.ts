import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { rewardsIcon } from '../icons.ts';
import { registerMainView } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const rewards: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:rewards',
  description: 'Live weights of the reward functions of a run.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ILayoutRestorer, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null,
  ): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    registerMainView({
      app,
      workbench,
      restorer,
      palette,
      name: 'rewards',
      command: CommandIDs.openRewards,
      label: trans.__('Rewards'),
      caption: trans.__('Weights of the reward functions, changed while training'),
      icon: rewardsIcon,
      load: () => import('@medr1/widgets/rewards/view'),
      tag: 'medr1-rewards',
    });
  },
};

export default rewards;
