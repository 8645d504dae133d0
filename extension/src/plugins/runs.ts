import { medr1Icon } from '../icons.ts';
import { LogDrop } from '../log-drop.ts';
import { showError } from '../notify.ts';
import { sidePanelPlugin } from '../side-panel.ts';
import { CommandIDs } from '../tokens.ts';

export default sidePanelPlugin({
  name: 'runs',
  description: 'The Runs panel in the side bar: training runs, their state and what can be done with them.',
  area: 'left',
  command: CommandIDs.showRuns,
  text: (trans) => ({
    title: trans.__('Med-R1 runs'),
    label: trans.__('Runs'),
    caption: trans.__('Show the Runs panel'),
  }),
  icon: medr1Icon,
  load: () => import('@medr1/widgets/runs/view'),
  tag: 'medr1-runs',
  adorn: (node, { commands, shell, serviceManager: { contents } }) =>
    void new LogDrop(node, {
      contents,
      take: (path) => commands.execute(CommandIDs.importRun, { path }),
      refuse: showError,
      tab: `.lm-TabBar-tab[data-id='${node.id}']`,
      show: () => shell.activateById(node.id),
    }),
});
