import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { sampleIcon } from '../icons.ts';
import { registerMainView } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const sample: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:sample',
  description: 'One question with its image, answers of runs, its prompt, and a model to ask.',
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
      name: 'sample',
      command: CommandIDs.openSample,
      label: trans.__('Sample'),
      caption: trans.__('One question: its image, its prompt, what runs answered, and a model to ask'),
      icon: sampleIcon,
      load: () => import('@medr1/widgets/sample/view'),
      tag: 'medr1-sample',
    });
  },
};

export default sample;
