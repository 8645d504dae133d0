/** What can be done with a run: one menu, opened from its row, and commands for the palette and the menu bar, which act on the chosen run. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyJSONObject, ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Menu } from '@lumino/widgets';
import { inSentence } from '@medr1/widgets/format';
import { ACTION_LABELS, isActive, stateFacts, STATES } from '@medr1/widgets/runs/model';
import { comparedWith } from '@medr1/widgets/store/evaluation-choice';
import type { RunAction, RunState } from '@medr1/widgets/connector';
import { parseSettings } from '@medr1/widgets/runs/settings';
import { keepingFocus } from '../dialog-focus.ts';
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
    /** Why a command cannot act; null where it can. `allows`: the states of a run in which it can, all when left out. */
    const whyNot = (args: ReadonlyPartialJSONObject, allows: (state: RunState) => boolean = () => true): string | null => {
      const run = runOf(args);
      if (!run) return trans.__('no run is chosen');
      return allows(run.state) ? null : trans.__('the chosen run is %1', stateFacts(run).label);
    };
    /** Of a command whose text in a run's own menu is `text`: in the palette and the menu bar it has to say whose, and why it is greyed. */
    const labelOf = (args: ReadonlyPartialJSONObject, text: string, ofChosen: string, why = whyNot(args)): string => {
      if (typeof args.id === 'string') return text;
      return why === null ? ofChosen : `${ofChosen} (${why})`;
    };

    commands.addCommand(CommandIDs.runAction, {
      label: (args) => {
        const text = ACTION_LABELS[args.action as RunAction];
        return text === undefined ? trans.__('Act on a run') : labelOf(args, text, trans.__('Run: %1', text), whyNoAction(args));
      },
      isVisible: (args) => typeof args.id !== 'string' || whyNoAction(args) === null,
      isEnabled: (args) => whyNoAction(args) === null,
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
      isEnabled: (args) => whyNot(args) === null,
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
      isEnabled: (args) => whyNot(args) === null,
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
      label: (args) => labelOf(args, trans.__('Move the run to the trash …'), trans.__('Run: move to the trash …'), whyNotRemoved(args)),
      isEnabled: (args) => whyNotRemoved(args) === null,
      describedBy: { args: { type: 'object', properties: { id: ID, name: { type: 'string' } } } },
      execute: (args) =>
        told(() => {
          const { id, name } = chosen(args);
          return moveToTrash(id, String(args.name ?? name));
        }),
    });

    commands.addCommand(CommandIDs.renameRun, {
      label: (args) => labelOf(args, trans.__('Rename …'), trans.__('Run: rename …')),
      isEnabled: (args) => whyNot(args) === null,
      describedBy: { args: RUN },
      execute: (args) => told(() => rename(chosen(args))),
    });

    for (const [command, key, text] of [
      [CommandIDs.pinRun, 'pinned', trans.__('Pin')],
      [CommandIDs.archiveRun, 'archived', trans.__('Archive')],
    ] as const)
      commands.addCommand(command, {
        label: (args) => labelOf(args, text, trans.__('Run: %1', text.toLowerCase())),
        isEnabled: (args) => whyNot(args) === null,
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

    const whyNoAction = (args: ReadonlyPartialJSONObject): string | null =>
      whyNot(args, (state) => STATES[state].actions.includes(args.action as RunAction));
    const whyNotRemoved = (args: ReadonlyPartialJSONObject): string | null => whyNot(args, (state) => !isActive(state));

    /** As runOf, for what is done: rejects where there is none. */
    const chosen = (args: ReadonlyPartialJSONObject) => {
      const run = runOf(args);
      if (run) return run;
      const message = typeof args.id === 'string' ? trans.__('There is no run %1.', args.id) : trans.__('No run is chosen.');
      throw { code: 'RUN_UNKNOWN', message, remedy: trans.__('Choose a run in the Runs panel.') };
    };

    const rename = async ({ id, name }: { id: string; name: string }): Promise<void> => {
      const { value } = await keepingFocus(() =>
        InputDialog.getText({ title: trans.__('Name of the run'), text: name, okLabel: trans.__('Rename') }),
      );
      const next = value?.trim() ?? '';
      if (next !== '' && next !== name) runs.apply({ summary: await connector.annotateRun(id, { name: next }) });
    };

    const moveToTrash = async (id: string, name: string): Promise<void> => {
      const { button } = await keepingFocus(() =>
        showDialog({
          title: trans.__('Move to the trash?'),
          body: trans.__('"%1" with its rollouts and checkpoints leaves the list. It can be put back from the trash.', inSentence(name)),
          buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Move to the trash') })],
        }),
      );
      if (!button.accept) return;
      const { id: entry } = await connector.deleteRun(id);
      runs.apply({ removed: id });
      await commands.execute(CommandIDs.offerUndo, { id: entry, name });
    };

    const fork = async (id: string, { step, settings = '' }: { step?: string; settings?: string }): Promise<void> => {
      const parent = await connector.run(id);
      const steps = parent.checkpoints.map((one) => one.step);
      if (steps.length === 0) {
        Notification.warning(
          trans.__('"%1" has no checkpoint to fork from. Save one first, while it trains or is paused.', inSentence(parent.summary.name)),
          { autoClose: 8000 },
        );
        return;
      }
      const from = steps.includes(Number(step)) ? Number(step) : steps.at(-1)!;
      workbench.draft.set({ config: parseSettings(settings), fork: { parent, step: from } });
      await commands.execute(CommandIDs.openNewRun);
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

export default runMenu;
