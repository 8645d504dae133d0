import { pairIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'pair',
  description: 'Two runs that differ in their prompt alone: curve over curve, question beside question.',
  command: CommandIDs.openPair,
  text: (trans) => ({
    label: trans.__('Pair'),
    caption: trans.__('Two variants of a run side by side'),
  }),
  icon: pairIcon,
  load: () => import('@medr1/widgets/pair/view'),
  tag: 'medr1-pair',
});
