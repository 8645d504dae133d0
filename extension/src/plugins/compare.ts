import { compareIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'compare',
  description: 'Two to four evaluations side by side: accuracies, tests of each pair, agreement, questions that flip.',
  command: CommandIDs.openCompare,
  text: (trans) => ({
    label: trans.__('Compare'),
    caption: trans.__('Runs, checkpoints or variants side by side on what they answered'),
  }),
  icon: compareIcon,
  load: () => import('@medr1/widgets/compare/view'),
  tag: 'medr1-compare',
});
