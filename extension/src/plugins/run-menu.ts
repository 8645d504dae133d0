/** What can be done with a run: one menu, opened from its row, and commands for the palette and the menu bar, which act on the chosen run. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyJSONObject, ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Menu, Widget } from '@lumino/widgets';
import { ACTION_LABELS, isActive, STATES } from '@medr1/widgets/runs/model';
import { comparedWith } from '@medr1/widgets/store/evaluation-choice';
import { errorBody, type ErrorBody, type RunAction, type RunSummary } from '@medr1/widgets/connector';
import { fieldsOf, type Field } from '@medr1/widgets/form/fields';
import { parseSettings } from '@medr1/widgets/runs/settings';
import { showError } from '../notify.ts';
import { CommandIDs, IWorkbench, PALETTE_CATEGORY, TRANSLATION_DOMAIN } from '../tokens.ts';

const ACTIONS = Object.keys(ACTION_LABELS) as RunAction[];
const ID = { type: 'string', description: 'Id of the run; the chosen one when left out' } as const;
const RUN = { type: 'object', properties: { id: ID } } as const;

const runMenu: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:run-menu',
  description: 'The menu of a run: its actions, overlay, fork, export, and the trash.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ICommandPalette, ITranslator],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, palette: ICommandPalette | null, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const { commands } = app;
    const { connector, runs, selection } = workbench;

    /** The run that a command is about; undefined where none is chosen or it is gone. */
    const runOf = ({ id }: ReadonlyPartialJSONObject) => runs.get(typeof id === 'string' ? id : (selection.value.runs[0] ?? ''));
    /** Of a command whose text in a run's own menu is `text`: in the palette it has to say whose. */
    const labelOf = ({ id }: ReadonlyPartialJSONObject, text: string, ofChosen: string): string =>
      typeof id === 'string' ? text : ofChosen;

    commands.addCommand(CommandIDs.runAction, {
      label: (args) => {
        const text = ACTION_LABELS[args.action as RunAction];
        return text === undefined ? trans.__('Act on a run') : labelOf(args, text, trans.__('Run: %1', text));
      },
      isVisible: (args) => typeof args.id !== 'string' || can(args),
      isEnabled: (args) => can(args),
      describedBy: {
        args: {
          type: 'object',
          properties: { id: ID, action: { type: 'string', enum: ACTIONS } },
          required: ['action'],
        },
      },
      execute: (args) => told(async () => runs.apply({ summary: await connector.action(chosen(args).id, args.action as RunAction) })),
    });

    commands.addCommand(CommandIDs.overlayRun, {
      label: trans.__('Overlay on the curves'),
      isToggled: ({ id }) => selection.value.runs.includes(String(id)),
      describedBy: { args: RUN },
      execute: ({ id }) => selection.toggleRun(String(id)),
    });

    commands.addCommand(CommandIDs.compareRun, {
      label: (args) => labelOf(args, trans.__('Compare with others'), trans.__('Run: compare with others')),
      isEnabled: (args) => runOf(args) !== undefined,
      caption: trans.__('Its curves over those of the chosen runs, evaluations beside them'),
      describedBy: { args: RUN },
      execute: (args) =>
        told(async () => {
          const { id } = chosen(args);
          if (!selection.value.runs.includes(id)) selection.toggleRun(id);
          const evaluations = comparedWith(id, await connector.evals.list(), selection.value.runs);
          if (evaluations.length > 0) selection.move({ evaluations });
          else workbench.evaluation.place.set({ at: 'list', of: id });
          await commands.execute(evaluations.length > 0 ? CommandIDs.arrangeCompare : CommandIDs.openEvaluation);
        }),
    });

    commands.addCommand(CommandIDs.forkRun, {
      label: (args) => labelOf(args, trans.__('Fork from a checkpoint …'), trans.__('Run: fork from a checkpoint …')),
      isEnabled: (args) => runOf(args) !== undefined,
      describedBy: {
        args: {
          ...RUN,
          properties: {
            ...RUN.properties,
            step: { type: 'string', description: 'Of the checkpoint that is offered first' },
            settings: { type: 'string', description: 'What to change, one key = value a line, as the form begins with' },
          },
        },
      },
      execute: (args) => {
        const { step, settings } = args as { step?: string; settings?: string };
        return told(() => fork(chosen(args).id, { step, settings }));
      },
    });

    commands.addCommand(CommandIDs.lineageRun, {
      label: trans.__('Lineage'),
      caption: trans.__('Its forks, and the run that it was forked from'),
      describedBy: { args: RUN },
      execute: (args) =>
        told(async () => {
          selection.move({ runs: [chosen(args).id] });
          await commands.execute(CommandIDs.openLineage);
        }),
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
      label: (args) => labelOf(args, trans.__('Move the run to the trash …'), trans.__('Run: move to the trash …')),
      isEnabled: (args) => {
        const run = runOf(args);
        return run !== undefined && !isActive(run.state);
      },
      describedBy: { args: { type: 'object', properties: { id: ID, name: { type: 'string' } } } },
      execute: (args) =>
        told(() => {
          const { id, name } = chosen(args);
          return moveToTrash(id, String(args.name ?? name));
        }),
    });

    commands.addCommand(CommandIDs.renameRun, {
      label: (args) => labelOf(args, trans.__('Rename …'), trans.__('Run: rename …')),
      isEnabled: (args) => runOf(args) !== undefined,
      describedBy: { args: RUN },
      execute: (args) => told(() => rename(chosen(args))),
    });

    for (const [command, key, text] of [
      [CommandIDs.pinRun, 'pinned', trans.__('Pin')],
      [CommandIDs.archiveRun, 'archived', trans.__('Archive')],
    ] as const)
      commands.addCommand(command, {
        label: (args) => labelOf(args, text, trans.__('Run: %1', text.toLowerCase())),
        isEnabled: (args) => runOf(args) !== undefined,
        isToggled: (args) => runOf(args)?.annotations[key] ?? false,
        describedBy: { args: RUN },
        execute: (args) =>
          told(async () => {
            const { id, annotations } = chosen(args);
            runs.apply({ summary: await connector.annotateRun(id, { [key]: !annotations[key] }) });
          }),
      });

    const ofChosen: [command: string, args?: ReadonlyJSONObject][] = [
      ...ACTIONS.map((action): [string, ReadonlyJSONObject] => [CommandIDs.runAction, { action }]),
      ...[CommandIDs.forkRun, CommandIDs.compareRun, CommandIDs.renameRun, CommandIDs.pinRun, CommandIDs.archiveRun].map(
        (command): [string] => [command],
      ),
      [CommandIDs.deleteRun],
    ];
    for (const [command, args = {}] of ofChosen) palette?.addItem({ command, args, category: PALETTE_CATEGORY });

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
      add(CommandIDs.renameRun);
      add(CommandIDs.pinRun);
      add(CommandIDs.archiveRun);
      menu.addItem({ type: 'separator' });
      add(CommandIDs.overlayRun);
      add(CommandIDs.compareRun);
      add(CommandIDs.forkRun);
      add(CommandIDs.lineageRun);
      menu.addItem({ type: 'separator' });
      add(CommandIDs.exportRun, { format: 'csv' });
      add(CommandIDs.exportRun, { format: 'jsonl' });
      menu.addItem({ type: 'separator' });
      add(CommandIDs.deleteRun, { name });
      menu.aboutToClose.connect(() => void setTimeout(() => menu.dispose()));
      return menu;
    };

    const can = (args: ReadonlyPartialJSONObject): boolean => {
      const run = runOf(args);
      return run !== undefined && STATES[run.state].actions.includes(args.action as RunAction);
    };

    /** As runOf, for what is done: rejects where there is none. */
    const chosen = (args: ReadonlyPartialJSONObject) => {
      const run = runOf(args);
      if (run) return run;
      const message = typeof args.id === 'string' ? trans.__('There is no run %1.', args.id) : trans.__('No run is chosen.');
      throw { code: 'RUN_UNKNOWN', message, remedy: trans.__('Choose a run in the Runs panel.') };
    };

    const rename = async ({ id, name }: { id: string; name: string }): Promise<void> => {
      const { value } = await InputDialog.getText({ title: trans.__('Name of the run'), text: name, okLabel: trans.__('Rename') });
      const next = value?.trim() ?? '';
      if (next !== '' && next !== name) runs.apply({ summary: await connector.annotateRun(id, { name: next }) });
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

    const fork = async (id: string, wanted: { step?: string; settings?: string } = {}): Promise<void> => {
      const [{ summary, checkpoints, config }, schema] = await Promise.all([connector.run(id), connector.schema().catch(() => ({}))]);
      if (checkpoints.length === 0) {
        Notification.warning(trans.__('"%1" has no checkpoint to fork from. Save one first, while it trains or is paused.', summary.name), {
          autoClose: 8000,
        });
        return;
      }
      const steps = checkpoints.map(({ step }) => step).toReversed();
      const step = Number(wanted.step);
      let asked: ForkRequest = { step: steps.includes(step) ? step : steps[0], settings: wanted.settings ?? '' };
      let problem: ErrorBody | null = null;
      let made: RunSummary | null = null;
      while (!made) {
        const body = new ForkForm(steps, asked, { fields: fieldsOf(schema), config }, problem, trans);
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
async function told(action: () => unknown): Promise<void> {
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

  /** `keys`: what a fork may be told, with what its parent has. */
  constructor(
    steps: number[],
    asked: ForkRequest,
    keys: { fields: Field[]; config: Readonly<Record<string, unknown>> },
    problem: ErrorBody | null,
    trans: { __(text: string, ...args: string[]): string },
  ) {
    super();
    this.addClass('medr1-ForkForm');
    this.#step = this.#field(trans.__('Checkpoint of step'), document.createElement('select'));
    this.#step.append(...steps.map((step) => new Option(String(step), String(step), false, step === asked.step)));
    const key = this.#field(trans.__('Key to change, with the value that the run has'), document.createElement('select'));
    key.dataset.testid = 'fork-key';
    const meaning = document.createElement('p');
    meaning.className = 'medr1-ForkForm-meaning';
    this.node.append(meaning);
    this.#settings = this.#field(trans.__('What to change, one key = value a line (beta = 0.01)'), document.createElement('textarea'));
    this.#settings.rows = 4;
    this.#settings.value = asked.settings;
    key.append(new Option(trans.__('choose one'), ''), ...grouped(keys.fields, keys.config));
    key.addEventListener('change', () => {
      const field = keys.fields.find((one) => one.key === key.value);
      meaning.textContent = field ? `${field.title}: ${field.description}` : '';
      if (field) this.#offer(field.key, keys.config[field.key]);
      key.value = '';
    });
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

  /** Writes a line for the key, its value chosen so that the next thing typed takes its place. A key that is there already is gone to. */
  #offer(key: string, value: unknown): void {
    const area = this.#settings;
    const lines = area.value.split('\n').filter((line) => line.trim() !== '');
    if (!lines.some((line) => line.split(/[=:]/)[0].trim() === key)) lines.push(`${key} = ${JSON.stringify(value ?? null)}`);
    area.value = lines.join('\n');
    const at = lines.findIndex((line) => line.split(/[=:]/)[0].trim() === key);
    const from = lines.slice(0, at).reduce((sum, { length }) => sum + length + 1, 0);
    area.focus();
    area.setSelectionRange(from + lines[at].search(/[=:]/) + 2, from + lines[at].length);
  }

  #field<E extends HTMLElement>(label: string, control: E): E {
    const row = document.createElement('label');
    row.append(label, control);
    this.node.append(row);
    return control;
  }
}

/** Keys in the groups of the New run form, each with its present value. */
function grouped(fields: readonly Field[], config: Readonly<Record<string, unknown>>): HTMLElement[] {
  return [...Map.groupBy(fields, ({ group }) => group)].map(([group, list]) => {
    const part = document.createElement('optgroup');
    part.label = group;
    part.append(...list.map(({ key }) => new Option(`${key}: ${JSON.stringify(config[key] ?? null)}`.slice(0, 80), key)));
    return part;
  });
}

export default runMenu;
