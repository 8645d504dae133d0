/** Tells what happened to runs while the reader looks elsewhere, by JupyterLab's notifications. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { inSentence } from '@medr1/widgets/format';
import type { RunSummary } from '@medr1/widgets/connector';
import { isInTrouble, newsOf, type News, type NewsKind } from '../news.ts';
import { notify } from '../notify.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const PLUGIN_ID = '@medr1/workbench:notifications';

/** How each kind shows, and for how many ms it lies over the page. The notification centre keeps it. */
const LOOKS: Record<NewsKind, { type: Notification.TypeOptions; autoClose: number }> = {
  finished: { type: 'success', autoClose: 20_000 },
  trouble: { type: 'error', autoClose: 60_000 },
  alert: { type: 'warning', autoClose: 20_000 },
  queue: { type: 'info', autoClose: 8000 },
};
/** What is told where settings cannot be read. */
const USUAL: Record<NewsKind, boolean> = { finished: true, trouble: true, alert: true, queue: false };

const notifications: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Notifications of runs that finished, failed, paused because of an error, raised an alert or moved in the queue.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ISettingRegistry, ITranslator],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, registry: ISettingRegistry | null, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    let settings: ISettingRegistry.ISettings | null = null;
    void registry?.load(PLUGIN_ID).then(
      (loaded) => (settings = loaded),
      () => {},
    );
    const wanted = (kind: NewsKind): boolean => (settings?.get(kind).composite as boolean | undefined) ?? USUAL[kind];

    let before: ReadonlyMap<string, RunSummary> | null = null;
    let seen: readonly RunSummary[] | null = null;
    /** Notifications that are over once something was done about what they tell, by run. */
    const troubles = new Map<string, string>();
    const look = (): void => {
      const { status, runs } = workbench.runs.state.value;
      if (status !== 'ready' || runs === seen) return;
      const news = before ? newsOf(before, runs) : [];
      seen = runs;
      before = new Map(runs.map((run) => [run.id, run]));
      for (const [run, notification] of troubles) {
        const now = before.get(run);
        if (now && isInTrouble(now)) continue;
        Notification.dismiss(notification); // it was resumed or removed
        troubles.delete(run);
      }
      for (const one of news) if (wanted(one.kind)) tell(one);
    };
    workbench.runs.state.subscribe(look);
    look();

    const tell = ({ kind, run, name, text, step }: News): void => {
      const { type, autoClose } = LOOKS[kind];
      const show = (): void => {
        workbench.selection.move({ runs: [run], step });
        void app.commands.execute(step === null ? CommandIDs.openCurves : CommandIDs.openRollouts);
      };
      const act = (): void => {
        workbench.selection.move({ runs: [run] });
        void app.commands.execute(CommandIDs.openAlerts);
      };
      const actions = [
        { label: step === null ? trans.__('Show') : trans.__('Rollouts'), callback: show },
        ...(kind === 'alert' ? [{ label: trans.__('What can be done'), callback: act }] : []),
      ];
      const notification = notify(`${inSentence(name)}: ${text}`, type, { autoClose, actions });
      if (kind !== 'trouble') return;
      if (troubles.has(run)) Notification.dismiss(troubles.get(run)!); // the newer says what is so
      troubles.set(run, notification);
    };
  },
};

export default notifications;
