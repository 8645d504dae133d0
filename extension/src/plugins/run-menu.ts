/** What can be done with a run, as one menu: opened from its row in the Runs panel. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Menu, Widget } from '@lumino/widgets';
import { ACTION_LABELS, STATES } from '@medr1/widgets/runs/model';
import { errorBody, type ErrorBody, type RunAction, type RunSummary } from '@medr1/widgets/connector';
import { parseSettings } from '@medr1/widgets/runs/settings';
import { showError } from '../notify.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const ACTIONS = Object.keys(ACTION_LABELS) as RunAction[];
const RUN = { type: 'object', properties: { id: { type: 'string', description: 'Id of the run' } }, required: ['id'] } as const;

const runMenu: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:run-menu',
  description: 'The menu of a run: its actions, overlay, fork, export, and the trash.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const { commands } = app;
    const { connector, runs, selection } = workbench;

    commands.addCommand(CommandIDs.runAction, {
      label: ({ action }) => ACTION_LABELS[action as RunAction] ?? trans.__('Act on a run'),
      isVisible: ({ id, action }) => {
        const run = runs.get(String(id));
        return run !== undefined && STATES[run.state].actions.includes(action as RunAction);
      },
      describedBy: {
        args: {
          type: 'object',
          properties: { id: { type: 'string' }, action: { type: 'string', enum: ACTIONS } },
          required: ['id', 'action'],
        },
      },
      execute: ({ id, action }) => told(async () => runs.apply({ summary: await connector.action(String(id), action as RunAction) })),
    });

    commands.addCommand(CommandIDs.overlayRun, {
      label: trans.__('Overlay on the curves'),
      isToggled: ({ id }) => selection.value.runs.includes(String(id)),
      describedBy: { args: RUN },
      execute: ({ id }) => selection.toggleRun(String(id)),
    });

    commands.addCommand(CommandIDs.compareRun, {
      label: trans.__('Compare with others'),
      caption: trans.__('Its curves over those of the chosen runs, evaluations beside them'),
      describedBy: { args: RUN },
      execute: ({ id }) => {
        if (!selection.value.runs.includes(String(id))) selection.toggleRun(String(id));
        return told(async () => {
          workbench.evaluation.compare(String(id), await connector.evals.list(), selection.value.runs);
          await commands.execute(CommandIDs.arrangeCompare);
        });
      },
    });

    commands.addCommand(CommandIDs.forkRun, {
      label: trans.__('Fork from a checkpoint …'),
      describedBy: { args: RUN },
      execute: ({ id }) => told(() => fork(String(id))),
    });

    commands.addCommand(CommandIDs.exportRun, {
      label: ({ format }) => (format === 'jsonl' ? trans.__('Export rollouts (JSON lines)') : trans.__('Export metrics (CSV)')),
      describedBy: {
        args: {
          type: 'object',
          properties: { id: { type: 'string' }, format: { type: 'string', enum: ['csv', 'jsonl'] } },
          required: ['id', 'format'],
        },
      },
      execute: ({ id, format }) => {
        const link = document.createElement('a');
        link.href = connector.exportUrl(String(id), format === 'jsonl' ? 'jsonl' : 'csv');
        link.download = '';
        link.click();
      },
    });

    commands.addCommand(CommandIDs.deleteRun, {
      label: trans.__('Move the run to the trash …'),
      isEnabled: ({ id }) => {
        const run = runs.get(String(id));
        return run !== undefined && !STATES[run.state].active;
      },
      describedBy: {
        args: { type: 'object', properties: { id: { type: 'string' }, name: { type: 'string' } }, required: ['id'] },
      },
      execute: ({ id, name }) => told(() => moveToTrash(String(id), String(name ?? id))),
    });

    commands.addCommand(CommandIDs.runMenu, {
      label: trans.__('Menu of a run'),
      describedBy: {
        args: {
          type: 'object',
          properties: { id: { type: 'string' }, x: { type: 'string' }, y: { type: 'string' } },
          required: ['id', 'x', 'y'],
        },
      },
      execute: ({ id, x, y }) => {
        const run = runs.get(String(id));
        if (run) menuOf(run.id, run.name).open(Number(x), Number(y));
      },
    });

    const menuOf = (id: string, name: string): Menu => {
      const menu = new Menu({ commands });
      const add = (command: string, args: ReadonlyPartialJSONObject = {}): void => void menu.addItem({ command, args: { id, ...args } });
      ACTIONS.forEach((action) => add(CommandIDs.runAction, { action }));
      menu.addItem({ type: 'separator' });
      add(CommandIDs.overlayRun);
      add(CommandIDs.compareRun);
      add(CommandIDs.forkRun);
      menu.addItem({ type: 'separator' });
      add(CommandIDs.exportRun, { format: 'csv' });
      add(CommandIDs.exportRun, { format: 'jsonl' });
      menu.addItem({ type: 'separator' });
      add(CommandIDs.deleteRun, { name });
      menu.aboutToClose.connect(() => void setTimeout(() => menu.dispose()));
      return menu;
    };

    const moveToTrash = async (id: string, name: string): Promise<void> => {
      const { button } = await showDialog({
        title: trans.__('Move to the trash?'),
        body: trans.__('"%1" with its rollouts and checkpoints leaves the list. It can be put back from the trash.', name),
        buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Move to the trash') })],
      });
      if (!button.accept) return;
      const { id: entry } = await connector.deleteRun(id);
      runs.apply({ removed: id });
      await commands.execute(CommandIDs.offerUndo, { id: entry, name });
    };

    const fork = async (id: string): Promise<void> => {
      const { summary, checkpoints } = await connector.run(id);
      if (checkpoints.length === 0) {
        Notification.warning(trans.__('"%1" has no checkpoint to fork from. Save one first, while it trains or is paused.', summary.name), {
          autoClose: 8000,
        });
        return;
      }
      const steps = checkpoints.map(({ step }) => step).toReversed();
      let asked: ForkRequest = { step: steps[0], settings: '' };
      let problem: ErrorBody | null = null;
      let made: RunSummary | null = null;
      while (!made) {
        const body = new ForkForm(steps, asked, problem, trans);
        const buttons = [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.okButton({ label: trans.__('Fork') })];
        const { button, value } = await showDialog({ title: trans.__('Fork "%1"', summary.name), body, buttons });
        if (!button.accept || !value) return;
        asked = value;
        try {
          made = await connector.fork(id, { step: asked.step, config: parseSettings(asked.settings) });
        } catch (error) {
          problem = errorBody(error); // told in the dialog, with what was typed
        }
      }
      runs.apply({ summary: made });
      selection.move({ runs: [made.id, id] });
    };
  },
};

/** Runs an action and tells what went wrong, with its remedy. */
async function told(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    showError(error);
  }
}

