/** The plugin of a panel in a side bar that needs nothing but the workbench: the panel, the command that shows it, its palette entry. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import { MessageLoop } from '@lumino/messaging';
import { IWorkbench, PALETTE_CATEGORY, TRANSLATION_DOMAIN } from './tokens.ts';
import { ElementView, type ElementViewOptions } from './view.ts';

const RANK = 600;

export interface SidePanelPluginOptions extends Pick<ElementViewOptions, 'load' | 'tag' | 'late'> {
  /** Last part of ids: "runs". */
  name: string;
  description: string;
  area: 'left' | 'right';
  command: string;
  icon: LabIcon;
  /** `title` names the panel, `label` and `caption` the command that shows it. */
  text: (trans: TranslationBundle) => { title: string; label: string; caption: string };
  /** What else the panel does, beside what its element does. */
  adorn?: (node: HTMLElement, app: JupyterFrontEnd) => void;
}

export function sidePanelPlugin({
  name,
  description,
  area,
  command,
  icon,
  text,
  adorn,
  ...view
}: SidePanelPluginOptions): JupyterFrontEndPlugin<void> {
  return {
    id: `@medr1/workbench:${name}`,
    description,
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
      const { commands, shell } = app;
      const { title, label, caption } = text((translator ?? nullTranslator).load(TRANSLATION_DOMAIN));
      const panel = new ElementView({ ...view, workbench, commands });
      panel.id = `medr1-${name}`;
      panel.title.icon = icon;
      panel.title.caption = title;
      panel.node.tabIndex = -1;
      panel.node.setAttribute('role', 'region');
      panel.node.setAttribute('aria-label', title);
      adorn?.(panel.node, app);
      shell.add(panel, area, { rank: RANK });
      restorer?.add(panel, panel.id);

      commands.addCommand(command, {
        label,
        caption,
        icon: ({ isPalette }) => (isPalette ? undefined : icon),
        describedBy: { args: { type: 'object', properties: {} } },
        execute: () => {
          shell.activateById(panel.id);
          panel.node.focus(); // whoever asked for it by keys walks on in it
          MessageLoop.flush(); // the palette, which closes now, gives the keyboard to the main area first
          panel.node.focus();
          panel.activate();
        },
      });
      palette?.addItem({ command, category: PALETTE_CATEGORY });
    },
  };
}
