import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { EvaluationModel, STATES } from '@medr1/widgets/evaluation/model';
import { alertedRun, statusOf } from '@medr1/widgets/status/model';
import { Widget } from '@lumino/widgets';
import { CommandIDs, IWorkbench } from '../tokens.ts';

const status: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:status',
  description: 'The state of the running training in the status bar.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, bar: IStatusBar | null): void => {
    if (!bar) return;
    const button = document.createElement('button');
    button.className = 'medr1-StatusItem';
    button.dataset.testid = 'medr1-status';
    button.addEventListener('click', () => {
      const alerted = alertedRun(workbench.runs.state.value);
      if (alerted) workbench.selection.move({ runs: [alerted.id] });
      void app.commands.execute(alerted ? CommandIDs.openAlerts : CommandIDs.showRuns);
    });
    const item = new Widget();
    item.node.append(button);
    const evaluations = new EvaluationModel(workbench.connector, workbench.selection);
    const draw = (): void => {
      const computing = evaluations.state.value.evaluations.find(({ state }) => STATES[state].active) ?? null;
      const { text, title } = statusOf(workbench.runs.state.value, workbench.connector.connection.value, computing);
      button.textContent = text;
      button.title = title;
      button.setAttribute('aria-label', title);
    };
    workbench.runs.state.subscribe(draw);
    workbench.connector.connection.subscribe(draw);
    evaluations.state.subscribe(draw);
    void evaluations.start();
    draw();
    bar.registerStatusItem('@medr1/workbench:status', { item, align: 'left', rank: 100, priority: 1 });
  },
};

export default status;
