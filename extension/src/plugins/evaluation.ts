import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { evaluationIcon } from '../icons.ts';
import { registerMainView } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const evaluation: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:evaluation',
  description: 'Stored evaluations: accuracies with intervals and controls, comparisons, matrices.',
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
      name: 'evaluation',
      command: CommandIDs.openEvaluation,
      label: trans.__('Evaluation'),
      caption: trans.__('Accuracies with intervals and controls, comparisons and matrices'),
      icon: evaluationIcon,
      load: () => import('@medr1/widgets/evaluation/view'),
      tag: 'medr1-evaluation',
    });
  },
};

export default evaluation;
