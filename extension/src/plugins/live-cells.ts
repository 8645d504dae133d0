import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { showLiveOutputs } from '../live-output.ts';

const liveCells: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:live-cells',
  description: 'Shows live cells of a notebook, and the picture that they left where no kernel runs.',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_, tracker: INotebookTracker): void => {
    const show = ({ content, sessionContext }: NotebookPanel): void => showLiveOutputs(content.rendermime, sessionContext.ready);
    tracker.forEach(show);
    tracker.widgetAdded.connect((_tracker, panel) => show(panel));
  },
};

export default liveCells;
