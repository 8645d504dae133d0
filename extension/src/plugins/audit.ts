import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { auditIcon } from '../icons.ts';
import { registerMainView } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const audit: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:audit',
  description: 'What leaks from train to test, what gives answers away, what cannot be used.',
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
      name: 'audit',
      command: CommandIDs.openAudit,
      label: trans.__('Audit'),
      caption: trans.__('Leaks, shortcuts and duplicates of a data set'),
      icon: auditIcon,
      load: () => import('@medr1/widgets/audit/view'),
      tag: 'medr1-audit',
    });
  },
};

export default audit;
