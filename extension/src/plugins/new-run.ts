import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { newRunIcon } from '../icons.ts';
import { registerMainView } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const newRun: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:new-run',
  description: 'A form for a new run, made from the configuration schema.',
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
      name: 'new-run',
      command: CommandIDs.openNewRun,
      label: trans.__('New run'),
      caption: trans.__('Configure and start a training run'),
      icon: newRunIcon,
      load: () => import('@medr1/widgets/new-run/view'),
      tag: 'medr1-new-run',
    });
  },
};

export default newRun;
