import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { inspectorIcon } from '../icons.ts';
import { PALETTE_CATEGORY } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';
import { ElementView } from '../view.ts';

const RANK = 600;

const inspector: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:inspector',
  description: 'The Inspector in the right side bar: details of what is selected.',
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
    const { commands, shell } = app;
    const load = () => import('@medr1/widgets/inspector/view');
    const panel = new ElementView({ load, tag: 'medr1-inspector', workbench, commands, late: true });
    panel.id = 'medr1-inspector';
    panel.title.icon = inspectorIcon;
    panel.title.caption = trans.__('Med-R1 inspector');
    panel.node.tabIndex = -1;
    panel.node.setAttribute('role', 'region');
    panel.node.setAttribute('aria-label', trans.__('Med-R1 inspector'));
    shell.add(panel, 'right', { rank: RANK });
    restorer?.add(panel, panel.id);

    commands.addCommand(CommandIDs.showInspector, {
      label: trans.__('Inspector'),
      caption: trans.__('Show the details of what is selected'),
      icon: ({ isPalette }) => (isPalette ? undefined : inspectorIcon),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => shell.activateById(panel.id),
    });
    palette?.addItem({ command: CommandIDs.showInspector, category: PALETTE_CATEGORY });
  },
};

export default inspector;
