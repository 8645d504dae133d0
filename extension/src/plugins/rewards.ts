import { rewardsIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'rewards',
  description: 'Live weights of the reward functions of a run.',
  command: CommandIDs.openRewards,
  text: (trans) => ({
    label: trans.__('Rewards'),
    caption: trans.__('Weights of the reward functions, changed while training'),
  }),
  icon: rewardsIcon,
  load: () => import('@medr1/widgets/rewards/view'),
  tag: 'medr1-rewards',
});