interface ForkRequest {
  step: number;
  settings: string;
}

class ForkForm extends Widget implements Dialog.IBodyWidget<ForkRequest> {
  readonly #step: HTMLSelectElement;
  readonly #settings: HTMLTextAreaElement;

  constructor(steps: number[], asked: ForkRequest, problem: ErrorBody | null, trans: { __(text: string): string }) {
    super();
    this.addClass('medr1-ForkForm');
    this.#step = this.#field(trans.__('Checkpoint of step'), document.createElement('select'));
    this.#step.append(...steps.map((step) => new Option(String(step), String(step), false, step === asked.step)));
    this.#settings = this.#field(trans.__('What to change, one key = value a line (beta = 0.01)'), document.createElement('textarea'));
    this.#settings.rows = 4;
    this.#settings.value = asked.settings;
    if (!problem) return;
    const told = document.createElement('p');
    told.setAttribute('role', 'alert');
    told.dataset.testid = 'fork-problem';
    told.textContent = `⚠ ${problem.message} ${problem.remedy}`;
    this.node.append(told);
  }

  getValue(): ForkRequest {
    return { step: Number(this.#step.value), settings: this.#settings.value };
  }

  #field<E extends HTMLElement>(label: string, control: E): E {
    const row = document.createElement('label');
    row.append(label, control);
    this.node.append(row);
    return control;
  }
}

export default runMenu;
