import { IStateDB } from '@jupyterlab/statedb';
import { rolloutsIcon } from '../icons.ts';
import { keptInWorkspace } from '../workspace-state.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'rollouts',
  description: 'The rollouts of a step: each question with its group of completions.',
  command: CommandIDs.openRollouts,
  text: (trans) => ({
    label: trans.__('Rollouts'),
    caption: trans.__('Questions and completions of a step'),
  }),
  icon: rolloutsIcon,
  load: () => import('@medr1/widgets/rollouts/view'),
  tag: 'medr1-rollouts',
  optional: [IStateDB],
  setUp: ({ workbench: { rollouts } }, state) => {
    if (state) void keptInWorkspace(state, 'medr1:rollouts', rollouts, rollouts.state);
  },
});
