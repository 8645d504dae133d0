import { IStateDB } from '@jupyterlab/statedb';
import { dataIcon } from '../icons.ts';
import { keptInWorkspace } from '../workspace-state.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'data',
  description: 'The data browser: questions and images under facets, search and order.',
  command: CommandIDs.openData,
  text: (trans) => ({
    label: trans.__('Data'),
    caption: trans.__('Browse questions and images, filter them, start runs on them'),
  }),
  icon: dataIcon,
  load: () => import('@medr1/widgets/data/view'),
  tag: 'medr1-data',
  optional: [IStateDB],
  // Data set, filter and saved views. Waited for: all questions would show for a moment.
  setUp: ({ workbench: { data } }, state) => ({ ready: state && keptInWorkspace(state, 'medr1:data', data, data.state) }),
});
